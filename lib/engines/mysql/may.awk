# Exit 0 when the grants on stdin give the privilege PRIVILEGE on everything, on the database ON, or on its table TABLE; `*` for ON is
# everything alone. One grant a line, as SHOW GRANTS says it.

# Whether a name is one of those that a grant's pattern means.
function like(name, pattern,   c) {
  while (pattern != "") {
    c = substr(pattern, 1, 1)
    pattern = substr(pattern, 2)
    if (c == "%") {
      for (; ; name = substr(name, 2)) {
        if (like(name, pattern)) return 1
        if (name == "") return 0
      }
    }
    if (c == "\\") {
      c = substr(pattern, 1, 1)
      pattern = substr(pattern, 2)
    } else if (c == "_") c = substr(name, 1, 1)
    if (name == "" || substr(name, 1, 1) != c) return 0
    name = substr(name, 2)
  }
  return name == ""
}

# The name between the backticks that a text begins with; leaves the rest in `rest`.
function name_at(text) {
  if (!match(text, /^`([^`]|``)*`/)) return ""
  rest = substr(text, RLENGTH + 1)
  text = substr(text, 2, RLENGTH - 2)
  gsub(/``/, "`", text)
  return text
}

/^GRANT / && (at = index($0, " ON ")) {
  given = ", " substr($0, 7, at - 7) ", "
  if (!index(given, ", " ENVIRON["PRIVILEGE"] ", ") && !index(given, ", ALL PRIVILEGES, ")) next
  scope = substr($0, at + 4)
  if (index(scope, "*.* ") == 1) { found = 1; exit }
  if (ENVIRON["ON"] == "*" || !like(ENVIRON["ON"], name_at(scope))) next
  if (index(rest, ".* ") == 1 || (ENVIRON["TABLE"] != "" && name_at(substr(rest, 2)) == ENVIRON["TABLE"])) { found = 1; exit }
}

END { exit !found }
