#!/bin/sh
# Restores into new databases beside the old ones, checks them, and only then swaps the names. What a database held before
# stays on the server under another name until somebody drops it.
#
# environment, beside postgres.sh's:
#   DATABASE   the one to restore; empty: all of the recovery point
#   INTO       a new name for it; empty: its own
#   REPLACE    `yes`: a database of that name that holds tables may be replaced (it is renamed, not dropped)
#   JOBS       parallel jobs of pg_restore
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

get databases.tsv >"$SCRATCH/databases.tsv" || die "databases.tsv of $POINT: $(repository_reason)"
# SLUG TAB NAME TAB TARGET, a line per database to restore
# Names by the environment: awk would read the backslashes of a -v.
DATABASE=$DATABASE INTO=$INTO awk -F '\t' -v OFS='\t' '
  BEGIN { only = ENVIRON["DATABASE"]; into = ENVIRON["INTO"] }
  $2 == "name" && (only == "" || $3 == only) { print $1, $3, into == "" ? $3 : into }' "$SCRATCH/databases.tsv" >"$SCRATCH/wanted"
[ -s "$SCRATCH/wanted" ] || refuse "recovery point $POINT holds no database \"$DATABASE\"; it holds: $(awk -F '\t' '$2 == "name" { print $3 }' "$SCRATCH/databases.tsv" | tr '\n' ',' | sed 's/,$//')"
[ -z "$INTO" ] || [ "$(wc -l <"$SCRATCH/wanted")" -eq 1 ] || refuse "into names one database, but the request restores several: name one in database"

# Everything that can be refused is refused before anything is made.
exists() { # NAME: prints `no`, or the number of its tables
  exists_found=$(printf "select count(*) from pg_database where datname = :'name'" | sql "$MAINTENANCE_DATABASE" -v name="$1" -f -) || return 1
  if [ "$exists_found" = 0 ]; then echo no; else
    sql "$1" -c "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_toast'"
  fi
}
while IFS='	' read -r slug name target; do
  tables=$(exists "$target") || die "the target \"$target\" cannot be looked into"
  case $tables in
    no | 0) ;;
    *) [ "$REPLACE" = yes ] ||
      refuse "database \"$target\" holds $tables tables: nothing was changed. Set replace to yes (the old one is kept under another name), or into to a new name" ;;
  esac
done <"$SCRATCH/wanted"

# Names of this run's own databases: the recovery point and this pod tell them apart from everybody's.
run=restore_$(printf '%s_%s' "$POINT" "${POD_NAME:-$$}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' '_' | cut -c 1-44)
# Whether another restore is at work on them, nobody can tell from here.
left=$(sql "$MAINTENANCE_DATABASE" -c "select string_agg(quote_ident(datname), ', ') from pg_database where datname ~ '^restore_\d{8}t\d{6}z_'")
[ -z "$left" ] || log "WARNING: an interrupted restore left $left; drop it unless another restore is running"

made=''
discard() {
  for number in $made; do
    printf 'drop database if exists :"name"' | sql "$MAINTENANCE_DATABASE" -v name="${run}_$number" -f - ||
      log "WARNING: database ${run}_$number is left over from this failed restore; drop it"
  done
}
trap discard EXIT

restore_started=$(date +%s)
restore_roles
number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  made="$made $number"
  restore_database "$slug" "${run}_$number"
  # A restored database without statistics answers, but slowly: the planner knows nothing.
  attempt "analyzing database $name" sql "${run}_$number" -c 'analyze'
  attempt "counting in database $name" facts_of "${run}_$number" "$name" >>"$SCRATCH/facts"
  log "restored database \"$name\" as ${run}_$number"
done <"$SCRATCH/wanted"
# Of the expected facts only those of the databases asked for.
: >"$SCRATCH/facts.wanted"
while IFS='	' read -r slug name target; do
  json=$(json_string "$name")
  json=${json#\"}
  NAME="/${json%\"}" awk '
    BEGIN { name = ENVIRON["NAME"] }
    { key = $0; sub(/":[0-9]*$/, "", key); at = index(key, "/"); rest = substr(key, at); after = substr(rest, length(name) + 1, 1) }
    at && index(rest, name) == 1 && (after == "" || after == "/")' "$SCRATCH/facts.expected" >>"$SCRATCH/facts.wanted"
done <"$SCRATCH/wanted"
compare_facts "$SCRATCH/facts.wanted" "$SCRATCH/facts"

# The swap. Both renames are one transaction; what still uses the old database is sent away until it is done, and comes
# back to the new one.
old_name() { # NAME: within PostgreSQL's 63 bytes
  printf "select case when octet_length(:'name') <= 35 then :'name' else left(:'name', 8) end || '_before_' || to_char(now() at time zone 'UTC', 'YYYYMMDDHH24MISS')" |
    sql "$MAINTENANCE_DATABASE" -v name="$1" -f -
}
swap() { # FROM TARGET OLD, or `` for no old one
  {
    echo 'begin;'
    [ -z "$3" ] || echo 'alter database :"target" rename to :"old";'
    echo 'alter database :"from" rename to :"target";'
    echo 'commit;'
  } | sql "$swap_connection" -v from="$1" -v target="$2" -v old="$3" -f -
}
number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  # Nobody can rename the database they are connected to.
  swap_connection=$MAINTENANCE_DATABASE
  [ "$target" != "$swap_connection" ] || swap_connection=template1
  old=
  [ "$(exists "$target")" = no ] || old=$(old_name "$target")
  (
    while :; do
      printf "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = :'target' and pid <> pg_backend_pid()" |
        sql "$swap_connection" -v target="$target" -f - >/dev/null 2>&1 || :
      sleep 0.3
    done
  ) &
  sender=$!
  swapped=0
  swap "${run}_$number" "$target" "$old" 2>"$SCRATCH/swap.err" || swapped=1
  kill "$sender" 2>/dev/null || :
  wait "$sender" 2>/dev/null || :
  [ "$swapped" = 0 ] || die "database \"$target\" could not be given its name, and is as it was: $(last_words "$SCRATCH/swap.err" 1)"
  made=$(printf %s "$made" | sed "s/^ $number//")
  if [ -n "$old" ]; then log "\"$target\" is restored; what it held before is \"$old\": drop it when it is no longer needed"; else log "\"$target\" is restored"; fi
done <"$SCRATCH/wanted"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
