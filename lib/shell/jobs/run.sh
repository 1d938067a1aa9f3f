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
#   SCRATCH_OUTLIVES   `yes`: the scratch volume is there for as long as the pod is kept, and is emptied when the operation has ended
#   OPERATION_FOLDER   where the operation's script is below BACKUP_HOME, where it is not `shell`
#   VERDICT_BYTES      the longest that the line may be: what is kept of a termination message is less where containers are many
set -eu
umask 077
: "${BACKUP_HOME:=/opt/backup}" "${SCRATCH:=/scratch}" "${TERMINATION_LOG:=/dev/termination-log}" "${VERDICT_BYTES:=4096}"
export BACKUP_HOME SCRATCH OPERATION="$1"
step=${2:-$OPERATION}
script=$BACKUP_HOME/${OPERATION_FOLDER:-shell}/$step.sh
# Messages are matched and logged, so they must not be translated; C.UTF-8 keeps names that are not ASCII whole.
export LC_ALL=C.UTF-8 TZ=UTC HOME="$SCRATCH" TMPDIR="$SCRATCH"

rm -rf "${SCRATCH:?}/outcome"
mkdir -p "$SCRATCH/outcome"
# Room for the last words of a run that fills its scratch volume; lib.sh gives it back when something fails.
dd if=/dev/zero of="$SCRATCH/reserve" bs=1024 count=128 2>/dev/null || :

noted() { # NAME DEFAULT: what the operation noted with `outcome`
  if [ -s "$SCRATCH/outcome/$1" ]; then cat "$SCRATCH/outcome/$1"; else printf %s "$2"; fi
}

# A number of JSON: what a repository or a workbench says is no reason for a verdict that nobody can read.
number() { # NAME DEFAULT
  case $(noted "$1" "$2") in '' | 0?* | *[!0-9]*) printf %s "$2" ;; *) noted "$1" "$2" ;; esac
}

# Text as the inside of a string of JSON, in at most so many bytes. By bytes and as numbers, since what awk and sed take for a character
# is another thing in every image: cut is between two characters, and what is no UTF-8 is a question mark.
json_text() { # BYTES, with the text on stdin
  printf %b "$(od -An -v -tu1 | awk -v limit="$1" '
    { for (i = 1; i <= NF; i++) byte[++count] = $i }
    function continues(at, from, to) { return byte[at] >= from && byte[at] <= to }
    END {
      for (i = 1; i <= count; i += size) {
        first = byte[i]
        if (first == 9 || first == 10 || first == 13) first = byte[i] = 32
        size = first < 128 ? 1 : first < 194 ? 0 : first < 224 ? 2 : first < 240 ? 3 : first < 245 ? 4 : 0
        if (size > 1 && !continues(i + 1, first == 224 ? 160 : first == 240 ? 144 : 128, first == 237 ? 159 : first == 244 ? 143 : 191)) size = 0
        for (j = 2; j < size; j++) if (!continues(i + j, 128, 191)) size = 0
        if (size == 0) { size = 1; first = byte[i] = 63 }
        if (first < 32 || first == 127) continue
        escape = first == 34 || first == 92
        if (used + escape + size > limit - 3) last = last == "" ? text "..." : last
        if (used + escape + size > limit) break
        used += escape + size
        if (escape) text = text "\\\\"
        for (j = 0; j < size; j++) text = text sprintf("\\0%03o", byte[i + j])
        if (first != 32) kept = length(text)
      }
      printf "%s", i <= count ? last : substr(text, 1, kept)
    }')"
}

caveats() { # what a good verdict does not cover, each said once
  [ -s "$SCRATCH/outcome/caveats" ] || return 0
  awk '!seen[$0]++ { printf "%s%s", separator, $0; separator = "; " }' "$SCRATCH/outcome/caveats"
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
    reason='told to stop (a deadline passed, or the pod was deleted, drained or evicted: the status of the Job and of the pod says which)'
    case $OPERATION$([ ! -s "$SCRATCH/outcome/publishing" ] || echo ' publishing') in
      'backup publishing') reason="$reason: it was publishing: the recovery point is there as a whole or not at all, and earlier ones are untouched" ;;
      backup) reason="$reason: this run published nothing, and earlier recovery points are untouched" ;;
      mirror) reason="$reason: complete copies are in the mirror, and the next run continues" ;;
      prune) reason="$reason: the next run prunes what the log does not list as pruned" ;;
      restore) reason="$reason: whatever the log does not list as restored is unchanged" ;;
    esac
    # A store that refuses is asked again until the time is over: what it said last is why.
    sed -n 's/.*returned error, retrying after [^:]*: //p' "$SCRATCH/repository.err" 2>/dev/null | tail -n 1 >"$SCRATCH/outcome/said" || :
    [ ! -s "$SCRATCH/outcome/said" ] || reason="$reason; the repository said: $(noted said '')"
  else
    reason=$(noted reason "ended with exit code $1 $(noted unexplained 'without giving a reason; read the log above')")
    case $(cat "$SCRATCH/outcome/full" 2>/dev/null)$(df -Pk "$SCRATCH" 2>/dev/null | awk 'NR == 2 { print ($4 < 8) }'):$reason in
      *'o space left'* | 0:* | :*) ;;
      *) reason="$reason; the scratch volume is full (scratch)" ;;
    esac
    # It is told once, and this run has taken the note of it away.
    killed=$(grep ' gave no verdict: ' "$SCRATCH/outcome/caveats" 2>/dev/null | head -n 1) || :
    reason=$reason${killed:+; besides, $killed}
  fi
  line=$(printf '{"what":"%s","series":"%s","id":"%s","bytes":%s,"seconds":%s,"restoreSeconds":%s,"verdict":"%s","reason":"' \
    "$OPERATION" "$(printf %s "${SERIES:-}" | json_text 253)" "$(noted id '' | json_text 253)" "$(number bytes 0)" \
    "$(($(date +%s) - started))" "$(number restoreSeconds null)" "$verdict")
  line=$line$(printf %s "$reason" | json_text $((VERDICT_BYTES - $(printf %s "$line" | wc -c) - 3)))'"}'
  printf '%s\n' "$line"
  # A log that cannot be written is no reason to fail a good backup.
  printf '%s\n' "$line" >"$TERMINATION_LOG" 2>/dev/null || :
}

started=$(date +%s) stopped=
# Their ConfigMap is gone, as a deploy tool prunes what is no longer in Git: without assertions a verification would be a lesser one.
for folder in "$BACKUP_HOME"/*/; do
  [ -z "$(ls "$folder")" ] || continue
  folder=${folder%/}
  printf 'the scripts %s are gone: their ConfigMap was deleted while this job was running; the next run has its own' "${folder##*/}" >"$SCRATCH/outcome/reason"
  report 1
  exit 1
done
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
  stopped=yes
  kill -TERM "-$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null || :
}
trap stop TERM INT
while :; do
  wait "$child" && rc=0 || rc=$?
  # `wait` also returns when a trap ran; the verdict is the child's own end.
  kill -0 "$child" 2>/dev/null || break
done
[ -z "$stopped" ] || [ "$rc" != 0 ] || stopped= # it had finished before the signal came
# Somebody else's signal is no refusal, whatever the operation made of it.
[ -z "$stopped" ] || [ "$rc" != 78 ] || rc=143
# What is published is published: whatever ended the pruning after it does not make the backup a failed one.
if [ -s "$SCRATCH/outcome/published" ] && [ "$rc" != 0 ]; then
  echo "the recovery point is published, but the steps after that did not finish${stopped:+, as the run was told to stop}: the next run prunes" >>"$SCRATCH/outcome/caveats"
  rc=0
fi
# A step that went well leaves the verdict to the operation, and a look that found nothing to do has none.
if [ "$rc" != 0 ] || { [ "$step" = "$OPERATION" ] && [ ! -s "$SCRATCH/outcome/quiet" ]; }; then report "$rc"; fi
# Whoever waits for this container, in the other one of its pod, need not wait any more.
[ -z "${RELAY:-}" ] || [ "$step" != "$OPERATION" ] || : >"$RELAY/over"
# The next run need not say that this one gave none (lib.sh's `begin_run`).
[ ! -s "$SCRATCH/outcome/note" ] || rm -f "$(cat "$SCRATCH/outcome/note")" || :
# What was restored into it is production's data. A step before the operation has brought what that needs.
if [ "${SCRATCH_OUTLIVES:-no}" = yes ] && [ "$step:$rc" != prepare:0 ]; then
  # What was started and left behind would go on writing.
  kill -KILL "-$child" 2>/dev/null || :
  for left in "${SCRATCH:?}"/* "${SCRATCH:?}"/.[!.]*; do
    # The file system's own, and root's.
    [ "${left##*/}" != lost+found ] || continue
    rm -rf "$left" || echo 'WARNING: the scratch volume could not be emptied: delete the pod, which deletes its claim too' >&2
  done
fi
exit "$rc"
