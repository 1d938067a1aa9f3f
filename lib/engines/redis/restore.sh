#!/bin/sh
# Makes a data directory that the server loads whether it runs with `appendonly yes` or `no`, and puts it in the old one's place.
#
# A server with `appendonly yes` reads its append-only files and nothing else: beside a dump alone it starts empty. So a
# scratch server loads the dump and writes the append-only files from it, and another one proves that they hold the same.
#
# environment, beside redis.sh's and data-directory.sh's: none
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

# A server that refuses these credentials is running, too.
answer=$(CLI_TIMEOUT=15 cli ping 2>&1) || :
case $answer in
  '' | *'Could not connect'*) ;;
  *) refuse "the $ENGINE server at $REDIS_HOST answers ($(printf '%s' "$answer" | tail -n 1)): scale it to zero first; nothing was changed" ;;
esac
# From here on there is nothing but scratch servers, which have no password.
unset REDISCLI_AUTH

stage_data_directory
trap 'rm -rf "$STAGING"' EXIT
restore_started=$(date +%s)
fetch dump.rdb "$STAGING/$DUMP_FILE"
start_scratch_server "$STAGING" no
check_scratch_server
from_dump=$digest

info() { scratch info persistence | tr -d '\r' | sed -n "s/^$1://p"; }
attempt 'switching the append-only files on' scratch -e config set appendonly yes >/dev/null
while [ "$(info aof_rewrite_in_progress)$(info aof_rewrite_scheduled)" != 00 ]; do sleep 0.1; done
[ "$(info aof_enabled) $(info aof_last_bgrewrite_status)" = '1 ok' ] ||
  die "the append-only files could not be written: $(last_words "$SCRATCH/server.log" 1)"
stop_scratch_server

start_scratch_server "$STAGING" yes
check_scratch_server
[ "$digest" = "$from_dump" ] || die "the append-only files do not hold what the dump holds (digest $digest, not $from_dump)"
stop_scratch_server
log "the dump and the append-only files hold the same; the digest of their content is $digest"

swap_data_directory
trap - EXIT
outcome restoreSeconds "$(($(date +%s) - restore_started))"
