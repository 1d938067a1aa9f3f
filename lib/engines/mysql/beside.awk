# Tables of a dump, whose foreign keys and sequences mean the databases of the same restore by the names that those have for now, and
# which stand in no place that the server does not have.
#
# environment:
#   TARGETS   a file of lines NAME TAB NAME-FOR-NOW
#   ABSENT    a file of lines KIND TAB PLACE, as databases.tsv has them: tablespaces and directories that are not there
BEGIN {
  while ((getline line <ENVIRON["TARGETS"]) > 0) {
    tab = index(line, "\t")
    name = substr(line, 1, tab - 1)
    gsub(/`/, "``", name)
    beside["`" name "`"] = substr(line, tab + 1)
  }
  while ((getline line <ENVIRON["ABSENT"]) > 0) absent[substr(line, index(line, "\t") + 1)]
}
/^CREATE TABLE `/ { within = 1 }
within && /^  `/ { $0 = sequences_of($0) }
within && /^\)/ { places = 1 }
within && places { $0 = without($0) }
within && places && /;$/ { within = places = 0 }
/^  CONSTRAINT `/ && match($0, / FOREIGN KEY .* REFERENCES `([^`]|``)*`\./) {
  head = substr($0, 1, RSTART + RLENGTH - 2)
  rest = substr($0, RSTART + RLENGTH - 1)
  at = match(head, /`([^`]|``)*`$/)
  if (substr(head, at) in beside) $0 = substr(head, 1, at - 1) "`" beside[substr(head, at)] "`" rest
}
{ print }

function sequences_of(text,   done, name) {
  while (match(text, /val\(`([^`]|``)*`\./)) {
    name = substr(text, RSTART + 4, RLENGTH - 5)
    done = done substr(text, 1, RSTART + 3) (name in beside ? "`" beside[name] "`" : name)
    text = substr(text, RSTART + RLENGTH - 1)
  }
  return done text
}

function without(text,   done, said, place) {
  while (match(text, / ?(TABLESPACE `([^`]|``)*`|(DATA|INDEX) DIRECTORY ?= ?'[^']*')/)) {
    said = place = substr(text, RSTART, RLENGTH)
    sub(/^[^`']*/, "", place)
    done = done substr(text, 1, RSTART - 1) (place in absent ? "" : said)
    text = substr(text, RSTART + RLENGTH)
  }
  return done text
}
