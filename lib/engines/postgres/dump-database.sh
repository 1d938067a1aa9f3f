#!/bin/sh
# Writes the archive of one database to stdout, its facts, taken in the same snapshot, to $SCRATCH/facts, and what pg_dump leaves out to
# $SCRATCH/left-out.
#
# usage: dump-database.sh DATABASE TABLES
# environment, beside postgres.sh's: CHECKSUMS and LOCK_TIMEOUT, dump.sh's
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

DUMP_DATABASE=$(database "$1")
export DUMP_DATABASE
tries=0
while :; do
  rm -f "$SCRATCH/dumped" "$SCRATCH/dump.overtaken"
  sql "$1" -v database="$1" -v lock_timeout="${LOCK_TIMEOUT}000" -v checksums="$CHECKSUMS" -v facts_file="$SCRATCH/facts.database" -v facts_sql="$here/facts.sql" \
    -v left_out_file="$SCRATCH/left-out" -v left_out_sql="$here/left-out.sql" -f "$here/dump-database.sql"
  # psql does not tell how the dump that it ran has ended.
  [ ! -e "$SCRATCH/dumped" ] || break
  tries=$((tries + 1))
  [ -e "$SCRATCH/dump.overtaken" ] && [ "$tries" -lt 5 ] || exit 1
  log "another session changes a table of database \"$1\" (TRUNCATE, ALTER), or waits to: the dump lets it go first, and starts over"
done
# Fewer rows lines than tables would mean facts that cannot prove the restore.
[ "$2" = 0 ] || [ -s "$SCRATCH/facts.database" ] || { echo "no facts could be counted in database $1" >&2; exit 1; }
cat "$SCRATCH/facts.database" >>"$SCRATCH/facts"
