#!/bin/sh
# Whether the server runs: exit 0 when it does, 1 when it does not, 2 when that cannot be told.
#
# usage: running.sh [files]   with `files` it is not asked, and only what it leaves in its data directory is looked at
#
# environment, beside postgres.sh's:
#   DATA_DIRECTORY   the server's data directory
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

if [ "${1:-}" != files ]; then
  if answer=$(ask -c 'select 1' 2>&1); then
    echo "it answers at $PGHOST" >&2
    exit 0
  fi
  told=0
  connection_tells "$answer" || told=$?
  [ "$told" = 1 ] || exit "$told"
fi

# A server removes this file when it stops, and leaves it behind when it is killed.
pid_file=$DATA_DIRECTORY/postmaster.pid
[ -e "$pid_file" ] || exit 1
echo "postmaster.pid is in the data directory: a server was started on it at $(date -u -d "@$(sed -n 3p "$pid_file")" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 'an unknown time'), and is still running, unless it was killed" >&2
[ "${1:-}" = files ] || exit 2
# What was there when the restore was asked for is what the request knows of.
[ "${SERVER_IS_DOWN:-no}" != yes ] || [ -n "$(find "$pid_file" -newer "$SCRATCH/manifest.json")" ] || exit 1
