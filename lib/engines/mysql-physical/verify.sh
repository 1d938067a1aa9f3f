#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, with all of the log
# that was archived since, and checks it.
set -eu
UNTIL=latest
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
# shellcheck source=lib/engines/mysql-physical/replay.sh
. "$BACKUP_HOME/engine/replay.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

trap kill_scratch_server EXIT
# A retried container finds what the last one left.
rm -rf "$SCRATCH/data" "$SCRATCH"/server.* "$SCRATCH/log"
mkdir "$SCRATCH/data"
restore_started=$(date +%s)
unpack "$SCRATCH/data"
choose_target
start_scratch_server "$SCRATCH/data"
compare_scratch_server
replay
outcome restoreSeconds "$(($(date +%s) - restore_started))"
check_scratch_server

# Asked last: an assertion is the user's own statement, and may do anything to this server.
check_assertions ask
