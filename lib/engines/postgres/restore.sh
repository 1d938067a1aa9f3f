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

know_server
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
fixed() { sed -n "s/^$1	fixed	//p" "$SCRATCH/databases.tsv"; } # SLUG: the extension that works under one name only
while IFS='	' read -r slug name target; do
  [ "$(printf %s "$target" | LC_ALL=C wc -c)" -le 63 ] || refuse "into is \"$target\": names in PostgreSQL have at most 63 bytes; nothing was changed"
  case $target in
    template0 | template1)
      [ "$target" = "$name" ] || refuse "into is \"$target\", the template of every new database: choose another name; nothing was changed"
      ;;
  esac
  tables=$(exists "$target") || die "the target \"$target\" could not be read"
  case $tables in
    no | 0) ;;
    *) [ "$REPLACE" = yes ] ||
      refuse "database \"$target\" holds $tables tables: nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME (the old one is kept under another name), or set into to a new name" ;;
  esac
  prepared=$(printf "select count(*) from pg_prepared_xacts where database = :'name'" | sql "$MAINTENANCE_DATABASE" -v name="$target" -f -) ||
    die 'the prepared transactions of the server could not be listed'
  [ "$prepared" = 0 ] ||
    refuse "database \"$target\" has $prepared prepared transactions, and cannot be renamed until they end: nothing was changed. Commit or roll back those that pg_prepared_xacts shows"
  if [ -n "$(fixed "$slug")" ]; then
    only=$(sql "$MAINTENANCE_DATABASE" -c "select coalesce(current_setting('cron.database_name', true), '')")
    [ "$only" = "$target" ] ||
      refuse "database \"$name\" holds the extension $(fixed "$slug"), which works only in the database that cron.database_name names, on this server \"$only\": it cannot be restored as \"$target\"; nothing was changed"
  fi
done <"$SCRATCH/wanted"

# Nobody can rename the database they are connected to, nor connect to it while it has another name.
! cut -f 3 "$SCRATCH/wanted" | grep -qxF -e "$MAINTENANCE_DATABASE" || MAINTENANCE_DATABASE=template1

# Names of this run's own databases: the recovery point and this pod tell them apart from everybody's.
run=restore_$(printf '%s_%s' "$POINT" "${POD_NAME:-$$}" | tr '[:upper:]' '[:lower:]' | tr -c 'a-z0-9\n' '_' | cut -c 1-44)
# Whether another restore is at work on them, nobody can tell from here.
left=$(sql "$MAINTENANCE_DATABASE" -c "select string_agg(quote_ident(datname), ', ') from pg_database where datname ~ '^restore_\d{8}t\d{6}z_'")
[ -z "$left" ] || log "WARNING: an interrupted restore left $left; drop it unless another restore is running"

made=''
in_place=''
drop() { # NAME CONNECTION
  drop_there=$(printf "select count(*) from pg_database where datname = :'name'" | sql "$2" -v name="$1" -f -) || return 1
  [ "$drop_there" != 0 ] || return 0
  # Nothing that has a subscription can be dropped; a slot of its publisher is not its own to drop.
  printf '%s\n' "select format('alter subscription %I set (slot_name = none)', subname), format('drop subscription %I', subname) from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = current_database()" '\gexec' |
    sql "$1" -f - || return 1
  printf 'alter database :"name" is_template false; drop database :"name" with (force);' | sql "$2" -v name="$1" -f -
}
discard() {
  for number in $made; do
    drop "${run}_$number" "$MAINTENANCE_DATABASE" ||
      log "WARNING: database ${run}_$number is left over from this failed restore; drop it"
  done
  if [ -n "$in_place" ]; then put_back; fi
  give_back_roles
}
trap discard EXIT

# A role that is no superuser has to be a member of the roles that own what it restores; where it may, it makes itself one for as long as that takes.
borrow_roles() {
  : >"$SCRATCH/roles.borrowed"
  [ "$superuser" != on ] || return 0
  grant_how='' members='usage'
  [ "$server_major" -lt 16 ] || { grant_how=' with inherit true, set true' members='set'; }
  awk -F '\t' '" " $2 " " !~ / SUPERUSER / { print $1 }' "$SCRATCH/roles.attributes" | LC_ALL=C sort >"$SCRATCH/roles.mine"
  sql "$MAINTENANCE_DATABASE" -c "select quote_ident(rolname) from pg_roles
    where not (pg_has_role(oid, 'usage') and pg_has_role(oid, '$members')) and not rolsuper and rolname !~ '^pg_'" | LC_ALL=C sort >"$SCRATCH/roles.others"
  LC_ALL=C comm -12 "$SCRATCH/roles.mine" "$SCRATCH/roles.others" | awk -v how="$grant_how" '
    BEGIN { print "\\set ON_ERROR_STOP off" }
    { print "grant " $0 " to current_user" how ";\n\\if :ERROR\n\\else\n\\qecho " $0 "\n\\endif" }' >"$SCRATCH/borrow.sql"
  # What is refused here is said by what needs it.
  sql "$MAINTENANCE_DATABASE" -f "$SCRATCH/borrow.sql" >"$SCRATCH/roles.borrowed" 2>/dev/null || die 'the roles that own the restored objects could not be granted to the role that restores'
}
give_back_roles() {
  [ -s "$SCRATCH/roles.borrowed" ] || return 0
  give_how=''
  [ "$server_major" -lt 16 ] || give_how=' granted by current_user'
  awk -v how="$give_how" '{ print "revoke " $0 " from current_user" how ";" }' "$SCRATCH/roles.borrowed" >"$SCRATCH/give-back.sql"
  sql "$MAINTENANCE_DATABASE" -v ON_ERROR_STOP=0 -f "$SCRATCH/give-back.sql" ||
    log "WARNING: the role that restored is still a member of $(tr '\n' ' ' <"$SCRATCH/roles.borrowed")"
  : >"$SCRATCH/roles.borrowed"
}

# Roles that were there are left alone, and what is different about them is said.
compare_roles() {
  attempt 'reading the roles of the target' client env PGTZ=UTC pg_dumpall --roles-only --no-role-passwords --no-password -l "$MAINTENANCE_DATABASE" >"$SCRATCH/roles.now"
  SUPERUSER=$superuser LABELS=$SCRATCH/labels.now ATTRIBUTES=$SCRATCH/attributes.now GRANTS=$SCRATCH/grants.now awk -f "$here/roles.awk" "$SCRATCH/roles.present" "$SCRATCH/roles.now" >/dev/null
  : >"$SCRATCH/roles.open"
  readable=$(sql "$MAINTENANCE_DATABASE" -c "select has_table_privilege('pg_authid', 'select')") || return 1
  [ "$readable" != t ] ||
    sql "$MAINTENANCE_DATABASE" -c "select quote_ident(rolname) from pg_authid where rolpassword is null" >"$SCRATCH/roles.open"
  awk -F '\t' '
    FILENAME == ARGV[1] { present[$0]; next }
    FILENAME == ARGV[2] { open[$0]; next }
    FILENAME == ARGV[3] { now[$1] = " " $2 " "; until[$1] = $4; next }
    $1 in present {
      words = split($2, word, " "); lacks = ""
      for (i = 1; i <= words; i++) if (!index(now[$1], " " word[i] " ")) lacks = lacks " " word[i]
      if ($4 != until[$1] && $4 !~ /infinity/) lacks = lacks $4
      if ($3 != "" && $1 in open) lacks = lacks " and a password"
      sub(/^ and/, "", lacks)
      if (lacks != "") print "role " $1 " was there before, and is unchanged; in the recovery point it has" lacks
    }' "$SCRATCH/roles.present" "$SCRATCH/roles.open" "$SCRATCH/attributes.now" "$SCRATCH/roles.attributes" >"$SCRATCH/roles.different"
  # What was tried for a role that was made, and refused, is said already.
  cut -f 2 "$SCRATCH/roles.labels" >"$SCRATCH/roles.tried"
  awk -F '\t' '
    FILENAME == ARGV[1] { tried[$0]; next }
    FILENAME == ARGV[2] { now[$2] = $3; there[$2]; next }
    $1 in tried { next }
    !($2 in there) { print $1; next }
    { options = split($3, option, / with /); for (i = 2; i <= options; i++) if (!index(now[$2], option[i])) print $1 " with " option[i] }' \
    "$SCRATCH/roles.tried" "$SCRATCH/grants.now" "$SCRATCH/roles.grants" | sed 's/^/not restored, as roles that were there before are left unchanged: /' >>"$SCRATCH/roles.different"
  while IFS= read -r different; do caveat "$different"; done <"$SCRATCH/roles.different"
}

# A subscription comes back disabled, and would share its slot with the one it is a copy of.
quiet_subscriptions() { # NAME TARGET DATABASE
  subscriptions=$(sql "$3" -c "select string_agg(quote_ident(subname), ', ') from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = current_database()") || return 1
  [ -n "$subscriptions" ] || return 0
  if [ "$1" = "$2" ]; then
    caveat "subscriptions of database \"$2\" are restored disabled, and lack what was published since the backup: $subscriptions"
    return 0
  fi
  printf '%s\n' "select format('alter subscription %I set (slot_name = none)', subname) from pg_subscription s join pg_database d on d.oid = s.subdbid where d.datname = current_database()" '\gexec' |
    sql "$3" -f - || return 1
  caveat "subscriptions of the copy \"$2\" are disabled and have no slot, so they take nothing from the original's slots: $subscriptions"
}

old_name() { # NAME: within PostgreSQL's 63 bytes
  printf "select case when octet_length(:'name') <= 35 then :'name' else left(:'name', 8) || '_' || to_hex(hashtext(:'name')) end || '_before_' || to_char(now() at time zone 'UTC', 'YYYYMMDDHH24MISS')" |
    sql "$MAINTENANCE_DATABASE" -v name="$1" -f -
}
# All renames are one transaction: either all databases have their names, or all is as it was. What still uses them is sent away until it
# is done, and comes back to the new ones.
rename_all() { # FILE: FROM TAB TO, a line per rename
  {
    printf '%s\n' '\set ON_ERROR_STOP on' 'begin;'
    while IFS='	' read -r from to; do
      sql "$MAINTENANCE_DATABASE" -v from="$from" -v to="$to" -f "$SCRATCH/rename.sql" </dev/null || exit 1
    done <"$1"
    echo 'commit;'
  } >"$SCRATCH/renames.sql" || return 1
  cut -f 1 "$1" >"$SCRATCH/renamed"
  (
    while :; do
      while IFS= read -r busy; do
        printf "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = :'busy' and pid <> pg_backend_pid()" |
          sql "$MAINTENANCE_DATABASE" -v busy="$busy" -f - >/dev/null 2>&1 || :
      done <"$SCRATCH/renamed"
      sleep 0.3
    done
  ) &
  sender=$!
  renamed=0
  sql "$MAINTENANCE_DATABASE" -f "$SCRATCH/renames.sql" 2>"$SCRATCH/swap.err" || renamed=1
  kill "$sender" 2>/dev/null || :
  wait "$sender" 2>/dev/null || :
  return "$renamed"
}
printf '%s\n' "select format('alter database %I rename to %I;', :'from', :'to');" >"$SCRATCH/rename.sql"
# Undoes a restore that was made under the final name.
put_back() {
  while IFS='	' read -r target old; do
    drop "$target" "$MAINTENANCE_DATABASE" || { log "WARNING: database \"$target\" is left over from this failed restore${old:+; its old content is \"$old\"}"; continue; }
    [ -n "$old" ] || continue
    printf '%s\t%s\n' "$old" "$target" >"$SCRATCH/renames"
    rename_all "$SCRATCH/renames" || log "WARNING: the old content of database \"$target\" is \"$old\", and could not be renamed back"
  done <"$SCRATCH/in-place"
  in_place=
}

restore_started=$(date +%s)
restore_roles
borrow_roles
compare_roles
! grep -q '^CREATE TABLESPACE ' "$SCRATCH/globals.sql" ||
  caveat "everything is restored to the default tablespace; the recovery point also has: $(sed -n 's/^CREATE TABLESPACE \(.*\) OWNER .*/\1/p' "$SCRATCH/globals.sql" | tr '\n' ' ')"
number=0
: >"$SCRATCH/renames"
: >"$SCRATCH/in-place"
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  old=
  [ "$(exists "$target")" = no ] || old=$(old_name "$target")
  printf '%s\n' "$old" >"$SCRATCH/old.$number"
  if [ -n "$(fixed "$slug")" ]; then
    log "database \"$target\" holds $(fixed "$slug"), which works only under its final name: the existing database is renamed first"
    if [ -n "$old" ]; then
      printf '%s\t%s\n' "$target" "$old" >"$SCRATCH/renames.first"
      rename_all "$SCRATCH/renames.first" || die "database \"$target\" could not be renamed, and is unchanged: $(last_words "$SCRATCH/swap.err" 1)"
    fi
    printf '%s\t%s\n' "$target" "$old" >>"$SCRATCH/in-place"
    in_place=yes
    restoring=$target
  else
    made="$made $number"
    restoring=${run}_$number
    [ -z "$old" ] || printf '%s\t%s\n' "$target" "$old" >>"$SCRATCH/renames"
    printf '%s\t%s\n' "$restoring" "$target" >>"$SCRATCH/renames"
  fi
  restore_database "$slug" "$name" "$restoring"
  # A restored database without statistics answers, but slowly: the planner knows nothing.
  attempt "analyzing database $name" sql "$restoring" -c 'analyze'
  attempt "counting in database $name" facts_of "$restoring" "$name" >>"$SCRATCH/facts"
  facts_about "$name" <"$SCRATCH/facts.expected" >>"$SCRATCH/facts.wanted.all"
  compare_extensions "$slug" "$name" "$restoring"
  attempt "looking for subscriptions in database $name" quiet_subscriptions "$name" "$target" "$restoring"
  restore_properties "$slug" "$name" "$restoring" last
  log "restored database \"$name\" as $restoring"
done <"$SCRATCH/wanted"
# Rows that a newer server, or another extension, shows in other words are no reason to leave a broken database in place.
: >"$SCRATCH/changed"
awk '{ key = $0; sub(/:[0-9]*$/, "", key) } key !~ /^"checksum\// { next }
  NR == FNR { found[$0]; next }
  !($0 in found) { print key; sub(/^"checksum\//, "", key); print substr(key, 1, length(key) - 1) >>said }' said="$SCRATCH/changed" \
  "$SCRATCH/facts" "$SCRATCH/facts.wanted.all" >>"$SCRATCH/facts.waived"
[ ! -s "$SCRATCH/changed" ] ||
  caveat "rows of $(wc -l <"$SCRATCH/changed" | tr -d ' ') tables differ from what was backed up, although their number is the same: $(head -n 5 "$SCRATCH/changed" | tr '\n' ' ')"
not_waived "$SCRATCH/facts.wanted.all" >"$SCRATCH/facts.wanted"
not_waived "$SCRATCH/facts" >"$SCRATCH/facts.found"
compare_facts "$SCRATCH/facts.wanted" "$SCRATCH/facts.found"

rename_all "$SCRATCH/renames" || die "the restored databases could not be renamed, and all are unchanged: $(last_words "$SCRATCH/swap.err" 1)"
made='' in_place=''
number=0
while IFS='	' read -r slug name target; do
  number=$((number + 1))
  old=$(cat "$SCRATCH/old.$number")
  if [ -z "$old" ]; then
    log "\"$target\" is restored"
    continue
  fi
  log "\"$target\" is restored; its old content is \"$old\": drop that when you no longer need it"
  going=$(sql "$old" -c "select string_agg(quote_ident(subname), ', ') from pg_subscription s join pg_database d on d.oid = s.subdbid where subenabled and d.datname = current_database()") || going=
  slots=$(printf "select string_agg(quote_ident(slot_name), ', ') from pg_replication_slots where database = :'name' and not temporary" |
    sql "$MAINTENANCE_DATABASE" -v name="$old" -f -) || slots=
  [ -z "$slots" ] || caveat "replication slots still belong to \"$old\", the old content of \"$target\", and keep the server's log for it: $slots. Let their consumers start over with \"$target\", then drop the slots"
  [ -z "$going" ] || caveat "subscriptions are still active in \"$old\", the old content of \"$target\": $going. Disable them there before you enable those of \"$target\""
done <"$SCRATCH/wanted"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
