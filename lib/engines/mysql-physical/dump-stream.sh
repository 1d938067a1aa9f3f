#!/bin/sh
# Writes the server's files to stdout, and what the tool says to $SCRATCH/tool.log.
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"

mkdir -p "$SCRATCH/tool"
: >"$SCRATCH/tool.log"
if [ "$DIALECT" = mariadb ]; then
  # What mkfs puts into a volume's root it takes for a database, which only root may read.
  set -- --databases-exclude=lost+found
else
  # It copies the files of whatever directory it is told.
  set -- --datadir="$DATA_DIRECTORY" --lock-ddl=ON --lock-ddl-timeout="$LOCK_TIMEOUT"
fi
run_how='exec' run_tool "$tool" --defaults-file="$SCRATCH/client.cnf" --backup --stream="$format" --target-dir="$SCRATCH/tool" "$@" 2>"$SCRATCH/tool.log" &
copying=$!

# mariadb-backup waits for its locks for a year, and everybody who comes after waits behind it. Its own --ftwrl-wait-timeout waits
# for the first moment without any statement, which a busy server does not have.
waited=0
while kill -0 "$copying" 2>/dev/null; do
  sleep 0.5
  case $(grep -E 'BACKUP (STAGE|LOCKS)' "$SCRATCH/tool.log" | tail -n 1) in
    *' Start'* | *' Acquiring '*) waited=$((waited + 1)) ;;
    *) waited=0 ;;
  esac
  [ "$waited" -lt $((2 * LOCK_TIMEOUT)) ] || {
    kill -KILL "$copying" 2>/dev/null || :
    echo "error: statements that block the backup's locks did not end within $LOCK_TIMEOUT s (lockTimeout)" >&2
    exit 1
  }
done
wait "$copying" && rc=0 || rc=$?
[ "$rc" != 0 ] || completed "$SCRATCH/tool.log" || rc=1
[ "$rc" = 0 ] || {
  # Of its many lines those that name files, or show pages, say nothing about why it failed.
  grep -vE 'Streaming|\.\.\.done|DDL tracking|aria table file|Copied file|^ len |; asc |retrying' "$SCRATCH/tool.log" | tail -n 20 >"$SCRATCH/tool.end"
  echo "$tool failed: $(last_words "$SCRATCH/tool.end" "$rc")" >&2
  exit "$rc"
}
