#!/bin/sh
# Reads the log that was stored since a recovery point was begun, batch by batch: a restore needs room for one batch only.
#
# usage: read-log.sh begin       lists what there is to read; prints the number of batches
#        read-log.sh next        fetches the next batch with the engine's `log-unpack`; exit 1 when there is none left
#        read-log.sh newest      fetches the newest batch, out of turn
#        read-log.sh about KEY   prints what every listed batch says of itself: ID TAB when it was stored TAB the text noted under KEY
#
# environment, beside lib.sh's:
#   POINT             the recovery point that is restored
#   UNTIL             how far a restore goes: where that is `latest` or `gap`, its verdict says that the log ended long ago
#   MAXIMUM_LOG_AGE   a log that was not stored until this many seconds ago fails the verification; empty or unset: it may be of any age
# A batch that holds something tells by that where something before it is missing. One that holds nothing does not: where what it was stored
# after is not there, and nothing came later, $SCRATCH/missing names the two.
# A batch that was stored before the recovery point was begun ended before it. The newest of those is read as well: the clocks of
# two nodes may differ, and within one second ids tell nothing of the order. For a recovery point of the future, whose id does not tell
# when it was begun, all of the log is read.
set -eu
export SERIES="$SERIES-log" SCRATCH="$SCRATCH/log"
mkdir -p "$SCRATCH"
# Why it failed is why the restore fails.
[ -e "$SCRATCH/outcome" ] || ln -s ../outcome "$SCRATCH/outcome"
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/log-order.sh
. "$BACKUP_HOME/shell/log-order.sh"

unpack() { # BATCH
  POINT=$1
  manifest_fetch "$POINT" || die "batch $POINT of the archived log cannot be read: $(repository_reason)"
  engine log-unpack || exit $?
}

note_missing() {
  manifest_about "$SCRATCH/manifest.json" | grep -qxF '"first":""' || { rm -f "$SCRATCH/missing"; return 0; }
  missing_after=$(manifest_field "$SCRATCH/manifest.json" after)
  [ -n "$missing_after" ] || return 0
  ! cut -d ' ' -f 1 "$SCRATCH/points.all" | grep -qxF -e "$missing_after" || return 0
  # What is older than all that is read may have been pruned.
  [ "$(printf '%s\n%s\n' "$missing_after" "$(head -n 1 "$SCRATCH/listed")" | LC_ALL=C sort | tail -n 1)" = "$missing_after" ] || return 0
  printf '%s, after which %s was stored' "$missing_after" "$1" >"$SCRATCH/missing"
}

# An archive that receives nothing has nothing to store, and looks like that of a server that writes nothing.
judge_age() {
  until=
  newest=$(tail -n 1 "$SCRATCH/listed")
  if [ -n "$newest" ]; then
    manifest_fetch "$newest" || die "batch $newest of the archived log cannot be read: $(repository_reason)"
    until=$(manifest_about "$SCRATCH/manifest.json" | sed -n 's/^"until":"\(.*\)"$/\1/p')
    # A clock that was ahead tells nothing.
    ! is_after "${until:-0}" "$(date -u -d "@$(($(date +%s) + CLOCK_TOLERANCE))" +%Y-%m-%dT%H:%M:%SZ)" || until=
    log "the archived log holds what the server wrote until ${until:-a moment that no batch names}"
  fi
  tell_end
  [ -n "${MAXIMUM_LOG_AGE:-}" ] || return 0
  # A repository of many series is there before the first batch.
  [ -n "$newest" ] || die "no log has been archived since this recovery point, although a log archive should be running: check the Deployment $SERIES"
  is_after "${until:-0}" "$(date -u -d "@$(($(date +%s) - MAXIMUM_LOG_AGE))" +%Y-%m-%dT%H:%M:%SZ)" ||
    die "the archived log holds what the server wrote until ${until:-a moment that no batch names}, more than $MAXIMUM_LOG_AGE s ago (maximumLogAge): anything later cannot be restored. Check the log of the Deployment $SERIES"
}

# Whoever restores all that there is has to know of when it is. Of an archive that was at work until lately that is what they expect.
tell_end() {
  { [ "${OPERATION:-}" = restore ] && [ -s "$SCRATCH/points.all" ]; } || return 0
  case ${UNTIL:-latest} in latest | gap) ;; *) return 0 ;; esac
  if [ -z "$newest" ]; then
    remark "no log has been archived since recovery point $POINT was started: nothing that the server wrote after it comes back"
  elif ! is_after "${until:-0}" "$(date -u -d "@$(($(date +%s) - CLOCK_TOLERANCE))" +%Y-%m-%dT%H:%M:%SZ)"; then
    remark "the archived log holds what the server wrote until ${until:-a moment that no batch names}: nothing that it wrote later, and after recovery point $POINT, comes back"
  fi
}

case $1 in
  begin)
    : >"$SCRATCH/batches"
    rm -f "$SCRATCH/missing"
    repository_open read && open_rc=0 || open_rc=$?
    # No log was ever archived: that is for the caller to judge.
    [ "$open_rc" != 10 ] || {
      [ -z "${MAXIMUM_LOG_AGE:-}" ] || die "no log has ever been archived, although a log archive should be running: check the Deployment $SERIES"
      echo 0
      exit 0
    }
    [ "$open_rc" = 0 ] || die "the archived log cannot be read: $(repository_reason)"
    list_all_points
    order_batches "$SCRATCH/points.all" manifest_fetch
    POINT=$POINT awk -v begins="$(future_begins)" '
      BEGIN { from = substr(ENVIRON["POINT"], 1, 16); if (from "" > begins "") from = "" }
      substr($1, 1, 16) "" < from "" { before = $3; next }
      before != "" { print before; before = "" }
      { print $3 }
      END { if (before != "") print before }' "$SCRATCH/ordered" >"$SCRATCH/batches"
    cp "$SCRATCH/batches" "$SCRATCH/listed"
    judge_age
    wc -l <"$SCRATCH/batches" | tr -d ' '
    ;;
  next)
    batch=$(head -n 1 "$SCRATCH/batches")
    [ -n "$batch" ] || exit 1
    repository_open read || die "$(repository_reason)"
    unpack "$batch"
    note_missing "$batch"
    sed 1d "$SCRATCH/batches" >"$SCRATCH/batches.rest"
    mv "$SCRATCH/batches.rest" "$SCRATCH/batches"
    ;;
  newest)
    batch=$(tail -n 1 "$SCRATCH/batches")
    [ -n "$batch" ] || exit 1
    repository_open read || die "$(repository_reason)"
    unpack "$batch"
    ;;
  about)
    [ -s "$SCRATCH/listed" ] || exit 0
    repository_open read || die "$(repository_reason)"
    while read -r batch <&7; do
      manifest_fetch "$batch" || die "batch $batch of the archived log cannot be read: $(repository_reason)"
      printf '%s\t%s\t%s\n' "$batch" "$(manifest_field "$SCRATCH/manifest.json" finished)" "$(manifest_about "$SCRATCH/manifest.json" | sed -n "s/^\"$2\":\"\(.*\)\"\$/\1/p")"
    done 7<"$SCRATCH/listed"
    ;;
esac
