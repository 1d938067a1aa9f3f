#!/bin/sh
# Copies recovery points into another repository: those that it has not, and that its own retention would keep. Then it prunes there.
# An archived log is copied along with them.
#
# environment: lib.sh's (for the repository that is copied to), source.sh's and retention.sh's
# A recovery point is whole there or it is none; what was copied stays, whatever becomes of the run. Nothing is removed there
# because the source has lost it. Recovery points of the future are not copied: their clock was wrong, and may be put right.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/retention.sh
. "$BACKUP_HOME/shell/retention.sh"
# shellcheck source=lib/shell/lib/copy.sh
. "$BACKUP_HOME/shell/copy.sh"

# What is worth copying: what pruning would drop again is not.
choose() {
  both >"$SCRATCH/both"
  decide "$SCRATCH/both" ||
    die 'the lists of recovery points of the two repositories cannot be read'
  sed -n 's/^keep \([^ ]*\) .*future$/\1/p' "$SCRATCH/retention" >"$SCRATCH/future"
  name_future "$SCRATCH/future"
  kept >"$SCRATCH/kept"
  not_here "$SCRATCH/kept" >"$SCRATCH/missing"
  but_for "$SCRATCH/future" "$SCRATCH/missing" >"$SCRATCH/wanted"
  [ "${CHAINS:-no}" = yes ] || return 0
  cp "$SCRATCH/wanted" "$SCRATCH/building"
  while read -r choose_point <&7; do
    # One that cannot be read is found again, and named, when its turn comes.
    from manifest "$choose_point" 2>/dev/null || continue
    manifest_field "$SCRATCH/source/manifest.json" needs | tr ' ' '\n' >"$SCRATCH/needed"
    not_here "$SCRATCH/needed" >>"$SCRATCH/wanted"
  done 7<"$SCRATCH/building"
}

list_both
begin_run
choose
copy_points "$SCRATCH/wanted"
list_all_points
POINT=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
export POINT
outcome id "$POINT"
if [ -z "$POINT" ]; then
  name_left_out
  # What is of the future there was not copied.
  if [ -s "$SCRATCH/points.future" ] || [ -s "$SCRATCH/future" ]; then
    refuse "series $SERIES has only recovery points dated in the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ): correct the clock that is wrong"
  fi
  refuse "series $SERIES has no recovery point in the source repository: nothing was copied, and the mirror is empty. Has the backup ever run, into that repository and under that name?"
fi
rm -f "$SCRATCH/repository.reason"
prune || remark "pruning failed; the copies are published, and the next run prunes again. $(cat "$SCRATCH/repository.reason" 2>/dev/null)"
tell_future "$SCRATCH/source.points" "$SCRATCH/source.present" "$SCRATCH/source.future"
log "the newest recovery point of the mirror is $POINT; the newest of the source is $(LC_ALL=C sort "$SCRATCH/source.present" | tail -n 1 | cut -d ' ' -f 1)"
if [ "$HAS_LOG" = yes ]; then
  mkdir -p "$SCRATCH/log/outcome"
  list_all_points
  OLDEST=$(oldest_there)
  SERIES="$SERIES-log" SCRATCH="$SCRATCH/log" OLDEST="$OLDEST" sh "$BACKUP_HOME/shell/mirror-log.sh" || log_rc=$?
  outcome bytes "$(($(cat "$SCRATCH/copied.bytes") + $(cat "$SCRATCH/log/copied.bytes" 2>/dev/null || echo 0)))"
fi
name_left_out
[ "${log_rc:-0}" = 0 ] || die "the archived log: $(cat "$SCRATCH/log/outcome/reason" 2>/dev/null)"
