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
# $SCRATCH/healthy says, for log-healthy.sh, at which second of the machine's uptime it was asked for what is stored: what the server had
# written by then is in the repository. The clock may be set back, and would tell of an archive that is well for as long.
# Told to stop, it stores what there is, stops receiving, stores what has come meanwhile, and ends.
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

# A copy of the pod refuses once and ends, so that it is started again the more seldom.
case ${MADE_FOR_NAMESPACE:-} in '' | "${POD_NAMESPACE:-}") ;; *) run follow ;; esac

# Of a batch that was cut short, the next one begins anew. Several batches follow each other while there is much to store.
archive() { # PATIENCE
  while :; do
    rm -f "$SCRATCH/archive/more" "$SCRATCH/archive/confirmed" "$SCRATCH/archive/anew"
    (export ARCHIVE_PATIENCE="$1"; run archive) || return 1
    # A server whose log was reset sends nothing to whoever reads the one of before.
    [ ! -e "$SCRATCH/archive/anew" ] || kill "$follower" 2>/dev/null || :
    [ ! -e "$SCRATCH/archive/confirmed" ] || mv "$SCRATCH/archive/confirmed" "$SCRATCH/healthy"
    [ -e "$SCRATCH/archive/more" ] || break
  done
}

# Whom the server refuses comes again after minutes: each try may bring the account nearer to its lock.
PATIENCE=300

uptime() { cut -d . -f 1 /proc/uptime; }

stopping=
trap 'stopping=yes' TERM INT
follower=
last='' next=0
while [ -z "$stopping" ]; do
  if [ -n "$follower" ] && ! kill -0 "$follower" 2>/dev/null; then
    wait "$follower" && follow_rc=0 || follow_rc=$?
    follower=
    [ "$follow_rc" != 78 ] || next=$(($(uptime) + PATIENCE))
  fi
  if [ -z "$follower" ] && [ "$(uptime)" -ge "$next" ]; then
    (run follow) &
    follower=$!
  fi
  sleep 2 &
  wait $! || :
  [ -z "$stopping" ] || break
  # A follower that has ended is no reason not to store what it brought.
  if [ -z "$last" ] || [ "$(($(uptime) - last))" -ge "$ARCHIVE_EVERY" ]; then
    last=$(uptime)
    # Nothing comes from one that has ended, and it is to be started again.
    patience=0
    ! kill -0 "$follower" 2>/dev/null || patience=12
    archive "$patience" || :
  fi
done
archive 3 || :
if [ -n "$follower" ]; then
  kill "$follower" 2>/dev/null || :
  wait "$follower" || :
fi
archive 0
