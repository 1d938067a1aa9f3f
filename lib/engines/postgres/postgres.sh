# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment: libpq's (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE ...), and
#   MAINTENANCE_DATABASE   a database to connect to when none in particular is meant
#
# The members of a recovery point:
#   globals.sql     roles, their memberships and settings, tablespaces (pg_dumpall --globals-only)
#   databases.tsv   per database, tab-separated: its slug, what the rest of the line is, and that (properties.sql says more):
#                     name      its name
#                     create    the statement that makes it, as :"target"
#                     property  a statement that comes after it: owner, settings, grants, comment, labels
#                     last      a statement that must come after the data: what could stand in the way of the restore itself
#                     fixed     an extension that works in no database of another name than the one that the server's settings give
#                     extension, addition   what extensions.sql says
#   settings.json   what an operator wants to know on the worst day: versions, settings that differ from the default, databases, roles
#   <slug>.dump     one archive per database, in pg_dump's custom format
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# What Debian's images have in /usr/bin is a script of Perl that starts these, and takes six times as long.
case $(command -v psql) in
  /usr/bin/psql) for programs in /usr/lib/postgresql/*/bin; do [ ! -x "$programs/psql" ] || PATH=$programs:$PATH; done ;;
esac
here=$BACKUP_HOME/engine
export PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=15 PGAPPNAME="backup $SERIES"

# What is given when connecting goes before what is set on the server, a database or a role. With this path no function, operator or cast of
# a user's can be taken for PostgreSQL's own, and run with our rights. (PostgreSQL documentation, "Schemas and Privileges", "Parameter Interaction via SQL".)
# A dump is text, which is read as the settings say: `12,34` is another amount of money under another lc_monetary, and an element NULL is a text
# without array_nulls. ("Monetary Types", "Version and Platform Compatibility".)
: "${SESSION:=-c search_path=pg_catalog -c row_security=off -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 -c default_transaction_read_only=off -c standard_conforming_strings=on -c quote_all_identifiers=off -c default_tablespace= -c lc_monetary=C -c array_nulls=on -c transform_null_equals=off -c client_min_messages=error}"
export SESSION PGOPTIONS="$SESSION"

# A database name given as `-d name` is read as a connection string when it holds a `=`; given like this it never is.
# Keepalives: the session that holds the snapshot is idle for as long as the dump takes.
database() {
  # Most names have nothing to escape, and no program is started for them.
  case $1 in
    *[\\\']*) printf "dbname='%s' keepalives_idle=60" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")" ;;
    *) printf "dbname='%s' keepalives_idle=60" "$1" ;;
  esac
}

# Runs a client; of what it says, only what cannot hold a row is said.
client() { # COMMAND...
  { client_said=$("$@" 2>&1 >&3 3>&-) && client_rc=0 || client_rc=$?; } 3>&1
  client_words=
  if [ -n "$client_said" ]; then
    client_words=$(printf '%s\n' "$client_said" | awk -f "$here/said.awk")
    printf '%s\n' "$client_words" >&2
  fi
  if [ "$client_rc" = 0 ]; then
    explained
  else
    unexplained "$1" "$client_words"
    advise "$client_said"
  fi
  return "$client_rc"
}

# What to do about a failure that has one remedy.
advise() { # WHAT-A-CLIENT-SAID
  case $1 in
    *'backup: error: '*) ;;
    *'conflict with recovery'*) echo 'backup: error: the standby cancelled a query of the dump: set hot_standby_feedback = on there, raise max_standby_streaming_delay, or back up the primary' >&2 ;;
    *'max_locks_per_transaction'*) echo 'backup: error: the server has no room for the locks of so many tables: raise max_locks_per_transaction there' >&2 ;;
    *shared_preload_libraries* | *'unrecognized configuration parameter "'*.*'"'*)
      echo 'backup: error: an extension must be in shared_preload_libraries: for a verification, set scratchSettings; its library must be in the image (option image)' >&2 ;;
    *'must be member of role'* | *'must be able to SET ROLE'*)
      echo 'backup: error: the role that restores must be a superuser, or a member of the roles that own the restored objects' >&2 ;;
    *'extension control file'* | *'is not available'* | *'could not access file'*)
      echo 'backup: error: an extension of the database is not installed: a verification needs it in its image (option image), a restore on the server' >&2 ;;
  esac
}

sql() { # DATABASE PSQL-ARGUMENTS...
  sql_database=$1
  shift
  client psql -XAtq --no-password -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d "$(database "$sql_database")" "$@"
}

# Learns what the server is, and adds what only some servers understand to the options of every session after this one.
know_server() {
  attempt 'asking the server for its version' sql "$MAINTENANCE_DATABASE" -c 'show server_version_num' -c 'show is_superuser' -c 'show search_path' >"$SCRATCH/server.known"
  { read -r server_version && read -r superuser && read -r server_path; } <"$SCRATCH/server.known"
  [ "$server_path" = pg_catalog ] ||
    refuse 'the server does not accept connection options, as when a connection pooler is in between: give the address of the server itself'
  server_major=$((server_version / 10000))
  if [ "$server_major" -ge 17 ]; then
    SESSION="$SESSION -c transaction_timeout=0"
    # Triggers on login would run with our rights, too.
    [ "$superuser" != on ] || SESSION="$SESSION -c event_triggers=off"
    export SESSION PGOPTIONS="$SESSION"
  fi
}

# A name for files: itself where it is plain, otherwise with a checksum that keeps different names apart.
slug() {
  case $1 in
    *[!a-z0-9_]*) printf '%s-%s' "$(printf %s "$1" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_' '_' | cut -c 1-40)" "$(printf %s "$1" | cksum | cut -d ' ' -f 1)" ;;
    *) printf %s "$1" ;;
  esac
}

# Makes the roles of globals.sql that this server lacks, all or none of them.
restore_roles() {
  get globals.sql >"$SCRATCH/globals.sql" || die "globals.sql of $POINT: $(repository_reason)"
  sql "$MAINTENANCE_DATABASE" -c 'select quote_ident(rolname) from pg_roles' >"$SCRATCH/roles.present"
  SUPERUSER=$superuser LABELS=$SCRATCH/roles.labels ATTRIBUTES=$SCRATCH/roles.attributes GRANTS=$SCRATCH/roles.grants \
    awk -f "$here/roles.awk" "$SCRATCH/roles.present" "$SCRATCH/globals.sql" >"$SCRATCH/roles.sql"
  attempt 'making the roles that are missing' sql "$MAINTENANCE_DATABASE" -f "$SCRATCH/roles.sql" >"$SCRATCH/roles.refused"
  say_refused "$SCRATCH/roles.labels" "$SCRATCH/roles.refused" 'not restored, as the server refused it'
}

# Names the statements that were refused, of a script that printed their numbers.
say_refused() { # LABELS REFUSED WHAT-BECAME-OF-IT
  awk -F '\t' 'FNR == NR { label[$1] = $2; next } { split($0, part, " "); print label[part[1]] (part[2] == "" ? "" : " (" part[2] ")") }' "$1" "$2" >"$SCRATCH/refused"
  while IFS= read -r refused; do caveat "$3: $refused"; done <"$SCRATCH/refused"
}

# Runs those of a database's statements that may be refused without any harm to its data: what is refused is said.
restore_properties() { # SLUG NAME TARGET WHICH
  sed -n "s/^$1	$4	//p" "$SCRATCH/databases.tsv" | LABELS=$SCRATCH/properties.labels awk '
    BEGIN { labels = ENVIRON["LABELS"]; printf "" >labels; print "\\set ON_ERROR_STOP off" }
    {
      print
      # Without the value: it may be a secret.
      label = $0
      sub(/ (=|is) .*/, "", label)
      gsub(/ (in )?database :"target"|;$/, "", label)
      print NR "\t" label >labels
      print "\\if :ERROR\n\\echo " NR " :SQLSTATE\n\\endif"
    }' >"$SCRATCH/properties.sql"
  attempt "setting the properties of database $3" sql "$MAINTENANCE_DATABASE" -v target="$3" -f "$SCRATCH/properties.sql" >"$SCRATCH/properties.refused"
  say_refused "$SCRATCH/properties.labels" "$SCRATCH/properties.refused" "of database \"$2\" not restored, as the server refused it"
  # What is named as missing is not missed again by its number.
  ! grep -q ' set ' "$SCRATCH/refused" || printf '"settings/%s"\n' "$(fact_name "$2")" >>"$SCRATCH/facts.waived"
}

# Makes a database and fills it from a member.
restore_database() { # SLUG NAME TARGET
  # The statements are the production database's own: encoding, locale, owner, settings and grants come back with it.
  sed -n "s/^$1	create	//p" "$SCRATCH/databases.tsv" >"$SCRATCH/create.sql"
  attempt "making database $3" sql "$MAINTENANCE_DATABASE" -v target="$3" -f "$SCRATCH/create.sql"
  restore_properties "$1" "$2" "$3" property
  if [ "$JOBS" -gt 1 ]; then
    # Several jobs read the archive at several places at once, so it has to be a file.
    get "$1.dump" >"$SCRATCH/$1.dump" || die "$1.dump of $POINT: $(repository_reason)"
    attempt "restoring $1.dump" client pg_restore --exit-on-error --no-tablespaces --jobs "$JOBS" -d "$(database "$3")" "$SCRATCH/$1.dump"
    rm -f "$SCRATCH/$1.dump"
  else
    # One transaction: COPY into a table made in the same transaction writes less. What fails leaves a database that is dropped, either way.
    transaction=--single-transaction
    if ! fits_one_transaction "$2"; then
      transaction=--exit-on-error
      log "database \"$2\" needs more locks than one transaction may hold (max_locks_per_transaction): it is restored in many transactions"
    fi
    rm -f "$SCRATCH/get.failed"
    restore_rc=0
    {
      get "$1.dump" || echo $? >"$SCRATCH/get.failed"
    } | client pg_restore "$transaction" --no-tablespaces -d "$(database "$3")" 2>"$SCRATCH/restore.err" || restore_rc=$?
    cat "$SCRATCH/restore.err" >&2
    # When the reader fails, pg_restore fails as well, and the other way round: 141, a broken pipe, is the one that came second.
    if [ -e "$SCRATCH/get.failed" ] && [ "$(cat "$SCRATCH/get.failed")" != 141 ]; then die "$(repository_reason)"; fi
    [ "$restore_rc" = 0 ] || die "restoring $1.dump failed: $(last_words "$SCRATCH/restore.err" "$restore_rc")"
  fi
}

# Everything that a transaction makes or alters is locked until its end. A table has a TOAST table, the index of that and a type beside it.
locks_needed() { # facts on stdin
  awk -F '[/:"]' '
    $2 ~ /^(partitioned-)?tables$/ { n += 4 * $NF; next }
    $2 !~ /^(rows|checksum|comments|settings|security-labels|databases)$/ { n += $NF }
    END { printf "%.0f", n }'
}

# (PostgreSQL documentation, "Lock Management": the room for locks.)
fits_one_transaction() { # NAME
  locks_there=$(sql "$MAINTENANCE_DATABASE" -c "select current_setting('max_locks_per_transaction')::bigint
    * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint)") || return 1
  # Others need some.
  [ "$(facts_about "$1" <"$SCRATCH/facts.expected" | locks_needed)" -lt $((locks_there / 2)) ]
}

# A database's name as facts have it: a JSON string without its quotes, in one part of a path.
fact_name() { # NAME
  fact_json=$(json_string "$(printf %s "$1" | sed -e 's/%/%25/g' -e 's,/,%2F,g')")
  fact_json=${fact_json#\"}
  printf %s "${fact_json%\"}"
}

# Of the facts on stdin those of one database.
facts_about() { # NAME
  NAME=$(fact_name "$1") awk '
    { key = $0; sub(/":[0-9]*$/, "", key); if (!sub(/^"[^\/]*\//, "", key)) next; sub(/\/.*/, "", key) }
    key == ENVIRON["NAME"]'
}

# Of the facts in a file those that nothing already said is missing.
not_waived() { # FILE
  : >>"$SCRATCH/facts.waived"
  awk 'FILENAME == ARGV[1] { waived[$0]; next } { key = $0; sub(/:[0-9]*$/, "", key) } !(key in waived)' "$SCRATCH/facts.waived" "$1"
}

facts_of() { # DATABASE NAME: what can be counted in DATABASE, under the name it had when it was dumped
  facts_about "$2" <"$SCRATCH/facts.expected" | sed -n 's/^\("checksum\/.*"\):[0-9]*$/\1/p' >"$SCRATCH/checksums.wanted"
  sql "$1" -v database="$2" -v checksums=0 -f "$here/unforce.sql" -f "$here/facts.sql"
}

# What came back of extensions is what CREATE EXTENSION makes here: another version, or without what was added to it, is said.
compare_extensions() { # SLUG NAME DATABASE
  attempt "looking at the extensions of database $3" sql "$3" -f "$here/extensions.sql" >"$SCRATCH/extensions.found"
  sed -n "s/^$1	\(\(extension\|addition\)	\)/\1/p" "$SCRATCH/databases.tsv" | awk -F '\t' '
    NR == FNR { if ($1 == "extension") version[$2] = $3; else found[$2 "\t" $3]; next }
    $1 == "extension" { if ((same[$2] = version[$2] == $3) == 0) print "extension " $2 " has version " version[$2] " here, and " $3 " in the recovery point"; next }
    same[$2] && !($2 "\t" $3 in found) { if (++lacks[$2] <= 5) lacking[$2] = lacking[$2] (lacks[$2] > 1 ? ", " : "") $3 }
    END { for (name in lacks) print "pg_dump leaves out objects that were added to extension " name ", so they are not restored: " lacking[name] (lacks[name] > 5 ? " and " lacks[name] - 5 " more" : "") }' \
    "$SCRATCH/extensions.found" - >"$SCRATCH/extensions.different"
  while IFS= read -r different; do caveat "database \"$2\": $different"; done <"$SCRATCH/extensions.different"
}
