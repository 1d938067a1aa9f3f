#!/bin/sh
# Whether the server runs: exit 0 when it does, 1 when it does not, 2 when that cannot be told.
#
# usage: running.sh [files]   with `files` it is not asked, and only what it leaves in its data directory is looked at
#
# environment, beside physical.sh's:
#   DATA_DIRECTORY   the server's data directory
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"

# It holds a lock on this file, which shows on the node where it runs.
if [ -e "$DATA_DIRECTORY/ibdata1" ] && command -v innochecksum >/dev/null; then
  innochecksum --end-page=0 "$DATA_DIRECTORY/ibdata1" >"$SCRATCH/lock.err" 2>&1 || :
  if grep -q 'Unable to lock' "$SCRATCH/lock.err"; then
    echo "a server has $DATA_DIRECTORY/ibdata1 open" >&2
    exit 0
  fi
fi

if [ "${1:-}" != files ]; then
  # Both images' entrypoints are written for bash. The client has one and the same number for a refusal and for silence.
  # shellcheck disable=SC2016 # bash's own
  connected=$(timeout 15 bash --norc -c 'exec 3<>"/dev/tcp/$0/$1"' "$SERVER_HOST" "$SERVER_PORT" 2>&1) && connected=yes || connected=$(printf '%s\n' "${connected:-timed out}" | head -n 1)
  if [ "$connected" = yes ]; then
    if answer=$(sql 'select 1' 2>&1); then
      echo "it answers at $SERVER_HOST" >&2
      exit 0
    fi
    connected=$(printf '%s\n' "$answer" | grep '^ERROR') || connected=$answer
  fi
  told=0
  connection_tells "$connected" || told=$?
  [ "$told" = 1 ] || exit "$told"
fi

# A server removes these files when it stops, and leaves them behind when it is killed.
left=$(find "$DATA_DIRECTORY" -maxdepth 1 \( -name '*.pid' -o -name '*.sock' -o -name '*.sock.lock' \) 2>/dev/null | head -n 1)
[ -n "$left" ] || exit 1
echo "${left##*/} is in the data directory: a server was started on it and is still running, unless it was killed" >&2
[ "${1:-}" = files ] || exit 2
# What was there when the restore was asked for is what the request knows of.
[ "${SERVER_IS_DOWN:-no}" != yes ] || [ -n "$(find "$left" -newer "$SCRATCH/manifest.json")" ] || exit 1
