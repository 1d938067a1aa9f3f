#!/bin/sh
# Restores into new databases beside the old ones, checks them, and only then moves their tables to the old ones' names. What a
# database held before stays on the server under another name until somebody drops it.
#
# environment, beside mysql.sh's:
#   DATABASE   the one to restore; empty: all of the recovery point
#   INTO       a new name for it; empty: its own
#   REPLACE    `yes`: a database of that name that holds tables may be replaced (they are moved, not dropped)
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
# shellcheck source=lib/engines/mysql/swap.sh
. "$BACKUP_HOME/engine/swap.sh"

check_server
get databases.tsv >"$SCRATCH/databases.tsv" || die "databases.tsv of $POINT: $(repository_reason)"
# SLUG TAB NAME TAB TARGET, a line per database to restore
# Names by the environment: awk would read the backslashes of a -v.
DATABASE=$DATABASE INTO=$INTO awk -F '\t' -v OFS='\t' '
  BEGIN { only = ENVIRON["DATABASE"]; into = ENVIRON["INTO"] }
  $2 == "name" && (only == "" || $3 == only) { print $1, $3, into == "" ? $3 : into }' "$SCRATCH/databases.tsv" >"$SCRATCH/wanted"
[ -s "$SCRATCH/wanted" ] || refuse "recovery point $POINT holds no database \"$DATABASE\"; it holds: $(awk -F '\t' '$2 == "name" { print $3 }' "$SCRATCH/databases.tsv" | tr '\n' ',' | sed 's/,$//')"
[ -z "$INTO" ] || [ "$(wc -l <"$SCRATCH/wanted")" -eq 1 ] || refuse "into names one database, but the request restores several: name one in database"
[ "$(printf %s "$INTO" | wc -m)" -le 64 ] || refuse "into has more than the 64 characters that a name may have"

# Everything that can be refused is refused before anything is made.
while IFS='	' read -r slug name target; do
  tables=$(tables_of "$target") || die "the target \"$target\" cannot be looked into"
  [ "$tables" = 0 ] || [ "$REPLACE" = yes ] ||
    refuse "database \"$target\" holds $tables tables: nothing was changed. Set replace to yes (the old ones are kept under another name), or into to a new name"
  referring=$(sql information_schema -e "select group_concat(distinct constraint_schema, '.', table_name separator ', ') from key_column_usage
    where $(same referenced_table_schema "$target") and not ($(same constraint_schema "$target"))")
  [ "$referring" = NULL ] ||
    refuse "foreign keys of other databases refer to \"$target\", and would follow its old tables to another name: nothing was changed. Drop them first: $referring"
done <"$SCRATCH/wanted"

# Names of this run's own databases: the recovery point and this pod tell them apart from everybody's.
run=restore_$(printf '%s_%s' "$POINT" "${POD_NAME:-$$}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' '_' | cut -c 1-50)
# Whether another restore is at work on them, nobody can tell from here.
left=$(sql information_schema -e "select group_concat(schema_name separator ', ') from schemata where schema_name regexp '^restore_[0-9]{8}t[0-9]{6}z_'")
[ "$left" = NULL ] || log "WARNING: an interrupted restore left $left; drop it unless another restore is running"

made=''
discard() {
  for number in $made; do
    sql information_schema -e "drop database if exists $(ident "${run}_$number")" ||
      log "WARNING: database ${run}_$number is left over from this restore; drop it"
  done
}
trap discard EXIT

ownerless() { sed 's/^\(\/\*!50013\) DEFINER=.* SQL SECURITY /\1 SQL SECURITY /'; }

restore_started=$(date +%s)
missing_accounts
# On the day of a restore the data is worth more than an account that cannot be made; a verification is the place to be strict.
sql mysql --force <"$SCRATCH/accounts.create" 2>"$SCRATCH/accounts.err" || :
[ ! -s "$SCRATCH/accounts.err" ] || log "WARNING: these accounts could not be made: $(grep -v '^$\|^-*$' "$SCRATCH/accounts.err" | tr '\n' ' ')"
number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  made="$made $number"
  attempt "making database ${run}_$number" make_database "$slug" "${run}_$number"
  # Not the events: they would begin to act. The views for the asking, as nobody's: their owners may have no rights here.
  for part in tables routines triggers; do load "$slug" "$part" "${run}_$number"; done
  load "$slug" views "${run}_$number" ownerless
  attempt "counting in database $name" objects_of "${run}_$number" "$name" >>"$SCRATCH/facts"
  attempt "counting rows in database $name" rows_of "${run}_$number" "$name" >>"$SCRATCH/facts"
  log "restored database \"$name\" as ${run}_$number"
done <"$SCRATCH/wanted"
# Of the expected facts only those of the databases asked for.
while IFS='	' read -r slug name target; do facts_about "$name" <"$SCRATCH/facts.expected"; done <"$SCRATCH/wanted" >"$SCRATCH/facts.wanted"
grep -v '^"events/' "$SCRATCH/facts.wanted" >"$SCRATCH/facts.beside" || :
compare_facts "$SCRATCH/facts.beside" "$SCRATCH/facts"

number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  swap "$slug" "$name" "${run}_$number" "$target"
  if [ -n "$OLD" ]; then
    log "\"$target\" is restored; what it held before is \"$OLD\", its events disabled: drop it when it is no longer needed"
  else
    log "\"$target\" is restored"
  fi
done <"$SCRATCH/wanted"
grant_accounts finally
outcome restoreSeconds "$(($(date +%s) - restore_started))"
