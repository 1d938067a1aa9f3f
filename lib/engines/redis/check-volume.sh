#!/bin/sh
# Starts a server on a volume of another one, which loads what that one would load, and checks it.
#
# environment, beside redis.sh's:
#   DATA_DIRECTORY   the data directory; it may be written, and is thrown away
#   ALLOW_EMPTY      `yes`: a server without a key is no reason to fail
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"
data=$DATA_DIRECTORY

# Up to Redis 6 the append-only file is one, beside the dump; a server of today takes it over.
if [ -e "$data/$APPEND_DIRECTORY/$APPEND_FILE.manifest" ] || [ -e "$data/$APPEND_FILE" ]; then
  append=yes
  log "loading the append-only files, as a server with appendonly yes does"
else
  append=no
  [ -e "$data/$DUMP_FILE" ] ||
    refuse "there is neither $APPEND_DIRECTORY nor $DUMP_FILE, from which a $PROGRAM server loads its data; it holds: $(held_names 10). If the data is in a directory of the volume, set path to it"
  log "loading $DUMP_FILE: there are no append-only files"
fi

restore_started=$(date +%s)
start_scratch_server "$data" "$append"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
# A crash may cut off the last command, which the server then leaves out.
grep -iE 'truncat|short read' "$SCRATCH/server.log" >&2 || :
count_scratch_server
log "loaded: $(tr '\n' ' ' <"$SCRATCH/facts")"
! grep -q '^"keys":0$' "$SCRATCH/facts" || [ "$ALLOW_EMPTY" = yes ] || die 'the server holds no key (if that is right, set allowEmpty)'

# Asked last: an assertion is the user's own statement, and may do anything to this server.
check_scratch_assertions
stop_scratch_server
