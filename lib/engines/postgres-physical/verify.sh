#!/bin/sh
# Recovers the base backup, and all of the log that was archived since, in a server of its own, reachable through a socket in
# this container only, and checks it.
#
# environment, beside postgres.sh's and server.sh's: nothing
set -eu
MAINTENANCE_DATABASE=template1 UNTIL=latest
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/engines/postgres-physical/copy.sh
. "$BACKUP_HOME/engine/copy.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

server=$SCRATCH/server.data
trap 'pg_ctl -D "$server" -m immediate stop >/dev/null 2>&1 || :' EXIT
# A retried container finds what the last one left.
rm -rf "$server" "$server.parts" "$SCRATCH/wal" "$SCRATCH/log"
mkdir "$server"
restore_started=$(date +%s)
unpack_base "$server"
choose_target
recover "$server" "$throw_away"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log "recovered with $BATCHES batches of the log"

check_server

# Asked last: an assertion is the user's own statement, and may do anything to this server.
check_assertions query
