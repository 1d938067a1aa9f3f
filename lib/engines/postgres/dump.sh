#!/bin/sh
# Dumps the chosen databases, each in one snapshot with the counts that a restore must reproduce.
#
# environment, beside postgres.sh's:
#   DATABASES     names, one a line; empty: all that hold something, but for templates and those that the role may not connect to
#   ALLOW_EMPTY   `yes`: a chosen database without a table is no reason to fail
#   CHECKSUMS     bytes: of a database's tables the rows are summed up, the small tables first, until they hold so much; 0: of none
#   LOCK_TIMEOUT  seconds to wait for a table that somebody holds exclusively
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

know_server
client=$(pg_dump --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$client" -ge "$server_major" ] ||
  refuse "pg_dump $client cannot dump a PostgreSQL $server_major server: its major version must be the server's or newer (set version: PostgresVersion.V$server_major)"
about server "$(sql "$MAINTENANCE_DATABASE" -c 'show server_version')"
about client "$(pg_dump --version)"

if [ -n "$DATABASES" ]; then
  printf '%s\n' "$DATABASES" >"$SCRATCH/databases"
else
  unreadable=$(sql "$MAINTENANCE_DATABASE" -c "select string_agg(to_json(datname)::text, ', ') from pg_database where datname ~ '[[:cntrl:]]'")
  [ -z "$unreadable" ] || refuse "database names with control characters cannot be backed up: rename $unreadable"
  sql "$MAINTENANCE_DATABASE" -c "select case
      when datconnlimit = -2 then 'is left over from an interrupted DROP DATABASE'
      when not datallowconn then 'allows no connections'
      when datistemplate and datname <> 'template1' then 'is a template'
      when not has_database_privilege(oid, 'connect') then 'does not allow this role to connect'
      else '' end || E'\t' || datname
    from pg_database where datname <> 'template0' order by datname collate \"C\"" >"$SCRATCH/known"
  : >"$SCRATCH/databases"
  while IFS= read -r line; do
    why=${line%%	*} name=${line#*	}
    if [ -z "$why" ]; then printf '%s\n' "$name" >>"$SCRATCH/databases"; else caveat "database \"$name\" is left out: it $why"; fi
  done <"$SCRATCH/known"
fi

unreadable=$(sql "$MAINTENANCE_DATABASE" -c "select string_agg(to_json(rolname)::text, ', ') from pg_roles where rolname ~ '[[:cntrl:]]'")
if [ -n "$unreadable" ]; then
  [ "$SAFETY" = yes ] || refuse "names of roles with control characters cannot be backed up: rename $unreadable"
  caveat "roles with control characters in their names are not backed up completely: $unreadable"
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
  if ! sql "$name" -f "$here/holds.sql" >"$SCRATCH/holds" 2>"$SCRATCH/holds.err"; then
    cat "$SCRATCH/holds.err" >&2
    case $DATABASES:$client_said in
      :*pg_hba* | :*'permission denied for database'* | :*'not currently accepting connections'*)
        caveat "database \"$name\" is left out: it does not allow this role to connect"
        continue
        ;;
    esac
    die "database \"$name\" could not be read: $(last_words "$SCRATCH/holds.err" 1)"
  fi
  read -r tables others <"$SCRATCH/holds"
  if [ -z "$DATABASES" ] && [ "$name" = template1 ]; then
    [ "$tables $others" = '0 0' ] || caveat "database \"$name\" is left out: it is a template, though it holds $tables tables and $others other objects"
    continue
  fi
  if [ "$tables" = 0 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
    [ -z "$DATABASES" ] || refuse "database \"$name\" holds no table: an empty backup is rarely intended; if this one is, set allowEmpty"
    if [ "$others" = 0 ]; then
      # The one that every server is born with is no news.
      if [ "$name" = postgres ] || [ "$name" = "$MAINTENANCE_DATABASE" ]; then log "database \"$name\" holds nothing and is left out"; else caveat "database \"$name\" is left out: it holds nothing"; fi
      continue
    fi
  fi
  unreadable=$(sql "$name" -f "$here/unreadable.sql") || die "database \"$name\" could not be read"
  [ -z "$unreadable" ] || refuse "the role is not allowed to read all of database \"$name\": $unreadable. Grant it pg_read_all_data, select on large objects, and BYPASSRLS if there is row-level security"
  slug=$(slug "$name")
  sql "$MAINTENANCE_DATABASE" -v name="$name" -f "$here/properties.sql" >"$SCRATCH/properties"
  sql "$name" -c "select E'fixed\t' || extname from pg_extension where extname = 'pg_cron'" >>"$SCRATCH/properties"
  sql "$name" -f "$here/extensions.sql" >>"$SCRATCH/properties"
  { printf 'name\t%s\n' "$name"; cat "$SCRATCH/properties"; } | sed "s/^/$slug	/" >>"$SCRATCH/databases.tsv"
  printf '%s\t%s\t%s\n' "$slug" "$tables" "$name" >>"$SCRATCH/chosen"
done <"$SCRATCH/databases"
[ -s "$SCRATCH/chosen" ] || [ "$SAFETY" = yes ] || refuse "no database of this server holds anything: an empty backup is rarely intended; if this one is, set allowEmpty"

# A role without access to the password hashes can still save everything else about the roles.
readable=$(sql "$MAINTENANCE_DATABASE" -c "select has_table_privilege('pg_authid', 'select')")
case $readable in t) passwords='' ;; *) passwords=--no-role-passwords ;; esac
[ -z "$passwords" ] || caveat "the roles' passwords are left out, as the role is not allowed to read pg_authid"
# shellcheck disable=SC2086 # one option or none
put globals.sql env PGTZ=UTC pg_dumpall --globals-only --no-password --lock-wait-timeout="${LOCK_TIMEOUT}s" -l "$MAINTENANCE_DATABASE" $passwords

while IFS='	' read -r slug tables name; do
  put "$slug.dump" sh "$here/dump-database.sh" "$name" "$tables" </dev/null
  while IFS= read -r line; do caveat "database \"$name\": $line"; done <"$SCRATCH/left-out"
done <"$SCRATCH/chosen"
sql "$MAINTENANCE_DATABASE" -f "$here/settings.sql" >"$SCRATCH/settings.json"
put databases.tsv cat "$SCRATCH/databases.tsv"
put settings.json cat "$SCRATCH/settings.json"
fact databases "$(wc -l <"$SCRATCH/chosen" | tr -d ' ')"
