# What a client or a dumping program said on stderr, without what may be data. A server's message often quotes a value, a client repeats
# the statement that failed, and both end in logs and verdicts that more people read than the database. Kept are the number of an
# error, its SQLSTATE and its line; and its text, where that holds no more than names.

BEGIN {
  names = "1005 1006 1007 1008 1025 1026 1028 1030 1040 1041 1043 1044 1045 1046 1049 1050 1051 1054 1067 1071 1072 1091 1109 1114 1115 1118" \
    " 1129 1130 1133 1141 1142 1143 1146 1147 1153 1158 1159 1160 1161 1173 1180 1193 1194 1195 1203 1205 1206 1213 1214 1215 1217 1226 1227" \
    " 1231 1235 1238 1251 1273 1286 1289 1290 1298 1304 1305 1317 1347 1356 1359 1360 1370 1388 1396 1406 1412 1418 1419 1449 1451 1452 1478" \
    " 1524 1527 1535 1548 1577 1615 1698 1701 1785 1792 1812 1813 1820 1822 1823 1824 1826 1862 1872 1877 1932 1964 2002 2003 2004 2005 2006 2012" \
    " 2013 2018 2019 2020 2026 2027 2058 2059 2061 3098 3118 3159 3161 3121 3185 3510 3524 3548 3730 3734 3750 3780 3813 3819 3822 3955 3989 4025 4031 4051 4078" \
    " 4124 4151 4161 4168"
  for (i = split(names, list, " "); i > 0; i--) harmless[list[i]]
  words[1062] = "a value is there twice under a key that allows it once"
  words[1064] = "the statement cannot be parsed"
  for (i = split("1264 1265 1292 1366 1367", list, " "); i > 0; i--) words[list[i]] = "a value does not fit the type of its column"
  words[3140] = words[3141] = "a value is not JSON"
}

function own(number) { return number in words ? words[number] : "the message is left out, as it may hold data" }

# ERROR 1062 (23000) at line 7: ...
/^ERROR [0-9]+/ {
  if ($2 + 0 in harmless) { print; next }
  head = match($0, /^ERROR [0-9]+( \([0-9A-Z]+\))?( at line [0-9]+)?/) ? substr($0, 1, RLENGTH) : "ERROR " ($2 + 0)
  print head ": " own($2 + 0)
  next
}

# mysqldump: Error 2013: ... when dumping table `t` at row: 7
/^[a-z-]+: Error:? [0-9]+:/ {
  number = $0
  sub(/^[a-z-]+: Error:? /, "", number)
  if (number + 0 in harmless) { print; next }
  print $1 " Error " number + 0 ": " own(number + 0) (match($0, / when dumping table `[^`]*(``[^`]*)*` at row: [0-9]+$/) ? substr($0, RSTART) : "")
  next
}

# mysqldump: Got error: 1045: "..." when trying to connect
/^[a-z-]+: Got error: [0-9]+:/ {
  number = $4 + 0
  if (number in harmless) { print; next }
  print $1 " Got error: " number ": " own(number) (match($0, / when [A-Za-z ]+$/) ? substr($0, RSTART) : "")
  next
}

# mysqldump: Couldn't execute '...': ... (1356)
/^[a-z-]+: Couldn't execute / && match($0, /\([0-9]+\)$/) {
  number = substr($0, RSTART + 1, RLENGTH - 2) + 0
  if (number in harmless) print
  else print $1 " a statement of its own failed with error " number ": " own(number)
  next
}

# What programs say of themselves.
/^[a-z-]+: (\[ERROR\] )?(Got errno|Couldn't find table|unknown (variable|option)|Can't|Out of memory|Couldn't open|File )/ { print }
