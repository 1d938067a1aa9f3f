#!/bin/sh
# Dumps the chosen databases, each in one snapshot, with counts of what went into the dump.
#
# environment, beside mysql.sh's:
#   DATABASES         names, one a line; empty: all
#   ALLOW_EMPTY       `yes`: a chosen database without a table is no reason to fail
#   TRANSACTIONAL     `yes`: a table that no transaction can see at one moment is a reason to fail
#   BINLOG_POSITION   yes or no: note where in the binary log the snapshots are; `auto`: yes where that needs no lock
#   CHECKSUMS         bytes: a database's tables, the small ones first, are summed up until they hold so much; 0: none is
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
attempt 'asking for the privileges of the role' sql information_schema -e "show grants$using" >"$SCRATCH/grants"
may() { # PRIVILEGE DATABASE [TABLE]
  PRIVILEGE=$1 ON=$2 TABLE=${3:-} awk -f "$here/may.awk" "$SCRATCH/grants"
}

if [ -n "$DATABASES" ]; then
  printf '%s\n' "$DATABASES" >"$SCRATCH/databases"
else
  may SELECT '*' ||
    refuse 'no databases are named, and the role sees only those that it has grants on: others would be left out silently. Grant select, show view, trigger, event on *.*, or name the databases (databases)'
  ! grep -q '^REVOKE ' "$SCRATCH/grants" ||
    caveat "this recovery point lacks what is revoked from the role on single databases: $(sed -n 's/^REVOKE \(.*\) FROM .*/\1/p' "$SCRATCH/grants" | tr '\n' ';')"
  # Where data directories are at the root of a file system, MariaDB takes its lost+found for a database.
  sql information_schema -e "select schema_name from schemata where schema_name not in ('information_schema', 'performance_schema', 'mysql', 'sys', '#mysql50#lost+found') order by 1" >"$SCRATCH/databases"
fi
unreadable=$(sql information_schema -e "select group_concat(distinct hex(table_schema), ' ', hex(table_name)) from tables where table_name regexp '[[:cntrl:]]' or table_schema regexp '[[:cntrl:]]'")
[ "$unreadable" = NULL ] || refuse "names with control characters cannot be backed up: rename (in hexadecimal, database and table) $unreadable"

listed() { paste -s -d , - | sed 's/,/, /g'; }

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
  [ "$known" = 1 ] || refuse "there is no database \"$name\" on this server, or the role is not allowed to see it; it sees: $(sql information_schema -e "select group_concat(schema_name separator ', ') from schemata")"
  tables=$(sql information_schema -e "select count(*) from tables where $(same table_schema "$name") and table_type <> 'VIEW'")
  if [ "$tables" = 0 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
    [ -z "$DATABASES" ] || refuse "database \"$name\" holds no table: an empty backup is rarely intended; if this one is, set allowEmpty"
  else
    : >"$SCRATCH/not-empty"
  fi
  for privilege in SELECT 'SHOW VIEW' TRIGGER EVENT; do
    may "$privilege" "$name" ||
      refuse "the role has no $privilege on database \"$name\": its dump would silently lack something. Grant select, show view, trigger, event on *.*"
  done
  # Whoever may run all of them sees that there are others', and no text of them.
  may SELECT '*' || may SHOW_ROUTINE '*' || may SELECT mysql || may SELECT mysql proc || {
    # What ALL PRIVILEGES are differs from release to release.
    { may EXECUTE "$name" || may 'SHOW CREATE ROUTINE' "$name"; } && [ "$(sql information_schema -e "select count(*) from routines where $(same routine_schema "$name") and ifnull(routine_definition, '') = ''")" = 0 ]
  } || refuse "the role is not allowed to see the routines of other users in database \"$name\": its dump would silently lack them. Grant select on *.*"
  foreign=$(sql information_schema -e "select group_concat(table_name, ' (', engine, ')' order by table_name separator ', ') from tables
    where $(same table_schema "$name") and $is_table and engine not in (select engine from engines where transactions = 'YES')")
  if [ "$foreign" != NULL ]; then
    [ "$TRANSACTIONAL" != yes ] || [ "$SAFETY" = yes ] ||
      refuse "database \"$name\" holds tables without transactions, which no dump can read at one point in time: $foreign. Convert them to InnoDB, or leave out transactionalOnly"
    log "WARNING: in database \"$name\" these tables have no transactions; each is dumped completely, but not at the same point in time as the others: $foreign"
    about "notOfOneMoment/$name" "$foreign"
  fi
  elsewhere=$(sql information_schema -e "select group_concat(table_name, ' (', engine, ')' order by table_name separator ', ') from tables
    where $(same table_schema "$name") and engine in ($engines_elsewhere)")
  [ "$elsewhere" = NULL ] ||
    caveat "the rows of these tables of database \"$name\" are stored elsewhere; this recovery point holds only the table definitions: $elsewhere"
  # As the dumping program wants it: they are where a copy would go.
  archived=$(sql information_schema -e "select group_concat(table_name order by table_name separator ', ') from tables where $(same table_schema "$name") and engine = 'S3'")
  [ "$archived" = NULL ] || caveat "these tables of database \"$name\" have the engine S3, and are not in this recovery point: $archived"
  slug=$(slug "$name")
  history=$(sql information_schema -e "select group_concat(table_name separator ', ') from tables where $(same table_schema "$name") and table_type = 'SYSTEM VERSIONED'")
  if [ "$history" != NULL ]; then
    by_transaction=$(sql information_schema -e "select group_concat(distinct table_name separator ', ') from columns where $(same table_schema "$name")
      and generation_expression = 'ROW START' and data_type = 'bigint'")
    if [ "$by_transaction" = NULL ] && "$dumper" --help | grep -q -- --dump-history; then
      printf '%s\thistory\tyes\n' "$slug" >>"$SCRATCH/databases.tsv"
    else
      caveat "this recovery point holds only the current rows of the system-versioned tables of database \"$name\": $history"
    fi
  fi
  {
    printf 'name\t%s\n' "$name"
    echo 'part	tables'
    # What else there is beside tables: its dump takes a moment of its own, so it is only made where it will hold something. Functions that
    # a server with a binary log takes only when it is told to trust them, and tables that some servers take only with a key.
    sql information_schema <<SQL
select 'charset', default_character_set_name from schemata where $(same schema_name "$name");
select 'collation', default_collation_name from schemata where $(same schema_name "$name");
$([ "$DIALECT" != mariadb ] || echo "select 'comment', replace(replace(quote(schema_comment), char(10), concat(char(92), 'n')), char(9), concat(char(92), 't')) from schemata where $(same schema_name "$name") and schema_comment <> '';")
$([ "$DIALECT" = mariadb ] || echo "select 'encryption', 'Y' from schemata where $(same schema_name "$name") and default_encryption = 'YES';")
select 'part', part from (
  select 'routines' part, count(*) n from ($(routines_of "$name")) r
  union all select 'triggers', count(*) from triggers where $(same trigger_schema "$name")
  union all select 'events', count(*) from events where $(same event_schema "$name")) p where n > 0;
select distinct 'needs', 'trust' from routines where $(same routine_schema "$name") and routine_type = 'FUNCTION'
  and is_deterministic = 'NO' and sql_data_access not in ('NO SQL', 'READS SQL DATA');
select distinct 'needs', 'no-key' from tables t where $(same table_schema "$name") and $is_table
  and not exists (select * from table_constraints c where c.table_schema = t.table_schema and c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY');
select distinct 'definer', definer from (
  select definer from routines where $(same routine_schema "$name") union all select definer from triggers where $(same trigger_schema "$name")
  union all select definer from views where $(same table_schema "$name") union all select definer from events where $(same event_schema "$name")) d;
select distinct 'zone', time_zone from events where $(same event_schema "$name") and time_zone <> 'SYSTEM' and time_zone not regexp '^[-+][0-9]';
SQL
  } >"$SCRATCH/properties"
  sed "s/^/$slug	/" "$SCRATCH/properties" >>"$SCRATCH/databases.tsv"
  printf '%s\t%s\n' "$slug" "$name" >>"$SCRATCH/chosen"
done <"$SCRATCH/databases"
[ -e "$SCRATCH/not-empty" ] || [ "$SAFETY" = yes ] || [ "$ALLOW_EMPTY" = yes ] || refuse "no database of this server holds a table: an empty backup is rarely intended; if this one is, set allowEmpty"

# ---- views that no other server can be relied on to make ---------------------------------------------------------------
# Their text is kept, and a restore makes those that it can; but none of them stops anything, or is counted.
: >"$SCRATCH/apart.tsv"
# The dumping program would stumble over them.
while IFS='	' read -r slug name; do
  attempt "looking at the views of database $name" broken_views "$name" >"$SCRATCH/broken"
  NAME=$name awk -v OFS='\t' '{ print ENVIRON["NAME"], $0, "broken" }' "$SCRATCH/broken" >>"$SCRATCH/apart.tsv"
done <"$SCRATCH/chosen"
# What reads databases that are not in this recovery point, and what reads such a view.
{
  sed 's/^[^	]*	/chosen	/' "$SCRATCH/chosen"
  sed 's/^/apart	/' "$SCRATCH/apart.tsv"
  sql information_schema -e "select 'database', schema_name from schemata where schema_name not in ('information_schema', 'performance_schema', 'mysql', 'sys')
    union all select 'view', concat_ws('\t', table_schema, table_name, replace(replace(view_definition, '\n', ' '), '\t', ' ')) from views"
} | awk -F '\t' -v OFS='\t' '
  function quoted(name) { gsub(/`/, "``", name); return "`" name "`" }
  $1 == "chosen" { chosen[$2] = 1; next }
  $1 == "apart" { apart[$2, $3] = 1; reads[quoted($2) "." quoted($3)] = 1; next }
  $1 == "database" { if (!($2 in chosen)) reads[quoted($2) "."] = 1; next }
  $2 in chosen { database[++n] = $2; view[n] = $3; text[n] = $4 }
  END {
    do {
      found = 0
      for (i = 1; i <= n; i++) {
        if ((database[i], view[i]) in apart) continue
        for (what in reads) if (index(text[i], what)) {
          apart[database[i], view[i]] = 1
          reads[quoted(database[i]) "." quoted(view[i])] = 1
          print database[i], view[i], "outside"
          found = 1
          break
        }
      }
    } while (found)
  }' >"$SCRATCH/outside.tsv"
cat "$SCRATCH/outside.tsv" >>"$SCRATCH/apart.tsv"
while IFS='	' read -r slug name; do
  NAME=$name awk -F '\t' '$1 == ENVIRON["NAME"] { print $2 }' "$SCRATCH/apart.tsv" >"$SCRATCH/apart.$slug"
  sed "s/^/$slug	apart	/" "$SCRATCH/apart.$slug" >>"$SCRATCH/databases.tsv"
  [ ! -s "$SCRATCH/apart.$slug" ] || printf '%s\tpart\tapart\n' "$slug" >>"$SCRATCH/databases.tsv"
  [ "$(sql information_schema -e "select count(*) from views where $(same table_schema "$name")")" -le "$(wc -l <"$SCRATCH/apart.$slug")" ] ||
    printf '%s\tpart\tviews\n' "$slug" >>"$SCRATCH/databases.tsv"
done <"$SCRATCH/chosen"
broken=$(awk -F '\t' '$3 == "broken" { print $1 "." $2 }' "$SCRATCH/apart.tsv" | listed)
[ -z "$broken" ] || caveat "these views are broken (what they read does not exist, or their owner is not allowed to read it), so only their text is kept: $broken"
outside=$(awk -F '\t' '$3 == "outside" { print $1 "." $2 }' "$SCRATCH/apart.tsv" | listed)
[ -z "$outside" ] || caveat "these views read databases that are not in this recovery point, so no verification creates them: $outside"

# ---- the accounts ------------------------------------------------------------------------------------------------------
# Their statements: ACCOUNT TAB STATEMENT. What makes an account comes before what it is given.
if sql mysql -e "$(accounts_sql)" >"$SCRATCH/accounts" 2>"$SCRATCH/accounts.err"; then
  {
    # Hashes of passwords hold any byte.
    [ "$DIALECT" = mariadb ] || echo 'set session print_identified_with_as_hex = on;'
    while IFS='	' read -r account kind; do
      printf 'select "account", %s;\n' "$(literal "$account")"
      case $kind in
        role) printf 'select concat("CREATE ROLE ", %s);\n' "$(literal "$account")" ;;
        user) printf 'show create user %s;\n' "$account" ;;
      esac
      printf 'show grants for %s;\n' "$account"
    done <"$SCRATCH/accounts"
  } >"$SCRATCH/accounts.sql"
  # One that cannot be read is no reason to lose the others.
  sql mysql --force <"$SCRATCH/accounts.sql" >"$SCRATCH/accounts.statements" 2>"$SCRATCH/accounts.err" || :
  unread=$(awk -F '\t' '/^account\t/ { account = $2; if (account != "PUBLIC") read[account] += 0; next } /^CREATE / { read[account]++ }
    END { for (account in read) if (!read[account]) print account }' "$SCRATCH/accounts.statements" | LC_ALL=C sort | paste -s -d ' ' -)
  [ -z "$unread" ] || caveat "these accounts cannot be read, and are not in this recovery point: $unread ($(last_words "$SCRATCH/accounts.err" 1))"
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
  seconds=NULL
  [ "$DIALECT" = mariadb ] || seconds=$(sql mysql -e "select group_concat(quote(user), '@', quote(host) order by user, host separator ' ') from user
    where json_contains_path(user_attributes, 'one', '$.additional_password')") || seconds=NULL
  [ "$seconds" = NULL ] || caveat "the secondary passwords of these accounts are not in this recovery point: $seconds"
else
  caveat "the accounts are not in this recovery point, as the role is not allowed to read mysql.user ($(last_words "$SCRATCH/accounts.err" 1))"
fi
if [ "$DIALECT" != mariadb ]; then
  # Below are those of EPSG, and above what MySQL keeps for itself.
  attempt 'listing spatial reference systems' sql information_schema -e "select concat('create spatial reference system if not exists ', srs_id, ' name ', quote(srs_name),
    ifnull(concat(' organization ', quote(organization), ' identified by ', organization_coordsys_id), ''), ' definition ', quote(replace(definition, '\n', ' ')),
    if(description is null, '', concat(' description ', quote(replace(description, '\n', ' ')))), ';') from st_spatial_reference_systems where srs_id > 32767 and srs_id not between 60000000 and 69999999" >"$SCRATCH/spatial.sql"
  [ ! -s "$SCRATCH/spatial.sql" ] || put spatial.sql cat "$SCRATCH/spatial.sql"
fi
# Of the server, not of a database, and no statement shows them.
for kind in func:'loadable functions' servers:'servers of federated tables'; do
  column=name
  [ "$kind" = "${kind#servers}" ] || column=Server_name
  others=$(sql mysql -e "select group_concat($column order by 1 separator ', ') from ${kind%%:*}" 2>/dev/null) || continue
  [ "$others" = NULL ] || caveat "${kind#*:} are not in this recovery point: $others"
done

# Who may not see them has none that count.
prepared() { sql information_schema -e 'xa recover' 2>/dev/null | LC_ALL=C sort || :; }
prepared >"$SCRATCH/prepared.before"

# ---- the databases -----------------------------------------------------------------------------------------------------
# MariaDB knows the position of a snapshot. MySQL finds it under a lock that stops all writes for a moment, and waits for it
# behind every long query; so it is only done when asked for.
binlog=$(sql information_schema -e 'select @@log_bin')
case $BINLOG_POSITION:$DIALECT:$binlog in
  auto:mariadb:1) if may 'BINLOG MONITOR' '*' || may 'REPLICATION CLIENT' '*'; then BINLOG_POSITION=yes; else BINLOG_POSITION=no; fi ;;
  auto:*) BINLOG_POSITION=no ;;
  yes:*:1 | no:*) ;;
  yes:*) refuse 'the server writes no binary log (log_bin), so there is no position to record: leave out binlogPosition, or set log_bin' ;;
esac
SEES_TABLE_IDS=no
! may PROCESS '*' || SEES_TABLE_IDS=yes
export BINLOG_POSITION SEES_TABLE_IDS FACTS="$SCRATCH/facts" LARGEST="$SCRATCH/largest" PLACES="$SCRATCH/places" LOSSY="$SCRATCH/lossy"
: >"$LOSSY"
: >"$SCRATCH/positions"
while IFS='	' read -r slug name; do
  # The parts that act on tables come after these: what is made meanwhile is missing from the one dump, not dangling in the other.
  HISTORY=$(property "$slug" history) APART=$SCRATCH/apart.$slug
  export HISTORY APART
  : >"$PLACES"
  for part in $(property "$slug" part); do
    put "$slug.$part.sql" sh "$here/dump-database.sh" "$part" "$name" </dev/null
    [ "$part" != tables ] || { printf 'largest\t%s\n' "$(cat "$LARGEST")" && cat "$PLACES"; } | sed "s/^/$slug	/" >>"$SCRATCH/databases.tsv"
    [ "$part:$BINLOG_POSITION" = tables:yes ] || continue
    [ -s "$SCRATCH/position" ] || die "the dump of database \"$name\" does not give its position in the binary log"
    IFS='	' read -r file position <"$SCRATCH/position"
    gtid=
    [ "$DIALECT" != mariadb ] || gtid=$(sql information_schema -e "select ifnull(binlog_gtid_pos($(literal "$file"), $position), '')")
    printf '%s\t%s\t%s\t%s\n' "$file" "$position" "$gtid" "$name" >>"$SCRATCH/positions"
    about "binlogPosition/$name" "$file $position $gtid"
  done
done <"$SCRATCH/chosen"
LC_ALL=C awk -F '\t' '
  $2 == "name" { gsub(/`/, "``", $3); chosen["`" $3 "`"] }
  $2 == "sequence" && match($3, /^`([^`]|``)*`/) { asked[$3] = substr($3, 1, RLENGTH) }
  END { for (sequence in asked) if (!(asked[sequence] in chosen)) print sequence }' "$SCRATCH/databases.tsv" >"$SCRATCH/sequences.outside"
[ ! -s "$SCRATCH/sequences.outside" ] ||
  caveat "table defaults use sequences of databases that are not in this recovery point; a restore needs these: $(LC_ALL=C sort -u "$SCRATCH/sequences.outside" | listed)"
# One that is between its two commits for a moment is like any other that was not done yet.
prepared >"$SCRATCH/prepared.after"
waiting=$(LC_ALL=C comm -12 "$SCRATCH/prepared.before" "$SCRATCH/prepared.after" | wc -l | tr -d ' ')
[ "$waiting" = 0 ] || caveat "the writes of $waiting prepared transactions (xa recover) are not in this recovery point, as they are neither committed nor rolled back"
[ ! -s "$LOSSY" ] ||
  caveat "values that a dump cannot represent (a FLOAT of more than six digits, text that is not in Unicode) come back changed; make the column DOUBLE or utf8mb4, or back up physically: $(listed <"$LOSSY")"
[ ! -s "$SCRATCH/positions" ] || put binlog-position cat "$SCRATCH/positions"
# Variables may hold what nobody else should read.
sql information_schema -e "show global variables where variable_name not like '%password%' and variable_name not like '%secret%' and variable_name not like 'init_%'" >"$SCRATCH/settings.tsv"
put databases.tsv cat "$SCRATCH/databases.tsv"
put settings.tsv cat "$SCRATCH/settings.tsv"
fact databases "$(wc -l <"$SCRATCH/chosen" | tr -d ' ')"
