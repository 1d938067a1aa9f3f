#!/bin/sh
# Writes one part of a database's dump to stdout, and adds what it holds to FACTS.
#
# usage: dump-database.sh tables|routines|triggers|views|apart|events DATABASE
#
# environment, beside mysql.sh's:
#   BINLOG_POSITION   `yes`: note where in the binary log the snapshot of the tables is
#   CHECKSUMS         dump.sh's
#   FACTS             a file
#   HISTORY           `yes`: of system-versioned tables the past, too
#   LARGEST           a file for the bytes of the largest statement of the tables
#   PLACES            a file for what tables need beside their database: facts.awk's
#   LOSSY             a file to add values to that a dump cannot carry: TABLE.COLUMN (N values)
#   APART             a file with the names of views that the part `views` leaves to the part `apart`
#   SEES_TABLE_IDS    `yes`: the role may see by what number the storage engine knows a table
#   KEEP_WHAT_IS      `yes`: what cannot be dumped is no reason to end without the rest
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
part=$1 name=$2
notes=$SCRATCH/dump.$part
marks=$SCRATCH/marks

# ---- is each table the one that it was when the snapshot was taken ----------------------------------------------------
# The dumping program asks for a table by name, long after its snapshot. Another table that has taken that name by then, as tools for
# online changes do it and EXCHANGE PARTITION, shows it the rows that it had at the snapshot's moment: few or none, and no error.

# What tells tables apart: lines of TABLE TAB ANYTHING.
identities() {
  # MariaDB's time of creation is that of the file with the definition, and so of its last renaming, too.
  if [ "$DIALECT" = mariadb ] || [ "$SEES_TABLE_IDS" = yes ]; then identity_definition="''"; else
    identity_definition="(select sha2(group_concat(concat_ws('|', column_name, column_type, is_nullable, extra, column_comment) order by ordinal_position), 256)
      from columns c where c.table_schema = t.table_schema and c.table_name = t.table_name),
      (select sha2(group_concat(concat_ws('|', index_name, column_name, seq_in_index, non_unique) order by index_name, seq_in_index), 256)
      from statistics s where s.table_schema = t.table_schema and s.table_name = t.table_name)"
  fi
  sql information_schema -e "set time_zone = '+00:00'; select table_name, concat_ws(' ', engine, create_time, $identity_definition)
    from tables t where $(same table_schema "$name") and $is_table order by 1;
    select '', 'just created' from tables t where $(same table_schema "$name") having max(create_time) >= now() - interval 1 second" || return 1
  [ "$SEES_TABLE_IDS" = yes ] || return 0
  # Names as files have them; what is no plain letter begins with @ there.
  case $name in *[!A-Za-z0-9_]*) identity_of='%@%' ;; *) identity_of=$(printf %s "$name" | sed 's/_/\\_/g') ;; esac
  identity_tables=innodb_tables
  [ "$DIALECT" != mariadb ] || identity_tables=innodb_sys_tables
  sql information_schema -e "select substring_index(substring_index(name, '/', -1), '#', 1), concat_ws(' ', name, table_id, space) from $identity_tables
    where name like '$identity_of/%' and name not like '%/#%' order by name" || return 1
}

# How often names were changed on this server, for a role that cannot see which.
changed_names() {
  case $SEES_TABLE_IDS:$DIALECT in
    yes:*) return 0 ;;
    # There the times of creation say it, but for partitions.
    no:mariadb) [ "$(sql information_schema -e "select count(*) from partitions where $(same table_schema "$name") and partition_name is not null")" != 0 ] || return 0 ;;
  esac
  sql information_schema -e "show global status like 'Com\_%\_table'" | grep -E '^Com_(rename|alter)_table'
}

check_identities() {
  identities >"$marks.identities-after" || return 1
  changed=$(awk -F '\t' '
    FILENAME == ARGV[1] { before[$1] = before[$1] "\n" $0; next }
    { after[$1] = after[$1] "\n" $0 }
    END { for (table in before) if (table != "" && table in after && after[table] != before[table]) print table }' "$marks.identities" "$marks.identities-after" |
    LC_ALL=C sort | paste -s -d , - | sed 's/,/, /g')
  [ -z "$changed" ] || {
    echo "ERROR: while database $name was being dumped, these tables were replaced, altered or emptied: $changed. The dump may hold few of their rows, or none; run the backup again" >&2
    return 1
  }
  changed_names >"$marks.changed-after" || return 1
  [ "$(cat "$marks.changed")" = "$(cat "$marks.changed-after")" ] || {
    echo "ERROR: while database $name was being dumped, tables were renamed or altered on this server, and the role is not allowed to see which: run the backup again, or grant process on *.*" >&2
    return 1
  }
}

# ---- what values the rows have: looked at in a snapshot right before the dump's ---------------------------------------
# What statements of text cannot carry: a FLOAT is written with six digits, and what Unicode does not know as `?`. Queries of TABLE TAB
# COLUMN (N values), ...; only what is there is named, as other columns of these types lose nothing.
lossy_values() {
  sql information_schema <<SQL
select concat('savepoint s; select "lossy", ', quote(table_name), ', concat_ws('', '', ',
  group_concat('if(sum(', lossy, ') > 0, concat(', quote(concat(table_name, '.', column_name, ' (')), ', sum(', lossy, '), '' values)''), null)'),
  ') from ', $(literal "$(ident "$name")"), '.', $(ident_of table_name), '; rollback to savepoint s;')
from (select table_name, column_name, if(data_type = 'float', concat(c, ' <> cast(concat(', c, ') as float)'),
    concat('cast(convert(convert(', c, ' using utf8mb4) using ', character_set_name, ') as binary) <> cast(', c, ' as binary)')) lossy
  from (select table_name, column_name, data_type, character_set_name, $(ident_of column_name) c from columns where $(same table_schema "$name")
    and table_name in (select table_name from tables where $(same table_schema "$name") and $is_table) and ifnull(generation_expression, '') = ''
    and (data_type = 'float' or character_set_name not in ('utf8', 'utf8mb3', 'utf8mb4', 'latin1', 'ascii', 'binary'))) odd) l
group by table_name;
SQL
}

# The sums of tables, small ones first. The past of a versioned table has times of its own after a restore; columns of before
# MariaDB 5.3 and MySQL 5.6 get today's format. What MySQL keeps for an index over an array counts, too, and is of no fixed value.
checksums() {
  [ "$CHECKSUMS" -gt 0 ] || return 0
  checksums_but=
  [ "$DIALECT" = mariadb ] || checksums_but="and not exists (select * from statistics s where s.table_schema = t.table_schema and s.table_name = t.table_name and s.expression like '% array)%')"
  sql information_schema -e "select table_name, data_length from tables t where $(same table_schema "$name") and engine = 'InnoDB' and table_type = 'BASE TABLE'
    and not exists (select * from columns c where c.table_schema = t.table_schema and c.table_name = t.table_name and c.column_type like '%mariadb-5.3%') $checksums_but
    order by data_length, table_name" >"$marks.tables" || return 1
  awk -F '\t' -v most="$CHECKSUMS" '{ sum += $2 } sum <= most { print $1 }' "$marks.tables" >"$marks.summed"
  while IFS= read -r table; do
    printf 'savepoint s; select "sum", %s; checksum table %s.%s extended; rollback to savepoint s;\n' "$(literal "$table")" "$(ident "$name")" "$(ident "$table")"
  done <"$marks.summed"
}

begin_looking() {
  { lossy_values && checksums; } >"$marks.queries" || return 1
  [ -s "$marks.queries" ] || return 0
  {
    echo "set session transaction isolation level repeatable read; select 'at', unix_timestamp(); start transaction with consistent snapshot; select 'open';"
    # Each goes back to a savepoint, and so keeps no lock that would keep others from changing the table.
    cat "$marks.queries"
  } >"$marks.sql"
  : >"$marks.seen"
  sql information_schema --force --unbuffered <"$marks.sql" >"$marks.seen" 2>"$marks.err" &
  looking=$!
  until grep -q '^open' "$marks.seen" || ! kill -0 "$looking" 2>/dev/null; do sleep 0.1; done
  (
    # The dump's snapshot is taken when its first table comes.
    until [ -e "$marks.begun" ]; do sleep 0.2; done
    : >"$marks.written.sql"
    [ "$DIALECT" = mariadb ] || echo 'set session information_schema_stats_expiry = 0;' >"$marks.written.sql"
    cat >>"$marks.written.sql" <<SQL
set time_zone = '+00:00';
select table_name from tables where $(same table_schema "$name") and table_type = 'BASE TABLE'
  and unix_timestamp(update_time) >= $(sed -n 's/^at	//p' "$marks.seen") - 2;
SQL
    sql information_schema <"$marks.written.sql" >"$marks.written.new" && mv "$marks.written.new" "$marks.written"
  ) >/dev/null 2>&1 &
  watching=$!
}

end_looking() {
  [ -n "$looking" ] || return 0
  : >"$marks.begun"
  wait "$watching" || :
  wait "$looking" || :
  [ ! -s "$marks.err" ] || caveat "not all values of database \"$name\" could be checked: $(last_words "$marks.err" 1)"
  NAME=$name awk -F '\t' '$1 == "lossy" && $3 != "" && $3 != "NULL" { gsub(/, /, ", " ENVIRON["NAME"] "."); print ENVIRON["NAME"] "." $3 }' "$marks.seen" >>"$LOSSY"
  [ -e "$marks.written" ] || return 0
  # Only of a table that nobody wrote between the two snapshots they are the sums of what was dumped.
  awk -F '\t' -v OFS='\t' '
    FILENAME == ARGV[1] { written[$0]; next }
    $1 == "lossy" { if ($3 != "" && $3 != "NULL") written[$2]; next }
    $1 == "sum" { table = $2; next }
    table != "" && $2 ~ /^[0-9]+$/ && !(table in written) { print "checksum", table, $2 }
    { table = "" }' "$marks.written" "$marks.seen" >"$marks.facts"
  as_facts "$name" <"$marks.facts" >>"$FACTS"
  log "database \"$name\": the values of $(wc -l <"$marks.facts" | tr -d ' ') tables have checksums"
}

# ---- the dump ---------------------------------------------------------------------------------------------------------
set -- --defaults-file="$defaults" --default-character-set=utf8mb4 --max-allowed-packet=1G --comments --skip-dump-date --no-tablespaces \
  --single-transaction --quick --skip-lock-tables --skip-add-locks --hex-blob --skip-triggers
# The transactions of another server are not this dump's to declare; a server that it is restored to has its own.
[ "$DIALECT" = mariadb ] || set -- "$@" --set-gtid-purged=OFF --column-statistics=0
[ "${KEEP_WHAT_IS:-$SAFETY}" != yes ] || set -- "$@" --force
sql information_schema -e "select table_name from views where $(same table_schema "$name") order by table_name" >"$SCRATCH/views"
if [ "$part" != views ]; then
  while IFS= read -r view; do set -- "$@" --ignore-table="$name.$view"; done <"$SCRATCH/views"
fi
case $part in
  tables)
    [ "${HISTORY:-no}" != yes ] || set -- "$@" --dump-history
    case $BINLOG_POSITION:$DIALECT in
      yes:mariadb) set -- "$@" --master-data=2 ;;
      yes:*) set -- "$@" --source-data=2 ;;
    esac
    set -- "$@" -- "$name"
    ;;
  routines) set -- "$@" --no-data --no-create-info --routines -- "$name" ;;
  triggers) set -- "$@" --no-data --no-create-info --triggers -- "$name" ;;
  events) set -- "$@" --no-data --no-create-info --events -- "$name" ;;
  views)
    awk 'FILENAME == ARGV[1] { apart[$0]; next } !($0 in apart)' "$APART" "$SCRATCH/views" >"$SCRATCH/views.sound"
    # Without a name to it, the program would dump everything.
    [ -s "$SCRATCH/views.sound" ] || { echo '-- Dump completed' && exit 0; }
    # Whoever may make a view may name it like an option.
    set -- "$@" --no-data -- "$name"
    while IFS= read -r view; do set -- "$@" "$view"; done <"$SCRATCH/views.sound"
    ;;
  apart)
    # As the server keeps it: the dumping program would ask what columns such a view has.
    while IFS= read -r view; do
      printf '%s\n' "-- View $(printf %s "$view" | tr '\n' ' ')"
      sql "$name" -e "show create view $(ident "$view")" </dev/null | NAME=$view awk '
        { text = text (NR == 1 ? "" : "\n") $0 }
        END {
          text = substr(text, length(ENVIRON["NAME"]) + 2)
          collation = text; sub(/.*\t/, "", collation)
          text = substr(text, 1, length(text) - length(collation) - 1)
          charset = text; sub(/.*\t/, "", charset)
          text = substr(text, 1, length(text) - length(charset) - 1)
          sub(/^CREATE /, "CREATE OR REPLACE ", text)
          print "SET character_set_client = " charset ", collation_connection = " collation ";\n" text ";"
        }'
    done <"$APART"
    exit 0
    ;;
esac

rm -f "$notes" "$notes.rc" "$SCRATCH/position" "$marks".*
counted=0
looking='' watching=''
: "${SEES_TABLE_IDS:=no}"
if [ "$part" = tables ]; then
  identities >"$marks.identities"
  changed_names >"$marks.changed"
  # Times are whole seconds: what is renamed from here on is to have another one.
  ! grep -q '^	just created' "$marks.identities" || sleep 1
  begin_looking
fi
filter='cat'
[ "$part" != triggers ] || filter=without_databases
{ "$dumper" "$@" 2>"$notes.err" || echo $? >"$notes.rc"; } | "$filter" |
  LC_ALL=C PART=$part NAME=$name NOTES=$notes POSITION=$SCRATCH/position LARGEST=${LARGEST:-/dev/null} PLACES=${PLACES:-/dev/null} \
    BEGUN=$marks.begun awk -f "$here/facts.awk" || counted=$?
LC_ALL=C awk -f "$here/said.awk" "$notes.err" >&2
if [ -e "$notes.rc" ]; then
  rc=$(cat "$notes.rc")
  # What is damaged is no reason to refuse a copy of the rest; a server that went away is.
  if [ "$SAFETY" = yes ] && [ "$rc" -le 128 ] && ! grep -qE '\b(2002|2003|2006|2013)\b' "$notes.err"; then
    caveat "database \"$name\" could not be read completely: $(LC_ALL=C awk -f "$here/said.awk" "$notes.err" | head -n 3 | tr '\n' ' ')"
    rc=0
  fi
  [ "$rc" -le 128 ] || echo "$dumper failed: killed by signal $((rc - 128)), probably out of memory" >&2
  [ "$rc" = 0 ] || {
    [ -z "$looking" ] || kill "$watching" "$looking" 2>/dev/null || :
    exit "$rc"
  }
fi
[ "$counted" != 3 ] || { echo "the dump of database $name is cut off, although $dumper reported success" >&2; exit 1; }
[ "$counted" = 0 ] || { echo "the rows of the dump of database $name could not be counted" >&2; exit 1; }
[ ! -e "$notes" ] || as_facts "$name" <"$notes" >>"$FACTS"
if [ "$part" = tables ]; then
  end_looking
  [ "$SAFETY" = yes ] || check_identities
fi
