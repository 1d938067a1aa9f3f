# Tables of a dump, whose foreign keys mean the databases of the same restore by the names that those have for now. TARGETS: a file of
# lines NAME TAB NAME-FOR-NOW.
BEGIN {
  while ((getline line <ENVIRON["TARGETS"]) > 0) {
    tab = index(line, "\t")
    name = substr(line, 1, tab - 1)
    gsub(/`/, "``", name)
    beside["`" name "`"] = substr(line, tab + 1)
  }
}
/^  CONSTRAINT `/ && match($0, / FOREIGN KEY .* REFERENCES `([^`]|``)*`\./) {
  head = substr($0, 1, RSTART + RLENGTH - 2)
  rest = substr($0, RSTART + RLENGTH - 1)
  at = match(head, /`([^`]|``)*`$/)
  if (substr(head, at) in beside) $0 = substr(head, 1, at - 1) "`" beside[substr(head, at)] "`" rest
}
{ print }
