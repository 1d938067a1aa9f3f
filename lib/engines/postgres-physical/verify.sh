#!/bin/sh
# Recovers the base backup, and all of the log that was archived since, in a server of its own, reachable through a socket in
# this container only, and checks it.
#
# environment, beside postgres.sh's:
#   JOBS    parallel jobs of pg_amcheck
set -eu
MAINTENANCE_DATABASE=template1 UNTIL=latest
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/engines/postgres-physical/copy.sh
. "$BACKUP_HOME/engine/copy.sh"
# shellcheck source=lib/shell/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

server=$SCRATCH/server.data
trap 'pg_ctl -D "$server" -m immediate stop >/dev/null 2>&1 || :' EXIT
# A retried container finds what the last one left.
rm -rf "$server" "$server.parts" "$SCRATCH/wal" "$SCRATCH/log"
mkdir "$server"
restore_started=$(date +%s)
unpack_base "$server"
choose_target
# Durability is worth nothing to a server that lives for minutes, and costs most of the time.
recover "$server" 'fsync = off' 'synchronous_commit = off' 'full_page_writes = off'
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log "recovered with $BATCHES batches of the log"

ask -c 'select datname from pg_database where datallowconn' >"$SCRATCH/databases"
attempt 'pg_amcheck' pg_amcheck --all --install-missing --heapallindexed --jobs "$JOBS" --maintenance-db template1 >&2

# Asked last: an assertion is the user's own statement, and may do anything to this server.
query() { psql -XAtq --no-password -v ON_ERROR_STOP=1 -d "$1" -f -; }
check_assertions query
