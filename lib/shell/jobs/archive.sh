#!/bin/sh
# Stores one batch of a server's log as a recovery point of the series <series>-log. Where nothing is new, it stores nothing, but
# for a sign now and then that it has all.
#
# environment, beside lib.sh's and the engine's:
#   SPOOL               the directory that holds what was received; in the file last-batch beside it is which batch was stored last
#   ARCHIVE_HEARTBEAT   seconds after which a batch that holds nothing tells that there was nothing
#   ARCHIVE_PATIENCE    seconds to wait for what the server has written by now; 0: the server is not asked
# The engine's scripts: `log-received` succeeds when the spool holds what the server had written when it was called, for which it
# waits ARCHIVE_PATIENCE, says on stderr what it lacks, and makes $SCRATCH/anew where the receiver has to begin anew. What it says in
# $SCRATCH/endangered is no lack, and has to be mended before the archive counts as well; `log-choose` prints the names of what is new, a batch
# at most, and makes $SCRATCH/more when there is more; `log-pack NAMES-FILE` stores them with `put`, notes a fact, and what comes first as
# `first`, empty where nothing does; `log-stored NAMES-FILE` is called
# when they are safe, and clears the spool.
# A batch tells until when the log is stored, as `until`. $SCRATCH/confirmed says at which second of the machine's uptime that was, when all is
# stored, and leads on from a recovery point.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/origin.sh
. "$BACKUP_HOME/shell/origin.sh"
# shellcheck source=lib/shell/lib/log-order.sh
. "$BACKUP_HOME/shell/log-order.sh"
# shellcheck source=lib/shell/lib/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"

# Batches are read in the order of their ids, and the pod before this one may have stored its last in this very second, or on a
# node whose clock is a little ahead: the id is then a second after the newest. Batches of the future are no measure, or the log would be
# kept until their day comes: the manifest tells what comes after what. Where most are, it is this clock that is behind, and a batch
# under a time that is over would be pruned.
begin_batch() {
  list_all_points
  # What one process of this pod has found need not be asked with every batch.
  [ -e "$SCRATCH/origin.known" ] || { refuse_other_origin && : >"$SCRATCH/origin.known"; }
  order_batches "$SCRATCH/points.all" manifest_fetch
  AFTER=$(cat "$SPOOL/../last-batch" 2>/dev/null) || AFTER=
  cut -d ' ' -f 3 "$SCRATCH/ordered" | grep -qxF -e "$AFTER" || AFTER=$(tail -n 1 "$SCRATCH/ordered" | cut -d ' ' -f 3)
  export AFTER
  newest=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  future=$(wc -l <"$SCRATCH/points.future")
  if [ "$future" -gt 5 ] && [ "$future" -gt "$(wc -l <"$SCRATCH/points")" ]; then
    newest=$(tail -n 1 "$SCRATCH/points.all" | cut -d ' ' -f 1)
    remark "$future batches of the log are dated in the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), and fewer are not: correct the clock that is wrong"
  elif [ "$future" != 0 ]; then
    remark "batches of the log are dated in the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), and are read in their place in the log: $(cut -d ' ' -f 1 "$SCRATCH/points.future" | tr '\n' ' ')"
  fi
  begin_point
  if [ -n "$newest" ] && [ "$(seconds_of "$POINT")" -le "$(seconds_of "$newest")" ]; then
    POINT=$(date -u -d "@$(($(seconds_of "$newest") + 1))" +%Y%m%dT%H%M%SZ)-${POINT#*-}
    outcome id "$POINT"
  fi
}

rm -f "$SCRATCH/confirmed" "$SCRATCH/endangered"
printf '%s %s\n' "$(cut -d . -f 1 /proc/uptime)" "$(cat /proc/sys/kernel/random/boot_id)" >"$SCRATCH/asked"
asked=$(date -u +%Y-%m-%dT%H:%M:%SZ)
received=no
if [ "$ARCHIVE_PATIENCE" != 0 ]; then
  if engine log-received 2>"$SCRATCH/behind"; then received=yes; else
    log "WARNING: not everything that the server has written has been received: $(last_words "$SCRATCH/behind" 1)"
  fi
fi
engine log-choose >"$SCRATCH/chosen" || exit $?
until=$(cat "$SPOOL/until" 2>/dev/null || :)
[ "$received" = no ] || [ -e "$SCRATCH/more" ] || until=$asked
# Nobody reads the log of a pod that is ready.
confirm() {
  log_gap_ends "$asked"
  if log_lacks; then
    remark "the archived log lacks something, and no backup has been started since ($(some_of "$SPOOL/../gap")): what the server writes now cannot be replayed onto any recovery point. Take a backup now"
  elif [ -s "$SCRATCH/endangered" ]; then
    remark "$(cat "$SCRATCH/endangered")"
  else
    mv "$SCRATCH/asked" "$SCRATCH/confirmed"
  fi
}

# That nothing was written is worth a batch only where somebody would take silence for an archive that is down.
silent=$(($(date +%s) - $(date -r "$SPOOL/until" +%s 2>/dev/null || echo 0)))
if [ ! -s "$SCRATCH/chosen" ] && { [ "$until" != "$asked" ] || { [ "$silent" -ge 0 ] && [ "$silent" -lt "$ARCHIVE_HEARTBEAT" ]; }; }; then
  [ "$until" != "$asked" ] || confirm
  outcome quiet yes
  exit 0
fi
repository_open write || die "$(repository_reason)"
begin_batch
repository_begin || die "$(repository_reason)"
[ -z "$until" ] || about until "$until"
engine log-pack "$SCRATCH/chosen" || exit $?
manifest_write "$SCRATCH/manifest.new"
repository_commit "$SCRATCH/manifest.new" || die "publishing failed: $(repository_reason)"
outcome bytes "$(members_bytes)"
outcome published yes
printf '%s\n' "$POINT" >"$SPOOL/../last-batch" || log 'WARNING: the last stored batch could not be noted beside the spool'
if [ "$until" = "$asked" ]; then
  printf '%s\n' "$until" >"$SPOOL/until"
  confirm
fi
engine log-stored "$SCRATCH/chosen" || {
  log 'WARNING: the stored log could not be removed from the spool'
  # It would be stored again at once.
  rm -f "$SCRATCH/more"
}
