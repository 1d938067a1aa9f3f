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
[ "$(printf %s "$INTO" | wc -m)" -le 64 ] || refuse "into has more than 64 characters, the limit of a name: choose a shorter one"

# Everything that can be refused is refused before anything is made. Keys of databases that are restored too are made anew.
awk -F '\t' '$2 == $3 { print $3 }' "$SCRATCH/wanted" >"$SCRATCH/with"
with_it=$(while IFS= read -r with_name; do printf ' and not (%s)' "$(same constraint_schema "$with_name")"; done <"$SCRATCH/with")
while IFS='	' read -r slug name target; do
  tables=$(tables_of "$target") || die "the target \"$target\" could not be read"
  [ "$tables" = 0 ] || [ "$REPLACE" = yes ] ||
    refuse "database \"$target\" holds $tables tables: nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME (the old ones are kept under another name), or set into to a new name"
  read_only=0
  [ "$DIALECT" = mariadb ] || read_only=$(sql information_schema -e "select count(*) from schemata_extensions where $(same schema_name "$target") and options like '%READ ONLY=1%'")
  [ "$read_only" = 0 ] ||
    refuse "database \"$target\" is read only: nothing was changed. First alter it (read only = 0), or set into to a new name"
  referring=$(sql information_schema -e "select group_concat(distinct constraint_schema, '.', table_name separator ', ') from key_column_usage
    where $(same referenced_table_schema "$target") and not ($(same constraint_schema "$target"))$with_it")
  [ "$referring" = NULL ] ||
    refuse "foreign keys of other databases refer to \"$target\", and would follow its old tables to their new name: nothing was changed. First drop these: $referring"
done <"$SCRATCH/wanted"

get settings.tsv >"$SCRATCH/settings.tsv" || die "settings.tsv of $POINT: $(repository_reason)"
comparable_checksums
# Of the databases that are not asked for nothing is needed.
awk -F '\t' 'FILENAME == ARGV[1] { wanted[$1]; next } $1 in wanted' "$SCRATCH/wanted" "$SCRATCH/databases.tsv" >"$SCRATCH/databases.wanted"
mv "$SCRATCH/databases.wanted" "$SCRATCH/databases.tsv"
zones=$(missing_zones | paste -s -d , -)
[ -z "$zones" ] || refuse "events of this recovery point use time zones that the target does not know ($zones); nothing was changed. First load them: mariadb-tzinfo-to-sql or mysql_tzinfo_to_sql /usr/share/zoneinfo, into the database mysql"
trap give_back EXIT
lend_settings

# Names of this run's own databases: the recovery point and this pod tell them apart from everybody's.
run=restore_$(printf '%s_%s' "$POINT" "${POD_NAME:-$$}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' '_' | cut -c 1-50)
# Whether another restore is at work on them, nobody can tell from here.
left=$(sql information_schema -e "select group_concat(schema_name separator ', ') from schemata where schema_name regexp '^restore_[0-9]{8}t[0-9]{6}z_'")
[ "$left" = NULL ] || log "WARNING: an interrupted restore left $left; drop it unless another restore is running"

made=''
discard() {
  for number in $made; do
    # Foreign keys between them are no reason to keep one.
    sql information_schema -e "set foreign_key_checks = 0; drop database if exists $(ident "${run}_$number")" ||
      log "WARNING: database ${run}_$number is left over from this restore; drop it"
  done
  give_back
}
trap discard EXIT

# What each database is called until it takes its place.
awk -F '\t' -v OFS='\t' -v run="$run" '{ print $2, run "_" NR }' "$SCRATCH/wanted" >"$SCRATCH/beside.tsv"
: >"$SCRATCH/absent"
beside() { TARGETS=$SCRATCH/beside.tsv ABSENT=$SCRATCH/absent LC_ALL=C awk -f "$here/beside.awk"; }
# shellcheck disable=SC2016 # backticks of SQL
# Of sequences, those of databases that are restored, by the names that these have for now.
sequences_beside() { # NAMES
  sed 's/.*/  `x` val(&)/' | { echo 'CREATE TABLE `' && cat; } | beside | sed -n 's/^  `x` val(\(`restore_[0-9].*\))$/\1/p'
}
# Tablespaces and directories of tables that this server does not have. Whether it has them it says when a table is to be there.
look_for_places() { # DATABASE
  LC_ALL=C awk -F '\t' -v OFS='\t' '$2 == "tablespace" || $2 == "directory" { print $2, $3 }' "$SCRATCH/databases.tsv" | LC_ALL=C sort -u >"$SCRATCH/places"
  while IFS='	' read -r kind place; do
    [ "$kind" = tablespace ] && option='tablespace' || option='data directory ='
    sql information_schema -e "create table $(ident "$1").restore_probe (x int primary key) engine = InnoDB $option $place; drop table $(ident "$1").restore_probe" \
      </dev/null >/dev/null 2>&1 || printf '%s\t%s\n' "$kind" "$place"
  done <"$SCRATCH/places" >"$SCRATCH/absent"
  [ ! -s "$SCRATCH/absent" ] ||
    caveat "this server has no $(tr '\t\n' ' ,' <"$SCRATCH/absent" | sed -e 's/,$//' -e 's/,/, /g'): tables that were there are now with all others"
}

restore_started=$(date +%s)
# Of the expected facts only those of the databases asked for.
while IFS='	' read -r slug name target; do facts_about "$name" <"$SCRATCH/facts.expected"; done <"$SCRATCH/wanted" >"$SCRATCH/facts.wanted"
missing_accounts
# On the day of a restore the data is worth more than an account that cannot be made; a verification is the place to be strict.
sql mysql --force <"$SCRATCH/accounts.create" 2>"$SCRATCH/accounts.err" || :
[ ! -s "$SCRATCH/accounts.err" ] || caveat "not every missing account could be created: $(tr '\n' ' ' <"$SCRATCH/accounts.err")"
attempt 'asking for storage engines' lacking_engines <"$SCRATCH/facts.wanted" >"$SCRATCH/engines.lacking"
[ ! -s "$SCRATCH/engines.lacking" ] ||
  caveat "this server has no storage engine $(paste -s -d , "$SCRATCH/engines.lacking" | sed 's/,/, /g'): tables of it are InnoDB now"
# What is somebody else's takes a privilege, and comes after all the rows.
definers() {
  own=$(sql information_schema -e 'select current_user()') || return 1
  sed -n 's/^[^	]*	definer	//p' "$SCRATCH/databases.tsv" | grep -vxF -e "$own" | head -n 1 >"$SCRATCH/definer" || :
  [ -s "$SCRATCH/definer" ] || return 0
  IFS= read -r definer <"$SCRATCH/definer"
  definer_probe=$(ident "$1").restore_probe
  sql information_schema -e "create definer = $(ident "${definer%@*}")@$(ident "${definer##*@}") sql security invoker view $definer_probe as select 1 as x; drop view $definer_probe" 2>"$SCRATCH/definer.err" ||
    ! grep -q '^ERROR 1227 ' "$SCRATCH/definer.err" ||
    refuse "the role is not allowed to create objects of other users, such as $definer: no database was changed. Grant it $(if [ "$DIALECT" = mariadb ]; then echo 'set user'; else echo 'set_any_definer and allow_nonexistent_definer (before 8.4: set_user_id)'; fi) on *.*, or super"
}

number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  made="$made $number"
  attempt "making database ${run}_$number" make_database "$slug" "${run}_$number"
done <"$SCRATCH/wanted"
definers "${run}_1"
look_for_places "${run}_1"
attempt 'making spatial reference systems' spatial_systems
attempt 'making sequences' stand_in_sequences sequences_beside
number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  # Not the events, which would begin to act, and not the views, which may read databases that are not here yet.
  load "$slug" tables "${run}_$number" beside
  for part in routines triggers; do load "$slug" "$part" "${run}_$number"; done
  {
    attempt "counting in database $name" objects_of "${run}_$number" "$name"
    attempt "counting rows in database $name" rows_of "${run}_$number" "$name" "$(property "$slug" history)"
    attempt "summing up the rows of database $name" checksums_of "${run}_$number" "$name"
  } >>"$SCRATCH/facts"
  log "restored database \"$name\" as ${run}_$number"
done <"$SCRATCH/wanted"
grep -v '^"\(events\|views\)/' "$SCRATCH/facts.wanted" | without_engines >"$SCRATCH/facts.beside"
without_engines <"$SCRATCH/facts" >"$SCRATCH/facts.found"
compare_facts "$SCRATCH/facts.beside" "$SCRATCH/facts.found"

swap "$run"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
