# Reads what `restic snapshots --json` says, with a line break for each opening brace: a snapshot begins with "time", and has its id after
# a summary, in the next line.
/^"time":/ {
  point = ""
  time = substr($0, 9)
  sub(/".*/, "", time)
  if (match($0, /"paths":\["\/[^"@]+@[^"@]+@[^"@]+"\]/)) {
    split(substr($0, RSTART + 11, RLENGTH - 13), part, "@")
    if (is_id(part[2])) point = part[1] " " part[2] " " part[3]
  }
  members = "-"
  if (match($0, /"members=[0-9]+"/)) members = substr($0, RSTART + 9, RLENGTH - 10)
}
match($0, /"id":"[0-9a-f]+"/) { print substr($0, RSTART + 6, RLENGTH - 7), point == "" ? "" : point " " members " " time }
