# From the plain LDIF of a server's cn=config that of a scratch server, which keeps databases where `places` says: per line a directory of
# the original's, a tab, and a directory. Everybody who reaches it may read everything.
function value(line) { return substr(line, index(line, ": ") + 2) }
function flush(    i) {
  if (kind == "database" && directory in places_of) {
    number++
    text = "dn: olcDatabase={" number "}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\nolcDatabase: {" number "}mdb\n"
    # What is loaded gets nothing that it did not have.
    databases = databases text "olcLastMod: FALSE\nolcDbDirectory: " places_of[directory] "\n" kept "\n"
  } else if (kind == "whole") print kept
  else if (kind == "global") print "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n" kept
  kind = kept = directory = ""
}
BEGIN {
  while ((getline line <places) > 0) {
    tab = index(line, "\t")
    places_of[substr(line, 1, tab - 1)] = substr(line, tab + 1)
  }
}
/^dn:/ {
  flush()
  dn = tolower(value($0))
  if (dn == "cn=config") { kind = "global"; next }
  if (dn ~ /^cn=module/ || dn ~ /(^|,)cn=schema,cn=config$/ || dn ~ /^olcbackend=.*mdb,cn=config$/) kind = "whole"
  else if (dn ~ /^olcdatabase=[^,]*mdb,cn=config$/) { kind = "database"; next }
}
kind == "whole" && /./ { kept = kept $0 "\n" }
# How attributes are called and indexes are made.
kind == "global" && /^olc(AttributeOptions|ObjectIdentifier|Index[A-Za-z0-9]*): / { kept = kept $0 "\n" }
kind == "database" && /^olcDbDirectory: / { directory = value($0) }
kind == "database" && /^olc(Suffix|DbIndex|DbMultival|DbMaxSize|DbMaxEntrySize|DbMode|DbIDLexp): / { kept = kept $0 "\n" }
END {
  flush()
  print "dn: olcDatabase={-1}frontend,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcFrontendConfig\nolcDatabase: {-1}frontend"
  print "olcAccess: {0}to * by * read\nolcSizeLimit: unlimited\nolcTimeLimit: unlimited\n"
  print "dn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
  printf "%s", databases
}
