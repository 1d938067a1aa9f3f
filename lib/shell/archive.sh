#!/bin/sh
# Stores one batch of a server's log as a recovery point of the series <series>-log. Where nothing is new, it stores nothing.
#
# environment, beside lib.sh's and the engine's:
#   SPOOL   the directory that holds what was received; in the file last-batch beside it is which batch was stored last
# The engine's scripts: `log-choose` prints the names of what is new, a batch at most; `log-pack NAMES-FILE` stores them with
# `put`, and notes a fact; `log-stored NAMES-FILE` is called when they are safe, and clears the spool.
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/log-order.sh
. "$BACKUP_HOME/shell/log-order.sh"

# Batches are read in the order of their ids, and the pod before this one may have stored its last in this very second, or on a
# node whose clock is a little ahead: the id is then a second after the newest. Batches of the future are no measure, or the log would be
# kept until their day comes: the manifest tells what comes after what. Where most are, it is this clock that is behind, and a batch
# under a time that is over would be pruned.
begin_batch() {
  list_all_points
  order_batches "$SCRATCH/points.all" manifest_fetch
  AFTER=$(cat "$SPOOL/../last-batch" 2>/dev/null) || AFTER=
  cut -d ' ' -f 3 "$SCRATCH/ordered" | grep -qxF -e "$AFTER" || AFTER=$(tail -n 1 "$SCRATCH/ordered" | cut -d ' ' -f 3)
  export AFTER
  newest=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  future=$(wc -l <"$SCRATCH/points.future")
  if [ "$future" -gt 5 ] && [ "$future" -gt "$(wc -l <"$SCRATCH/points")" ]; then
    newest=$(tail -n 1 "$SCRATCH/points.all" | cut -d ' ' -f 1)
    remark "$future batches of the log are of the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), and fewer are not: set the clock that is wrong"
  elif [ "$future" != 0 ]; then
    remark "batches of the log are of the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), and are read where they belong: $(cut -d ' ' -f 1 "$SCRATCH/points.future" | tr '\n' ' ')"
  fi
  begin_point
  if [ -n "$newest" ] && [ "$(seconds_of "$POINT")" -le "$(seconds_of "$newest")" ]; then
    POINT=$(date -u -d "@$(($(seconds_of "$newest") + 1))" +%Y%m%dT%H%M%SZ)-${POINT#*-}
    outcome id "$POINT"
  fi
}

engine log-choose >"$SCRATCH/chosen" || exit $?
if [ ! -s "$SCRATCH/chosen" ]; then
  outcome quiet yes
  exit 0
fi
repository_open write || die "$(repository_reason)"
begin_batch
repository_begin || die "$(repository_reason)"
engine log-pack "$SCRATCH/chosen" || exit $?
manifest_write "$SCRATCH/manifest.new"
repository_commit "$SCRATCH/manifest.new" || die "publishing failed: $(repository_reason)"
outcome bytes "$(members_bytes)"
outcome published yes
printf '%s\n' "$POINT" >"$SPOOL/../last-batch" || log 'WARNING: which batch was stored last could not be noted beside the spool'
engine log-stored "$SCRATCH/chosen" || log 'WARNING: what was stored could not be removed from the spool'
