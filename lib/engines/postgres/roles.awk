# Reads what pg_dumpall --globals-only wrote, and writes the psql script that makes the roles which a server lacks. Roles that are there keep
# their passwords, attributes, memberships and settings: a restore of data is no reason to reset them. So does what is granted to all roles on
# parameters. Tablespaces are directories of a server, and are not made, nor is anything granted on them.
#
# usage: awk -f roles.awk PRESENT GLOBALS >SCRIPT; PRESENT holds the names of the roles that are there, quoted where SQL needs it
# environment: SUPERUSER  `on`: the script will be run by one
#              LABELS     a file that gets what the script's statements are called, by their numbers; the script prints the number, and the
#                         SQLSTATE, of each that was refused. What makes a role is never refused without failing.
#              ATTRIBUTES a file that gets a line per role in GLOBALS, tab-separated: its name, its attributes, whether it has a PASSWORD, and
#                         until when
#              GRANTS     a file that gets a line per membership, setting and grant on a parameter in GLOBALS, tab-separated: what it is called,
#                         the whole of it, and the words of it that are options
BEGIN {
  labels = ENVIRON["LABELS"]
  attributes = ENVIRON["ATTRIBUTES"]
  grants = ENVIRON["GRANTS"]
  printf "" >labels
  printf "" >grants
  printf "" >attributes
  print "begin;"
}

# The name at the start of a text, with its quotes.
function name_of(text, i) {
  if (text !~ /^"/) { match(text, /^[^ ;]*/); return substr(text, 1, RLENGTH) }
  for (i = 2; i <= length(text); i++)
    if (substr(text, i, 1) == "\"") {
      if (substr(text, i + 1, 1) != "\"") return substr(text, 1, i)
      i++
    }
  return text
}
function after(text, prefix) { return substr(text, length(prefix) + 1) }

# May be refused without any harm to the data: it is said then.
function may_fail(statement, label) {
  gsub(/[\t\n]/, " ", label)
  print ++number "\t" label >labels
  later[number] = statement
}

# What is there, or is not, whoever made it: the words of an option are apart, as not every version says those that go without saying.
function granted(label, statement, options) {
  gsub(/[\t\n]/, " ", label)
  gsub(/[\t\n]/, " ", statement)
  print label "\t" statement "\t" options >grants
}

function handle(statement, role, rest, member, at, options) {
  if (statement ~ /^CREATE ROLE /) {
    role = name_of(after(statement, "CREATE ROLE "))
    if (!(role in present)) { made[role]; print statement }
  } else if (statement ~ /^ALTER ROLE /) {
    role = name_of(after(statement, "ALTER ROLE "))
    rest = after(statement, "ALTER ROLE " role)
    if (rest ~ /^ WITH /) alter(role, after(rest, " WITH "))
    else {
      match(rest, /^ (SET|IN DATABASE) [^ ]*/)
      options = "the setting" substr(rest, 5, RLENGTH - 4) " of role " role
      granted(options, statement, "")
      if (role in made) may_fail(statement, options)
    }
  } else if (statement ~ /^COMMENT ON ROLE /) {
    role = name_of(after(statement, "COMMENT ON ROLE "))
    if (role in made) may_fail(statement, "the comment on role " role)
  } else if (statement ~ /^SECURITY LABEL FOR /) {
    at = index(statement, " ON ROLE ")
    role = name_of(substr(statement, at + 9))
    if (at && role in made) may_fail(statement, "the security label of role " role)
  } else if (statement ~ /^GRANT / && statement !~ / ON TABLESPACE /) {
    # Who granted it is history, and that role may not be allowed to do it here.
    sub(/ GRANTED BY [^;]*;$/, ";", statement)
    role = name_of(after(statement, "GRANT "))
    at = length("GRANT " role) + 1
    if (statement ~ /^GRANT (SET|ALTER SYSTEM|ALL)(,(SET|ALTER SYSTEM))? ON PARAMETER /) at = index(statement, " TO ")
    member = name_of(substr(statement, at + 4))
    rest = substr(statement, 1, at + 3) member
    options = statement ~ / ADMIN OPTION| ADMIN TRUE/ ? " with ADMIN OPTION" : ""
    if (statement ~ / GRANT OPTION;$/) options = options " with GRANT OPTION"
    if (statement ~ / INHERIT FALSE/) options = options " with INHERIT FALSE"
    if (statement ~ / SET FALSE/) options = options " with SET FALSE"
    granted(rest, rest, options)
    if (role in made || member in made) may_fail(statement, rest)
  }
}

function alter(role, words, password, at, lost, until) {
  at = index(words, " PASSWORD ")
  password = ""
  until = match(words, / VALID UNTIL '[^']*';$/) ? substr(words, RSTART, RLENGTH - 1) : ""
  if (at) { password = substr(words, at); words = substr(words, 1, at - 1) } else sub(/( VALID UNTIL '[^']*')?;$/, "", words)
  print role "\t" words "\t" (at ? "PASSWORD" : "") "\t" until >attributes
  if (!(role in made)) return
  if (!at) password = until ";"
  words = " " words " "
  if (ENVIRON["SUPERUSER"] != "on") {
    # Even to say that a new role has none of these is a superuser's.
    gsub(/ (NOSUPERUSER|NOREPLICATION|NOBYPASSRLS) /, "  ", words)
    gsub(/ (NOSUPERUSER|NOREPLICATION|NOBYPASSRLS) /, "  ", words)
    lost = ""
    while (match(words, / (SUPERUSER|REPLICATION|BYPASSRLS) /)) {
      lost = lost " " substr(words, RSTART + 1, RLENGTH - 2)
      words = substr(words, 1, RSTART) substr(words, RSTART + RLENGTH - 1)
    }
    if (lost != "") may_fail("", "the attributes" lost " of role " role)
  }
  print "ALTER ROLE " role " WITH" words password
}

FNR == NR { present[$0]; next }
statement == "" && /^(--|\\|$)/ { next }
{
  statement = statement == "" ? $0 : statement "\n" $0
  # Inside a literal or a name, a semicolon at the end of a line ends nothing.
  text = $0
  while (match(text, /['"]/)) {
    mark = substr(text, RSTART, 1)
    if (quote == "") quote = mark
    else if (quote == mark) quote = ""
    text = substr(text, RSTART + 1)
  }
  if (quote == "" && /;$/) { handle(statement); statement = "" }
}
END {
  print "\\set ON_ERROR_STOP off"
  print "\\set ON_ERROR_ROLLBACK on"
  for (i = 1; i <= number; i++) {
    if (later[i] == "") { print "\\echo " i; continue }
    print later[i]
    print "\\if :ERROR"
    print "\\echo " i " :SQLSTATE"
    print "\\endif"
  }
  print "commit;"
}
