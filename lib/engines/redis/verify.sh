#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, and checks it.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/assertions.sh
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

# Asked last: an assertion is the user's own statement, and may do anything to this server. It sees what a restored server
# would hold: keys whose time has run out are gone.
scratch replicaof no one >/dev/null
ask() { # DATABASE: a command as one types it to redis-cli; the lines that redis-cli --raw answers, joined by spaces
  asked=$(sed 's/;$//' | scratch -e --raw -n "$1") || return 1
  printf '%s' "$asked" | tr '\n' ' '
}
check_assertions ask
stop_scratch_server
