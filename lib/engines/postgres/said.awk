# Of what a client of PostgreSQL says on stderr: its own words, and of the server's words those that cannot hold a row.
#
# A message of the server can quote values: the key that is there twice, the line that COPY did not take, what a function raises. Those lines go, and
# of a message that is not known to be harmless the SQLSTATE stays, where the client gives it (psql does, with VERBOSITY=verbose).
BEGIN {
  harmless = "^(permission denied|must be (owner|superuser|able|member|a member)|could not (create unique index \"|open extension control file|access file|load library|extend|write|read|open|create|resize|connect|fsync|receive|send|obtain lock)" \
    "|extension \"[^\"]*\" (is not available|has no|must be)|out of shared memory|out of memory|canceling (statement|authentication)|terminating connection|the database system is" \
    "|sorry, too many|remaining connection slots|too many connections|query would be affected by row-level security|password authentication failed|no pg_hba|pg_hba" \
    "|unrecognized configuration parameter|cannot execute|cannot use|cannot drop|source database|deadlock detected|can only create extension|[a-z_]* can only be loaded|[a-z_]* must be loaded" \
    "|[^\"]* must be (loaded|preloaded|in) [^\"]*shared_preload_libraries|security label provider|invalid locale|new (encoding|collation)|collation |encoding \"" \
    "|missing chunk number|unexpected chunk|invalid page|compressed|database \"[^\"]*\" (is being accessed|is not currently|does not exist|already exists)|unsupported startup parameter" \
    "|(role|database|schema|relation|type|function|tablespace|extension|language|access method|publication|subscription|server|foreign-data wrapper) \"?[^\"]*\"? (does not exist|already exists|is not permitted)" \
    "|(insert or update on table|new row for relation|duplicate key value) \"?[^\"]*\"? ?violates|column \"[^\"]*\" of relation \"[^\"]*\" contains null)"
}

# Statements hold literals; so do the details of an error.
/Command was:|Query was:|LINE [0-9]+:|^DETAIL:|^CONTEXT:|^HINT:|^QUERY:|^STATEMENT:|^LOCATION:/ { next }
/^backup: / { print; next }
!/^(psql|pg_dump|pg_dumpall|pg_restore|pg_amcheck|connection to server|ERROR: |FATAL: |PANIC: )/ { next }
match($0, /(ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|LOG|DEBUG[0-9]?):  /) {
  before = substr($0, 1, RSTART + RLENGTH - 3)
  message = substr($0, RSTART + RLENGTH)
  code = ""
  if (message ~ /^[0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z]: /) {
    code = substr(message, 1, 5)
    message = substr(message, 8)
  }
  # Classes of errors about rights, names, limits and connections. (PostgreSQL documentation, "PostgreSQL Error Codes".)
  if (message !~ harmless && (code !~ /^(08|0A|25|28|3D|3F|42|53|54|55|57|58)/ || code == "42601")) {
    print before (code == "" ? "" : " " code) " (the server's message may hold data and is not repeated; its log has it)"
    next
  }
  print before " " message (code == "" ? "" : " (" code ")")
  next
}
{ print }
