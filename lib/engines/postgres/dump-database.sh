#!/bin/sh
# Writes the archive of one database to stdout, and its facts, taken in the same snapshot, to $SCRATCH/facts.
#
# usage: dump-database.sh DATABASE TABLES
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

rm -f "$SCRATCH/dumped"
DUMP_DATABASE=$(database "$1")
export DUMP_DATABASE
sql "$1" -v database="$1" -v facts_file="$SCRATCH/facts.database" -v facts_sql="$here/facts.sql" -f "$here/dump-database.sql"
# psql does not tell how the dump that it ran has ended.
[ -e "$SCRATCH/dumped" ] || exit 1
# Fewer rows lines than tables would mean facts that cannot prove the restore.
[ "$2" = 0 ] || [ -s "$SCRATCH/facts.database" ] || { echo "no facts could be counted in database $1" >&2; exit 1; }
cat "$SCRATCH/facts.database" >>"$SCRATCH/facts"
