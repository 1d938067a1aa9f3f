# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment: libpq's (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE ...), and
#   MAINTENANCE_DATABASE   a database to connect to when none in particular is meant
#
# The members of a recovery point:
#   globals.sql     roles, their memberships and settings, tablespaces (pg_dumpall --globals-only)
#   databases.tsv   per database: <slug> TAB name TAB <its name>, and <slug> TAB sql TAB <a statement that makes it, as :"target">
#   settings.json   what an operator wants to know on the worst day: versions, settings that differ from the default, databases, roles
#   <slug>.dump     one archive per database, in pg_dump's custom format
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
here=$BACKUP_HOME/engine
export PGCLIENTENCODING=UTF8 PGCONNECT_TIMEOUT=15 PGAPPNAME="backup $SERIES"

# A database name given as `-d name` is read as a connection string when it holds a `=`; given like this it never is.
# Keepalives: the session that holds the snapshot is idle for as long as the dump takes.
database() { printf "dbname='%s' keepalives_idle=60" "$(printf %s "$1" | sed "s/[\\\\']/\\\\&/g")"; }

sql() { # DATABASE PSQL-ARGUMENTS...
  sql_database=$1
  shift
  psql -XAtq --no-password -v ON_ERROR_STOP=1 -d "$(database "$sql_database")" "$@"
}

# A name for files: itself where it is plain, otherwise with a checksum that keeps different names apart.
slug() {
  case $1 in
    *[!a-z0-9_]*) printf '%s-%s' "$(printf %s "$1" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9_' '_' | cut -c 1-40)" "$(printf %s "$1" | cksum | cut -d ' ' -f 1)" ;;
    *) printf %s "$1" ;;
  esac
}

# Runs the statements of globals.sql that make the roles which this server lacks. Roles that exist keep their passwords,
# attributes and memberships: a restore of data is no reason to reset them. Tablespaces are directories of a server and
# are not made here; data goes to the default tablespace.
restore_roles() {
  get globals.sql >"$SCRATCH/globals.sql" || die "globals.sql of $POINT: $(repository_reason)"
  sql "$MAINTENANCE_DATABASE" -c 'select quote_ident(rolname) from pg_roles' >"$SCRATCH/roles.present"
  awk '
    function rest(prefix) { return substr($0, length(prefix) + 1) }
    NR == FNR { present[$0]; next }
    /^CREATE ROLE / { role = rest("CREATE ROLE "); sub(/;$/, "", role); if (!(role in present)) { made[role]; print }; next }
    /^(ALTER ROLE|COMMENT ON ROLE) / { for (role in made) if (index($0, "ALTER ROLE " role " ") == 1 || index($0, "COMMENT ON ROLE " role " ") == 1) { print; break }; next }
    /^GRANT / {
      # Who granted it is history, and that role may not be allowed to do it here.
      sub(/ GRANTED BY [^;]*;$/, ";")
      for (role in made) if (index($0, "GRANT " role " TO ") == 1 || index($0, " TO " role ";") || index($0, " TO " role " WITH ")) { print; break }
    }' "$SCRATCH/roles.present" "$SCRATCH/globals.sql" >"$SCRATCH/roles.sql"
  attempt 'making the roles that are missing' sql "$MAINTENANCE_DATABASE" -f "$SCRATCH/roles.sql"
}

# Makes a database and fills it from a member.
restore_database() { # SLUG TARGET
  # The statements are the production database's own: encoding, locale, owner, settings and grants come back with it.
  sed -n "s/^$1	sql	//p" "$SCRATCH/databases.tsv" >"$SCRATCH/create.sql"
  attempt "making database $2" sql "$MAINTENANCE_DATABASE" -v target="$2" -f "$SCRATCH/create.sql"
  if [ "$JOBS" -gt 1 ]; then
    # Several jobs read the archive at several places at once, so it has to be a file.
    get "$1.dump" >"$SCRATCH/$1.dump" || die "$1.dump of $POINT: $(repository_reason)"
    attempt "restoring $1.dump" pg_restore --exit-on-error --no-tablespaces --jobs "$JOBS" -d "$(database "$2")" "$SCRATCH/$1.dump"
    rm -f "$SCRATCH/$1.dump"
  else
    # One transaction: all or nothing, and COPY into a table made in the same transaction writes less.
    rm -f "$SCRATCH/get.failed"
    restore_rc=0
    {
      get "$1.dump" || echo $? >"$SCRATCH/get.failed"
    } | pg_restore --single-transaction --no-tablespaces -d "$(database "$2")" 2>"$SCRATCH/restore.err" || restore_rc=$?
    cat "$SCRATCH/restore.err" >&2
    # When the reader fails, pg_restore fails as well, and the other way round: 141, a broken pipe, is the one that came second.
    if [ -e "$SCRATCH/get.failed" ] && [ "$(cat "$SCRATCH/get.failed")" != 141 ]; then die "$(repository_reason)"; fi
    [ "$restore_rc" = 0 ] || die "restoring $1.dump failed: $(last_words "$SCRATCH/restore.err" "$restore_rc")"
  fi
}

facts_of() { # DATABASE NAME: what can be counted in DATABASE, under the name it had when it was dumped
  sql "$1" -v database="$2" -f "$here/facts.sql"
}
