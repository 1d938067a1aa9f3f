#!/bin/sh
# Whether the server runs: exit 0 when it does, 1 when it does not, 2 when that cannot be told.
#
# usage: running.sh [files]   with `files` it is not asked, and only what it does with its data directory is looked at
#
# environment, beside redis.sh's:
#   DATA_DIRECTORY   the server's data directory
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"

# A node of a cluster holds a lock on the file in which it keeps what it knows of the cluster. It shows on the machine where it runs.
if command -v flock >/dev/null; then
  for node_file in $(node_files); do
    if ! flock -n "$node_file" true; then
      echo "a node of a cluster has ${node_file##*/} open" >&2
      exit 0
    fi
  done
fi
[ "${1:-}" != files ] || exit 1

# Whatever it answers (that it is loading, that it knows nobody of this name), it is there.
answer=$(CLI_TIMEOUT=15 cli ping 2>&1) && answer_rc=0 || answer_rc=$?
[ "$answer_rc" != 124 ] || answer='timed out'
told=0
connection_tells "$answer" || told=$?
exit "$told"
