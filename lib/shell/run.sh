#!/bin/sh
# The first process of every job's pod: runs one operation and gives the one verdict.
#
# usage: run.sh backup|verify|restore|mirror|prune|follow|archive|snapshot|... [prepare]
#
# With a second word that step of the operation is run, in a container before the one that runs the operation. It gives the
# verdict when it fails, as nothing comes after it then; otherwise it says nothing.
#
# Whatever happens to the operation (it fails, it is told to stop, a child is killed), one JSON line goes to stdout and to
# the termination message, of the same shape for all jobs:
#   {"what","series","id","bytes","seconds","restoreSeconds","verdict","reason"}
# verdict is published, verified, restored, mirrored, pruned or succeeded on success, and failed otherwise. On success reason is empty, or
# names what the verdict does not cover (lib.sh's `caveat`): what was left out, not seen, or not compared.
#
# Exit codes: 0 success; 78 a failure that no retry can mend (the Job's podFailurePolicy stops there); others: may be retried.
#
# environment, beside lib.sh's:
#   OPERATION_FOLDER   where the operation's script is below BACKUP_HOME, where it is not `shell`
set -eu
umask 077
: "${BACKUP_HOME:=/opt/backup}" "${SCRATCH:=/scratch}" "${TERMINATION_LOG:=/dev/termination-log}"
export BACKUP_HOME SCRATCH OPERATION="$1"
step=${2:-$OPERATION}
script=$BACKUP_HOME/${OPERATION_FOLDER:-shell}/$step.sh
# Messages are matched and logged, so they must not be translated; C.UTF-8 keeps names that are not ASCII whole.
export LC_ALL=C.UTF-8 TZ=UTC HOME="$SCRATCH" TMPDIR="$SCRATCH"

rm -rf "${SCRATCH:?}/outcome"
mkdir -p "$SCRATCH/outcome"
# Room for the last words of a run that fills its scratch volume; lib.sh gives it back when something fails.
dd if=/dev/zero of="$SCRATCH/reserve" bs=1024 count=128 2>/dev/null || :

field() { # NAME DEFAULT: what the operation noted with `outcome`, as one JSON-safe line
  if [ -s "$SCRATCH/outcome/$1" ]; then
    # Cut by characters, before anything is escaped: half a character, or half an escape, is no JSON.
    tr '\n\t' '  ' <"$SCRATCH/outcome/$1" | tr -d '\000-\037\177' |
      sed -e 's/^\(.\{1500\}\).*/\1/' -e 's/ *$//' -e 's/\\/\\\\/g' -e 's/"/\\"/g'
  else
    printf %s "$2"
  fi
}

caveats() { # what a good verdict does not cover, each said once
  [ -s "$SCRATCH/outcome/caveats" ] || return 0
  awk '!seen[$0]++ { printf "%s%s", separator, $0; separator = "; " }' "$SCRATCH/outcome/caveats" >"$SCRATCH/outcome/caveats.line"
  field caveats.line ''
}

report() { # EXIT-CODE
  case $1:$OPERATION in
    0:backup | 0:archive) verdict=published ;;
    0:verify) verdict=verified ;;
    0:restore) verdict=restored ;;
    0:mirror) verdict=mirrored ;;
    0:prune) verdict=pruned ;;
    0:snapshot) verdict=published ;;
    0:*) verdict=succeeded ;;
    *) verdict=failed ;;
  esac
  if [ "$1" = 0 ]; then
    reason=$(caveats)
  elif [ -n "$stopped" ]; then
    reason="stopped by SIG$stopped (a deadline passed, or the pod was deleted)"
    case $OPERATION in
      backup) reason="$reason: nothing was published by this run, earlier recovery points are untouched" ;;
      mirror) reason="$reason: what was copied whole is in the mirror, and the next run goes on" ;;
      prune) reason="$reason: what the log does not call pruned goes with the next run" ;;
      restore) reason="$reason: what the log does not call restored is as it was" ;;
    esac
    # A store that refuses is asked again until the time is over: what it said last is why.
    sed -n 's/.*returned error, retrying after [^:]*: //p' "$SCRATCH/repository.err" 2>/dev/null | tail -n 1 >"$SCRATCH/outcome/said" || :
    [ ! -s "$SCRATCH/outcome/said" ] || reason="$reason; the repository said: $(field said '')"
  else
    reason=$(field reason "ended with exit code $1 without saying why; read the log above")
  fi
  line=$(printf '{"what":"%s","series":"%s","id":"%s","bytes":%s,"seconds":%s,"restoreSeconds":%s,"verdict":"%s","reason":"%s"}' \
    "$OPERATION" "${SERIES:-}" "$(field id '')" "$(field bytes 0)" "$(($(date +%s) - started))" "$(field restoreSeconds null)" "$verdict" "$reason")
  printf '%s\n' "$line"
  # A log that cannot be written is no reason to fail a good backup.
  printf '%s\n' "$line" >"$TERMINATION_LOG" 2>/dev/null || :
}

started=$(date +%s) stopped=
# A session of its own: one signal then reaches the client, restic and every pipe between them, so that locks are given back.
if command -v setsid >/dev/null; then
  setsid sh "$script" &
  child=$!
else
  # An image without util-linux has bash for sh, whose job control gives a process group, which is as good.
  set -m
  sh "$script" &
  child=$!
  set +m
fi
# shellcheck disable=SC2317 # called by the traps
stop() {
  stopped=$1
  kill -TERM "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null || :
}
trap 'stop TERM' TERM
trap 'stop INT' INT
while :; do
  wait "$child" && rc=0 || rc=$?
  # `wait` also returns when a trap ran; the verdict is the child's own end.
  kill -0 "$child" 2>/dev/null || break
done
[ -z "$stopped" ] || [ "$rc" != 0 ] || stopped= # it had finished before the signal came
# What is published is published: whatever ended the pruning after it does not make the backup a failed one.
[ ! -s "$SCRATCH/outcome/published" ] || rc=0
# A step that went well leaves the verdict to the operation, and a look that found nothing to do has none.
if [ "$rc" != 0 ] || { [ "$step" = "$OPERATION" ] && [ ! -s "$SCRATCH/outcome/quiet" ]; }; then report "$rc"; fi
exit "$rc"
