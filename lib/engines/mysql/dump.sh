#!/bin/sh
# Dumps the chosen databases, each in one snapshot, with counts of what went into the dump.
#
# environment, beside mysql.sh's:
#   DATABASES         names, one a line; empty: all that hold a table
#   ALLOW_EMPTY       `yes`: a chosen database without a table is no reason to fail
#   TRANSACTIONAL     `yes`: a table that no transaction can see at one moment is a reason to fail
#   BINLOG_POSITION   yes or no: note where in the binary log the snapshots are; `auto`: yes where that needs no lock
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"

check_server
about server "$product $version"
about client "$("$dumper" --version)"

# ---- what the role may: a dump leaves out, without a word, what its role may not see -----------------------------------
role=NONE
[ "$DIALECT" = mariadb ] || role=$(sql information_schema -e 'select current_role()')
using=
[ "$role" = NONE ] || using=" for current_user() using $role"
attempt 'asking what the role may do' sql information_schema -e "show grants$using" >"$SCRATCH/grants"
# PRIVILEGE DATABASE [TABLE]: whether it is granted everywhere, or on this. A grant on a pattern is taken for one on this.
may() {
  PRIVILEGE=$1 ON="$2" awk '
    function plain(text) { gsub(/[`\\]/, "", text); return text }
    / ON / {
      at = index($0, " ON ")
      list = ", " substr($0, 7, at - 7) ", "
      scope = substr($0, at + 4)
      sub(/ TO .*/, "", scope)
      scope = plain(scope)
      on = plain(ENVIRON["ON"])
      if ((scope == "*.*" || scope == on ".*" || scope == on || index(scope, "%")) &&
        (index(list, ", " ENVIRON["PRIVILEGE"] ", ") || index(list, ", ALL PRIVILEGES, "))) { found = 1; exit }
    }
    END { exit !found }' "$SCRATCH/grants"
}

if [ -n "$DATABASES" ]; then
  printf '%s\n' "$DATABASES" >"$SCRATCH/databases"
else
  sql information_schema -e "select schema_name from schemata where schema_name not in ('information_schema', 'performance_schema', 'mysql', 'sys') order by 1" >"$SCRATCH/databases"
fi
unreadable=$(sql information_schema -e "select group_concat(distinct hex(table_schema), ' ', hex(table_name)) from tables where table_name regexp '[[:cntrl:]]' or table_schema regexp '[[:cntrl:]]'")
[ "$unreadable" = NULL ] || refuse "names with control characters cannot be backed up: rename (in hexadecimal, database and table) $unreadable"

# Everything that can be refused is refused before the first byte is stored.
: >"$SCRATCH/databases.tsv"
: >"$SCRATCH/chosen"
while IFS= read -r name; do
  # An answer of its own: without it a missing database would look like a server that is down.
  known=$(sql information_schema -e "select count(*) from schemata where $(same schema_name "$name")")
  if [ "$known" = 0 ] && [ "$SAFETY" = yes ]; then
    log "there is no database \"$name\" to back up"
    continue
  fi
  [ "$known" = 1 ] || refuse "there is no database \"$name\" on this server, or the role may not see it; it sees: $(sql information_schema -e "select group_concat(schema_name separator ', ') from schemata")"
  tables=$(sql information_schema -e "select count(*) from tables where $(same table_schema "$name") and table_type <> 'VIEW'")
  if [ "$tables" = 0 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
    [ -z "$DATABASES" ] || refuse "database \"$name\" holds no table: an empty backup is seldom what was meant (allowEmpty says that it is)"
    log "database \"$name\" holds no table and is left out"
    continue
  fi
  for privilege in SELECT 'SHOW VIEW' TRIGGER EVENT; do
    may "$privilege" "$name" ||
      refuse "the role has no $privilege on database \"$name\": its dump would lack something without saying so. Grant select, show view, trigger, event on *.*"
  done
  may SELECT '*' || may SHOW_ROUTINE '*' || may 'SHOW CREATE ROUTINE' "$name" || may SELECT mysql || may SELECT mysql.proc ||
    refuse "the role may not see the routines of others in database \"$name\": its dump would lack them without saying so. Grant select on *.*"
  foreign=$(sql information_schema -e "select group_concat(table_name, ' (', engine, ')' order by table_name separator ', ') from tables
    where $(same table_schema "$name") and $is_table and engine not in (select engine from engines where transactions = 'YES')")
  if [ "$foreign" != NULL ]; then
    [ "$TRANSACTIONAL" != yes ] || [ "$SAFETY" = yes ] ||
      refuse "database \"$name\" holds tables without transactions, which no dump sees at one moment: $foreign. Make them InnoDB, or leave transactionalOnly out"
    log "WARNING: in database \"$name\" these tables have no transactions; each is dumped whole, but not at the moment of the others: $foreign"
    about "notOfOneMoment/$name" "$foreign"
  fi
  history=$(sql information_schema -e "select group_concat(table_name separator ', ') from tables where $(same table_schema "$name") and table_type = 'SYSTEM VERSIONED'")
  if [ "$history" != NULL ]; then
    log "WARNING: in database \"$name\" the past of system-versioned tables is not dumped, only their present: $history"
    about "withoutHistory/$name" "$history"
  fi
  slug=$(slug "$name")
  {
    printf 'name\t%s\n' "$name"
    sql information_schema -e "select 'charset', default_character_set_name from schemata where $(same schema_name "$name")
      union all select 'collation', default_collation_name from schemata where $(same schema_name "$name")"
    # What else there is beside tables; its dump takes a moment of its own, so it is only made where it will hold something.
    echo 'part	tables'
    sql information_schema -e "select 'part', part from (
      select 'routines' part, count(*) n from routines where $(same routine_schema "$name")
      union all select 'triggers', count(*) from triggers where $(same trigger_schema "$name")
      union all select 'views', count(*) from views where $(same table_schema "$name")
      union all select 'events', count(*) from events where $(same event_schema "$name")) p where n > 0"
  } | sed "s/^/$slug	/" >>"$SCRATCH/databases.tsv"
  printf '%s\t%s\n' "$slug" "$name" >>"$SCRATCH/chosen"
done <"$SCRATCH/databases"
[ -s "$SCRATCH/chosen" ] || [ "$SAFETY" = yes ] || refuse "no database of this server holds a table: an empty backup is seldom what was meant (allowEmpty says that it is)"

# ---- the accounts ------------------------------------------------------------------------------------------------------
# Their statements: ACCOUNT TAB STATEMENT. What makes an account comes before what it is given.
if sql mysql -e "$(accounts_sql)" >"$SCRATCH/accounts" 2>"$SCRATCH/accounts.err"; then
  {
    # Hashes of passwords hold any byte.
    [ "$DIALECT" = mariadb ] || echo 'set session print_identified_with_as_hex = on;'
    while IFS='	' read -r account kind; do
      printf 'select "account", %s;\n' "$(literal "$account")"
      if [ "$kind" = role ]; then printf 'select concat("CREATE ROLE ", %s);\n' "$(literal "$account")"; else printf 'show create user %s;\n' "$account"; fi
      printf 'show grants for %s;\n' "$account"
    done <"$SCRATCH/accounts"
  } >"$SCRATCH/accounts.sql"
  attempt 'reading the accounts' sql mysql <"$SCRATCH/accounts.sql" >"$SCRATCH/accounts.statements"
  awk '
    /^account\t/ { account = substr($0, 9); next }
    # A role may come after the account that begins with it.
    /^CREATE USER / && (at = index($0, " DEFAULT ROLE ")) {
      roles = substr($0, at + 14)
      rest = index(roles, " REQUIRE ")
      print account "\tSET DEFAULT ROLE " substr(roles, 1, rest - 1) " TO " account ";" >later
      $0 = substr($0, 1, at - 1) substr(roles, rest)
    }
    /^CREATE / { print account "\t" $0 ";"; next }
    { print account "\t" $0 ";" >later }' later="$SCRATCH/accounts.later" "$SCRATCH/accounts.statements" >"$SCRATCH/accounts.tsv"
  cat "$SCRATCH/accounts.later" >>"$SCRATCH/accounts.tsv"
  put accounts.tsv cat "$SCRATCH/accounts.tsv"
else
  log "WARNING: the role may not read the accounts: they are not in this recovery point ($(last_words "$SCRATCH/accounts.err" 1))"
  about accounts 'left out, as the backup role may not read mysql.user'
fi

# ---- the databases -----------------------------------------------------------------------------------------------------
# MariaDB knows the position of a snapshot. MySQL finds it under a lock that stops all writes for a moment, and waits for it
# behind every long query; so it is only done when asked for.
binlog=$(sql information_schema -e 'select @@log_bin')
case $BINLOG_POSITION:$DIALECT:$binlog in
  auto:mariadb:1) if may 'BINLOG MONITOR' '*' || may 'REPLICATION CLIENT' '*'; then BINLOG_POSITION=yes; else BINLOG_POSITION=no; fi ;;
  auto:*) BINLOG_POSITION=no ;;
  yes:*:1 | no:*) ;;
  yes:*) refuse 'the server writes no binary log (log_bin), so there is no position in it to note (binlogPosition)' ;;
esac
export BINLOG_POSITION FACTS="$SCRATCH/facts"
: >"$SCRATCH/positions"
while IFS='	' read -r slug name; do
  # The parts that act on tables come after these: what is made meanwhile is missing from the one dump, not dangling in the other.
  for part in $(property "$slug" part); do
    put "$slug.$part.sql" sh "$here/dump-database.sh" "$part" "$name" </dev/null
    [ "$part:$BINLOG_POSITION" = tables:yes ] || continue
    [ -s "$SCRATCH/position" ] || die "the dump of database \"$name\" does not say where in the binary log it is"
    IFS='	' read -r file position <"$SCRATCH/position"
    gtid=
    [ "$DIALECT" != mariadb ] || gtid=$(sql information_schema -e "select ifnull(binlog_gtid_pos($(literal "$file"), $position), '')")
    printf '%s\t%s\t%s\t%s\n' "$file" "$position" "$gtid" "$name" >>"$SCRATCH/positions"
    about "binlogPosition/$name" "$file $position $gtid"
  done
done <"$SCRATCH/chosen"
[ ! -s "$SCRATCH/positions" ] || put binlog-position cat "$SCRATCH/positions"
# Variables may hold what nobody else should read.
sql information_schema -e "show global variables where variable_name not like '%password%' and variable_name not like '%secret%' and variable_name not like 'init_%'" >"$SCRATCH/settings.tsv"
put databases.tsv cat "$SCRATCH/databases.tsv"
put settings.tsv cat "$SCRATCH/settings.tsv"
fact databases "$(wc -l <"$SCRATCH/chosen" | tr -d ' ')"
