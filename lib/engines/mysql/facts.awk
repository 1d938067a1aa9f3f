# Copies one part of a dump from stdin to stdout, and notes what it holds in the file NOTES: lines of WHAT TAB OBJECT TAB NUMBER.
# What is counted is what is stored, whatever the application writes meanwhile, and whatever engine a table has.
#
# environment: PART (tables, routines, triggers, views, events), NAME (the database), NOTES, POSITION (a file for the position
# in the binary log), LARGEST (a file for the bytes of the largest statement), BEGUN (a file that is there when the first table comes),
# PLACES (a file for what tables need beside their database: tablespace, directory or sequence, TAB, as it stands in the statement)
#
# A row never spans lines: the dumping programs write a line break in a value as \n. MariaDB's begins a line with every row but
# sometimes the first, MySQL's puts many rows on one, as VALUES (...),(...).
# LC_ALL=C, so that bytes are bytes; a dump is no text in any one encoding.

function note(what, object, number) { if (number > 0 || object != "") print what "\t" object "\t" number + 0 >ENVIRON["NOTES"] }

function needed(kind, what) { if (!seen[kind, what]++) print kind "\t" what >ENVIRON["PLACES"] }

# The name between the outermost backticks.
function name_in(line) {
  sub(/^[^`]*`/, "", line)
  sub(/`[^`]*$/, "", line)
  gsub(/``/, "`", line)
  return line
}

function rows_in(line) {
  line = substr(line, index(line, " VALUES ("))
  # What may stand in a value goes: first what is escaped in it, then the value.
  if (index(line, "\\")) gsub(/\\./, "", line)
  gsub(/'[^']*'/, "", line)
  return gsub(/\),\(/, "", line) + 1
}

function measure(bytes) {
  size = bytes
  if (size > largest) largest = size
}

BEGIN {
  part = ENVIRON["PART"]
  own = ENVIRON["NAME"]
  gsub(/`/, "``", own)
  own = "`" own "`."
}

{ last = $0 }

part == "tables" && rows_follow {
  rows[table]++
  measure(size + length($0) + 1)
  if (/;$/) rows_follow = 0
  print
  next
}

part == "tables" && substr($0, 1, 12) == "INSERT INTO " {
  if (!/;$/) rows_follow = 1
  measure(length($0) + 1)
  if (!/ VALUES$/) rows[table] += rows_in($0)
  print
  next
}

# A day such as the 31st of February, which a server may be told to take, is taken back.
part == "tables" && !begun && /^\/\*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, / { sub(/'NO_AUTO_VALUE_ON_ZERO'/, "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'") }
part == "tables" && !begun && /^-- (Table|Sequence) structure for / {
  begun = 1
  printf "" >ENVIRON["BEGUN"]
  close(ENVIRON["BEGUN"])
}
part == "tables" && /^-- Dumping data for table `/ { table = name_in($0); rows[table] += 0 }
part == "tables" && /^-- Sequence structure for `/ { sequences++ }
part == "tables" && /^CREATE TABLE `/ { tables++; within = 1; print; next }
part == "tables" && within && /^\)/ {
  within = 0
  # A server that lacks an engine takes another one, and says nothing that fails.
  if (match($0, / ENGINE=[0-9A-Za-z_]+/)) engines[tolower(substr($0, RSTART + 8, RLENGTH - 8))]++
  places = 1
}
# What follows of the statement: its partitions.
part == "tables" && places {
  text = $0
  while (match(text, /TABLESPACE `([^`]|``)*`|(DATA|INDEX) DIRECTORY ?= ?'[^']*'/)) {
    place = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    kind = place ~ /^TABLESPACE/ ? "tablespace" : "directory"
    sub(/^[^`']*/, "", place)
    needed(kind, place)
  }
  if (/;$/) places = 0
}
part == "tables" && within && /^  `/ {
  columns++
  # MariaDB names the database of a sequence in a default, where it means its own.
  while ((at = index($0, "val(" own))) $0 = substr($0, 1, at + 3) substr($0, at + 4 + length(own))
  text = $0
  while (match(text, /val\(`([^`]|``)*`\.`([^`]|``)*`/)) {
    needed("sequence", substr(text, RSTART + 4, RLENGTH - 4))
    text = substr(text, RSTART + RLENGTH)
  }
}
part == "tables" && within && /^  (PRIMARY|UNIQUE|FULLTEXT|SPATIAL|VECTOR)? ?KEY / { indexes++ }
part == "tables" && within && /^  CONSTRAINT `([^`]|``)*` FOREIGN KEY / { foreign_keys++ }
part == "tables" && /^-- CHANGE (MASTER|REPLICATION SOURCE) TO / && split($0, at_, "'") >= 3 {
  position = $0
  sub(/.*_LOG_POS=/, "", position)
  sub(/[^0-9].*/, "", position)
  print at_[2] "\t" position >ENVIRON["POSITION"]
}

part == "views" && /^-- Final view structure for view `/ { views++ }

# The text of a routine, trigger or event may look like anything; it stands between these.
$0 == "DELIMITER ;;" { body = begins = 1 }
$0 == "DELIMITER ;" { body = begins = 0 }
begins && part == "routines" && /^CREATE / { routines++; begins = 0 }
begins && part == "triggers" && /^\/\*!50003 CREATE\*\// { triggers++; begins = 0 }
begins && part == "events" && /^\/\*!50106 CREATE\*\// {
  # An event whose time is over is dropped by the server that is told to make it.
  schedule = substr($0, 1, index($0 " DO ", " DO "))
  if (schedule ~ / ON SCHEDULE EVERY / && schedule !~ / ENDS '/) events++
  begins = 0
}
# Said of the database in use, whatever its name.
!body && part != "tables" { sub(/^ALTER DATABASE `.*` CHARACTER SET /, "ALTER DATABASE CHARACTER SET ") }

{ print }

END {
  if (last != "-- Dump completed") exit 3
  if (part == "tables") print largest + 0 >ENVIRON["LARGEST"]
  note("tables", "", tables)
  note("sequences", "", sequences)
  note("columns", "", columns)
  note("indexes", "", indexes)
  note("foreign-keys", "", foreign_keys)
  note("routines", "", routines)
  note("triggers", "", triggers)
  note("views", "", views)
  note("events", "", events)
  for (name in rows) note("rows", name, rows[name])
  for (name in engines) note("engine", name, engines[name])
}
