#!/bin/sh
# Makes a data directory that the server loads whether it runs with `appendonly yes` or `no`, and puts it in the old one's place.
#
# A server with `appendonly yes` reads its append-only files and nothing else: beside a dump alone it starts empty. So a
# scratch server loads the dump and writes the append-only files from it, and another one proves that they hold the same.
#
# Whatever else is in the directory stays there: without nodes.conf the node of a cluster does not know who it is and which slots are
# its own, and without its aclfile a server does not start.
#
# environment, beside redis.sh's and data-directory.sh's: none
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

# From here on there is nothing but scratch servers, which have no password.
unset REDISCLI_AUTH

# A replica begins with all that its master has, and nothing of its own.
for node_file in $(node_files); do
  ! grep -qE '^[0-9a-f]{40} .*myself,slave' "$node_file" ||
    refuse "${node_file##*/} says that this node is a replica, and its master would replace its data at the start: restore the volume of the primary; nothing was changed"
done
# What the server loads has other names than what would be restored: it would start without it. A server with append-only files looks at no
# dump, whatever that is called.
if [ ! -e "$DATA_DIRECTORY/$APPEND_DIRECTORY/$APPEND_FILE.manifest" ] && [ ! -e "$DATA_DIRECTORY/$APPEND_FILE" ]; then
  for other in "$DATA_DIRECTORY"/*.aof "$DATA_DIRECTORY"/*/*.manifest "$DATA_DIRECTORY"/*.rdb; do
    case ${other##*/} in
      '*'* | temp-*) continue ;;
      *.rdb) [ ! -e "$DATA_DIRECTORY/$DUMP_FILE" ] || continue ;;
    esac
    refuse "the data directory holds ${other#"$DATA_DIRECTORY/"}, and no $APPEND_DIRECTORY/$APPEND_FILE.manifest$([ -e "$DATA_DIRECTORY/$DUMP_FILE" ] || printf ' nor %s' "$DUMP_FILE"): the server uses other file names. Set dumpFile, appendFile and appendDirectory to its dbfilename, appendfilename and appenddirname, or move away files that it does not use; nothing was changed"
  done
fi

stage_data_directory
trap 'rm -rf "$STAGING"' EXIT
restore_started=$(date +%s)
fetch dump.rdb "$STAGING/$DUMP_FILE"
start_scratch_server "$STAGING" no
check_scratch_server
from_dump=$digest
# Which the digest does not know of.
functions_of() { scratch function dump 2>/dev/null | sha256sum; }
functions=$(functions_of)

info() { scratch info persistence | tr -d '\r' | sed -n "s/^$1://p"; }
attempt 'switching the append-only files on' scratch -e config set appendonly yes >/dev/null
while [ "$(info aof_rewrite_in_progress)$(info aof_rewrite_scheduled)" != 00 ]; do sleep 0.1; done
[ "$(info aof_enabled) $(info aof_last_bgrewrite_status)" = '1 ok' ] || {
  server_words
  die "the append-only files could not be written: $(last_words "$SCRATCH/server.words" 1)"
}
stop_scratch_server

start_scratch_server "$STAGING" yes
check_scratch_server
[ "$digest" = "$from_dump" ] || die "the append-only files differ from the dump (digest $digest, not $from_dump)"
[ "$(functions_of)" = "$functions" ] || die 'the append-only files lack functions that the dump holds'
stop_scratch_server
log "the dump and the append-only files hold the same; the digest of their content is $digest"

data_held | while IFS= read -r entry; do
  name=${entry##*/}
  case $name in "$DUMP_FILE" | "$APPEND_FILE"* | "$APPEND_DIRECTORY" | *.rdb | *.aof | temp-* | *.pid) continue ;; esac
  if [ -d "$entry" ]; then
    # What a server is started with may be here, too: modules, certificates. Links, where there can be, as there is no saying how much it is.
    cp -Rpl "$entry" "$STAGING/$name" 2>/dev/null || { rm -rf "$STAGING/${name:?}" && cp -Rp "$entry" "$STAGING/$name"; } || exit 1
  elif [ -f "$entry" ]; then
    cp -p "$entry" "$STAGING/$name" || exit 1
  else
    continue
  fi
  log "$name stays as it is"
done || die 'the other files of the data directory could not be kept'
swap_data_directory
trap - EXIT
outcome restoreSeconds "$(($(date +%s) - restore_started))"
