#!/bin/sh
# The first process of a log archive's pod: keeps the engine's log coming in, and stores what has come in, for as long as the
# pod lives.
#
# Two operations take turns, each with a verdict of its own by run.sh: `follow`, which receives the server's log into the spool
# and is started again whenever it ends, and `archive`, which stores one batch of it as a recovery point of the series
# <series>-log. What is received is on the spool's volume; it is removed from there only when it is stored.
#
# environment, beside lib.sh's and the engine's:
#   SPOOL           the directory on a volume that outlives the pod
#   ARCHIVE_EVERY   seconds between two batches
# Told to stop, it stops receiving, stores what there is, and ends.
set -eu
umask 077
: "${BACKUP_HOME:=/opt/backup}" "${SCRATCH:=/scratch}"
export BACKUP_HOME SCRATCH
mkdir -p "$SCRATCH/follow" "$SCRATCH/archive"
# The shell's own child, so that a signal reaches it.
run() { # OPERATION
  SCRATCH=$SCRATCH/$1
  export SCRATCH
  exec sh "$BACKUP_HOME/shell/run.sh" "$1"
}

# Of a batch that was cut short, the next one begins anew. Several batches follow each other while there is much to store.
archive() {
  while :; do
    rm -f "$SCRATCH/archive/more"
    (run archive) || return 1
    [ -e "$SCRATCH/archive/more" ] || break
  done
  : >"$SCRATCH/healthy"
}

stopping=
trap 'stopping=yes' TERM INT
follower=
last=0
while [ -z "$stopping" ]; do
  if [ -z "$follower" ] || ! kill -0 "$follower" 2>/dev/null; then
    (run follow) &
    follower=$!
  fi
  sleep 2 &
  wait $! || :
  [ -z "$stopping" ] || break
  # A follower that has ended is no reason not to store what it brought, but no success either.
  if [ "$(($(date +%s) - last))" -ge "$ARCHIVE_EVERY" ]; then
    last=$(date +%s)
    archive || :
    kill -0 "$follower" 2>/dev/null || rm -f "$SCRATCH/healthy"
  fi
done
kill "$follower" 2>/dev/null || :
wait "$follower" || :
archive
