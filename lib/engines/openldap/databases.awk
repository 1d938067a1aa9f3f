# Of each database in an LDIF of cn=config a line, tab-separated: its type, its directory, what changes the answers to its searches,
# whether WHO is known to see all of it, and its suffix.
#
# Known is what two cases show: the database's rootdn, and a first rule of access that is about everything and lets that very DN, or
# everybody, read. Where a database has no rules of its own, those of the frontend hold, and without any everybody reads everything.
# (OpenLDAP Administrator's Guide, "Access Control".)
function norm(dn) {
  dn = tolower(dn)
  gsub(/"/, "", dn)
  gsub(/ *, */, ",", dn)
  gsub(/ *= */, "=", dn)
  return dn
}
function is_below(dn, other) { return other == "" || substr(dn, length(dn) - length(other)) == "," other }
function value(line) {
  line = substr(line, index(line, ":") + 1)
  sub(/^ /, "", line)
  return line
}

function reads(rule,    clauses, n, i, words, m, subject) {
  sub(/^\{[0-9]+\}/, "", rule)
  gsub(/[ \t]+/, " ", rule)
  if (rule !~ /^to \* by /) return 0
  sub(/^to \*/, "", rule)
  n = split(rule, clauses, / by /)
  for (i = 2; i <= n; i++) {
    # A DN may hold blanks: what may be done stands after its quotes.
    if (match(clauses[i], /^dn(\.exact|\.base)?="[^"]*"/)) {
      subject = norm(substr(clauses[i], index(clauses[i], "=") + 1, RLENGTH - index(clauses[i], "=")))
      split(substr(clauses[i], RLENGTH + 2), words, " ")
    } else if (match(clauses[i], /^dn(\.exact|\.base)?=[^" ]+/)) {
      subject = norm(substr(clauses[i], index(clauses[i], "=") + 1, RLENGTH - index(clauses[i], "=")))
      split(substr(clauses[i], RLENGTH + 2), words, " ")
    } else if (clauses[i] ~ /^(\*|users)( |$)/) {
      subject = norm(who)
      split(clauses[i], m, " ")
      words[1] = m[2]
      words[2] = m[3]
    } else return 0
    # By `continue` and `break` the rules that come after it decide, which may take away what it gives.
    if (subject == norm(who)) return words[1] ~ /^(read|write|manage)$/ && (words[2] == "" || words[2] == "stop")
  }
  return 0
}

function finish(    i) {
  if (type != "") {
    count++
    types[count] = type
    directories[count] = directory
    suffixes[count] = suffix
    roots[count] = root
    rules[count] = rule
    names[count] = tolower(entry)
    glued[count] = subordinate
    if (type == "frontend") everywhere = rule
    if (type == "config") configured = 1
  }
  type = directory = suffix = root = rule = subordinate = ""
  suffixed = 0
}

BEGIN { who = ENVIRON["WHO"] }

/^dn:/ { finish(); entry = $0 ~ /^dn: / ? value($0) : "" }
/^olcDatabase: / && tolower(entry) ~ /^olcdatabase=/ {
  type = tolower(value($0))
  sub(/^\{-?[0-9]+\}/, "", type)
  # An overlay's own: a cache, or where chain goes.
  if (tolower(entry) ~ /,olcoverlay=/) type = "nested"
}
/^olcDbDirectory: / { directory = value($0) }
/^olcSuffix:/ { one = value($0); sub(/^\{[0-9]+\}/, "", one); suffix = suffix (suffixed++ ? "\n" : "") one }
/^olcRootDN: / { root = value($0) }
/^olcAccess: / { if (rule == "") rule = value($0) }
/^olcSubordinate: / { if (toupper(value($0)) != "FALSE") subordinate = "subordinate" }
tolower($0) ~ /^olc(hidden|disabled): true/ { shut[tolower(entry)] = "is hidden or disabled" }
# All others may answer what is not stored.
/^olcOverlay: / {
  overlay = value($0)
  sub(/^\{-?[0-9]+\}/, "", overlay)
  if (tolower(overlay) !~ /^(accesslog|auditlog|autogroup|chain|constraint|dds|deref|dyngroup|dynlist|lastbind|memberof|otp|ppolicy|refint|remoteauth|retcode|seqmod|sssvlv|syncprov|unique)$/) changers[tolower(substr(entry, index(entry, ",") + 1))] = overlay
}

END {
  finish()
  # By what its own database says, who does not see that, may not see others.
  if (!configured) print "config\t-\t-\tno\tcn=config"
  for (i = 1; i <= count; i++) {
    if (types[i] == "frontend") frontends = changers[names[i]]
    # What is glued to a database is in its answers.
    if (glued[i] == "") continue
    n = split(suffixes[i], each, "\n")
    for (j = 1; j <= n; j++) lower[++lowers] = norm(each[j])
  }
  for (i = 1; i <= count; i++) {
    if (rules[i] == "" && types[i] != "config") rules[i] = everywhere
    known = (roots[i] != "" && norm(roots[i]) == norm(who)) || (rules[i] == "" ? types[i] != "config" : reads(rules[i]))
    changer = glued[i] != "" ? glued[i] : changers[names[i]]
    if (changer == "") changer = frontends
    if (names[i] in shut) changer = "shut"
    if (types[i] == "config") suffixes[i] = "cn=config"
    n = split(suffixes[i], each, "\n")
    if (n == 0) { each[1] = ""; n = 1 }
    for (j = 1; j <= n; j++) {
      above = ""
      for (k = 1; k <= lowers; k++) if (changer == "" && is_below(lower[k], norm(each[j]))) above = "above"
      printf "%s\t%s\t%s\t%s\t%s\n", types[i], directories[i] == "" ? "-" : directories[i], changer above == "" ? "-" : changer above, known ? "yes" : "no", each[j]
    }
  }
}
