# Reads a manifest, as shell/manifest.sh writes it, an entry a line.

# Leaves the fields in `field`, the members' sizes in `member_bytes`, and returns whether it is whole and of that recovery point. What
# is not encrypted has no "encryption".
function read_manifest(path, id,    line, last, part, name, members) {
  split("", field)
  split("", member_bytes)
  members = 0
  last = ""
  while ((getline line <path) > 0) {
    last = line
    if (line ~ /^"(id|series|engine|encryption|started|finished|bytes|until)":/) {
      name = line
      sub(/^"/, "", name)
      sub(/".*/, "", name)
      sub(/^"[a-z]*":"?/, "", line)
      sub(/"?,?$/, "", line)
      if (!(name in field)) field[name] = line
    } else if (line ~ /^\{"name":"[^"]*","bytes":[0-9]+,/) {
      split(line, part, "\"")
      sub(/^\{"name":"[^"]*","bytes":/, "", line)
      member_bytes[part[4]] = line + 0
      members++
    }
  }
  close(path)
  return last == "}" && field["id"] == id && members > 0 && is_time(field["started"]) && is_time(field["finished"]) && field["bytes"] ~ /^[0-9]+$/
}

function is_time(text) { return text ~ /^[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?Z$/ }

function is_id(text) {
  return text ~ /^[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-[a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9]$/
}

# What is remembered of a recovery point, on one line: SERIES ID STAMP STATE ENGINE STARTED FINISHED BYTES UNTIL
function record(series, id, stamp, engine) {
  engine = field["engine"]
  gsub(/[^a-zA-Z0-9._-]/, "?", engine)
  return series " " id " " stamp " whole " (engine == "" ? "-" : engine) " " field["started"] " " field["finished"] " " field["bytes"] " " (is_time(field["until"]) ? field["until"] : "-")
}
function unread(series, id, stamp, state) { return series " " id " " stamp " " state " - - - - -" }
