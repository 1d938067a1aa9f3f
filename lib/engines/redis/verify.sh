#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, and checks it.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

# A retried container finds what the last one left.
rm -rf "$SCRATCH/server"
mkdir "$SCRATCH/server"
restore_started=$(date +%s)
fetch dump.rdb "$SCRATCH/server/$DUMP_FILE"
start_scratch_server "$SCRATCH/server" no
outcome restoreSeconds "$(($(date +%s) - restore_started))"
check_scratch_server
log "all keys are back; the digest of their content is $digest"

# Asked last: an assertion is the user's own statement, and may do anything to this server.
check_scratch_assertions
stop_scratch_server
