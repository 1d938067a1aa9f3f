#!/bin/sh
# Dumps the chosen databases, each in one snapshot with the counts that a restore must reproduce.
#
# environment, beside postgres.sh's:
#   DATABASES     names, one a line; empty: all but templates and databases without a table
#   ALLOW_EMPTY   `yes`: a chosen database without a table is no reason to fail
#   LOCK_TIMEOUT  seconds to wait for a table that somebody holds exclusively
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

attempt 'asking the server for its version' sql "$MAINTENANCE_DATABASE" -c 'show server_version_num' >"$SCRATCH/version"
server=$(($(cat "$SCRATCH/version") / 10000))
client=$(pg_dump --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$client" -ge "$server" ] ||
  refuse "pg_dump $client cannot dump a PostgreSQL $server server: its major version must be the server's or newer (set version: PostgresVersion.V$server)"
about server "$(sql "$MAINTENANCE_DATABASE" -c 'show server_version')"
about client "$(pg_dump --version)"

if [ -n "$DATABASES" ]; then
  printf '%s\n' "$DATABASES" >"$SCRATCH/databases"
else
  unreadable=$(sql "$MAINTENANCE_DATABASE" -c "select string_agg(to_json(datname)::text, ', ') from pg_database where datname ~ '[[:cntrl:]]'")
  [ -z "$unreadable" ] || refuse "database names with control characters cannot be backed up: rename $unreadable"
  sql "$MAINTENANCE_DATABASE" -c 'select datname from pg_database where datallowconn and not datistemplate order by datname collate "C"' >"$SCRATCH/databases"
fi

# Everything that can be refused is refused before the first byte is stored.
: >"$SCRATCH/databases.tsv"
: >"$SCRATCH/chosen"
while IFS= read -r name; do
  # An answer of its own: without it a missing database would look like a server that is down.
  known=$(sql "$MAINTENANCE_DATABASE" -v name="$name" -f - <<'SQL'
select count(*) from pg_database where datname = :'name';
SQL
  )
  if [ "$known" = 0 ] && [ "$SAFETY" = yes ]; then
    log "there is no database \"$name\" to back up"
    continue
  fi
  [ "$known" = 1 ] || refuse "there is no database \"$name\" on this server; it has: $(sql "$MAINTENANCE_DATABASE" -c "select string_agg(quote_ident(datname), ', ') from pg_database where not datistemplate")"
  tables=$(sql "$name" -c "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'")
  if [ "$tables" = 0 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
    [ -z "$DATABASES" ] || refuse "database \"$name\" holds no table: an empty backup is seldom what was meant (allowEmpty says that it is)"
    log "database \"$name\" holds no table and is left out"
    continue
  fi
  slug=$(slug "$name")
  sql "$MAINTENANCE_DATABASE" -v name="$name" -f "$here/properties.sql" >"$SCRATCH/properties"
  { printf 'name\t%s\n' "$name"; sed 's/^/sql\t/' "$SCRATCH/properties"; } | sed "s/^/$slug	/" >>"$SCRATCH/databases.tsv"
  printf '%s\t%s\t%s\n' "$slug" "$tables" "$name" >>"$SCRATCH/chosen"
done <"$SCRATCH/databases"
[ -s "$SCRATCH/chosen" ] || [ "$SAFETY" = yes ] || refuse "no database of this server holds a table: an empty backup is seldom what was meant (allowEmpty says that it is)"

# A role without access to the password hashes can still save everything else about the roles.
passwords=--no-role-passwords
[ "$(sql "$MAINTENANCE_DATABASE" -c "select has_table_privilege('pg_authid', 'select')")" != t ] || passwords=
about rolePasswords "${passwords:+left out, as the backup role may not read pg_authid}"
# shellcheck disable=SC2086 # one option or none
put globals.sql pg_dumpall --globals-only --no-password --lock-wait-timeout="${LOCK_TIMEOUT}s" -l "$MAINTENANCE_DATABASE" $passwords

while IFS='	' read -r slug tables name; do
  put "$slug.dump" sh "$here/dump-database.sh" "$name" "$tables" </dev/null
done <"$SCRATCH/chosen"
sql "$MAINTENANCE_DATABASE" -f "$here/settings.sql" >"$SCRATCH/settings.json"
put databases.tsv cat "$SCRATCH/databases.tsv"
put settings.json cat "$SCRATCH/settings.json"
fact databases "$(wc -l <"$SCRATCH/chosen" | tr -d ' ')"
