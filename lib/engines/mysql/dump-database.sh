#!/bin/sh
# Writes one part of a database's dump to stdout, and adds what it holds to FACTS.
#
# usage: dump-database.sh tables|routines|triggers|views|events DATABASE
#
# environment, beside mysql.sh's:
#   BINLOG_POSITION   `yes`: note where in the binary log the snapshot of the tables is
#   FACTS             a file
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
part=$1 name=$2
notes=$SCRATCH/dump.$part

set -- --defaults-file="$defaults" --default-character-set=utf8mb4 --max-allowed-packet=1G --comments --skip-dump-date --no-tablespaces \
  --single-transaction --quick --skip-lock-tables --skip-add-locks --hex-blob --skip-triggers
# The transactions of another server are not this dump's to declare; a server that it is restored to has its own.
[ "$DIALECT" = mariadb ] || set -- "$@" --set-gtid-purged=OFF --column-statistics=0
sql information_schema -e "select table_name from views where $(same table_schema "$name") order by table_name" >"$SCRATCH/views"
case $part in
  tables)
    while IFS= read -r view; do set -- "$@" --ignore-table="$name.$view"; done <"$SCRATCH/views"
    case $BINLOG_POSITION:$DIALECT in
      yes:mariadb) set -- "$@" --master-data=2 ;;
      yes:*) set -- "$@" --source-data=2 ;;
    esac
    set -- "$@" "$name"
    ;;
  routines) set -- "$@" --no-data --no-create-info --routines "$name" ;;
  triggers) set -- "$@" --no-data --no-create-info --triggers "$name" ;;
  events) set -- "$@" --no-data --no-create-info --events "$name" ;;
  views)
    # Without a name to it, the program would dump everything.
    [ -s "$SCRATCH/views" ] || { echo '-- Dump completed' && exit 0; }
    set -- "$@" --no-data "$name"
    while IFS= read -r view; do set -- "$@" "$view"; done <"$SCRATCH/views"
    ;;
esac

rm -f "$notes" "$notes.rc" "$SCRATCH/position"
counted=0
{ "$dumper" "$@" 2>"$notes.err" || echo $? >"$notes.rc"; } |
  LC_ALL=C PART=$part NAME=$name NOTES=$notes POSITION=$SCRATCH/position awk -f "$here/facts.awk" || counted=$?
cat "$notes.err" >&2
if [ -e "$notes.rc" ]; then
  rc=$(cat "$notes.rc")
  [ "$rc" -le 128 ] || echo "$dumper failed: killed by signal $((rc - 128)), as happens when memory runs out" >&2
  exit "$rc"
fi
[ "$counted" != 3 ] || { echo "the dump of database $name has no end, although $dumper says that all went well" >&2; exit 1; }
[ "$counted" = 0 ] || { echo "the dump of database $name could not be counted" >&2; exit 1; }
[ ! -e "$notes" ] || as_facts "$name" <"$notes" >>"$FACTS"
