#!/bin/sh
# Writes the server's files to stdout, and what the tool says to $SCRATCH/tool.log.
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"

mkdir -p "$SCRATCH/tool"
if [ "$DIALECT" = mariadb ]; then
  # It waits for its locks for a day unless told otherwise, and everybody who comes after waits behind it.
  # And it takes what mkfs puts into a volume's root for a database, which only root may read.
  set -- --ftwrl-wait-timeout="$LOCK_TIMEOUT" --databases-exclude=lost+found
else
  # It copies the files of whatever directory it is told.
  set -- --datadir="$DATA_DIRECTORY" --lock-ddl=ON --lock-ddl-timeout="$LOCK_TIMEOUT"
fi
rc=0
run_tool "$tool" --defaults-file="$SCRATCH/client.cnf" --backup --stream="$format" --target-dir="$SCRATCH/tool" "$@" 2>"$SCRATCH/tool.log" || rc=$?
[ "$rc" != 0 ] || completed "$SCRATCH/tool.log" || rc=1
[ "$rc" = 0 ] || {
  # Of its many lines those that name files say nothing about why it failed.
  grep -vE 'Streaming|\.\.\.done|DDL tracking|aria table file|Copied file' "$SCRATCH/tool.log" | tail -n 20 >"$SCRATCH/tool.end"
  cat "$SCRATCH/tool.end" >&2
  echo "$tool failed: $(last_words "$SCRATCH/tool.end" "$rc")" >&2
  exit "$rc"
}
