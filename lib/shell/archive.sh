#!/bin/sh
# Stores one batch of a server's log as a recovery point of the series <series>-log. Where nothing is new, it stores nothing.
#
# environment, beside lib.sh's and the engine's:
#   SPOOL   the directory that holds what was received
# The engine's scripts: `log-choose` prints the names of what is new, a batch at most; `log-pack NAMES-FILE` stores them with
# `put`, and notes a fact; `log-stored NAMES-FILE` is called when they are safe, and clears the spool.
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# Batches are read in the order of their ids, and the pod before this one may have stored its last in this very second, or on a
# node whose clock is ahead.
wait_past_newest() {
  list_points
  newest=$(tail -n 1 "$SCRATCH/points" | cut -d - -f 1)
  # A second more: what was stored in this second is past in the next.
  past_until=$(($(date +%s) + REPOSITORY_WAIT + 1))
  while [ "$(printf '%s\n%s\n' "$newest" "$(date -u +%Y%m%dT%H%M%SZ)" | LC_ALL=C sort | tail -n 1)" = "$newest" ]; do
    [ "$(date +%s)" -lt "$past_until" ] ||
      die "the newest batch of the log is of $newest, and this node's clock is not there yet: set the nodes' clocks. What was received waits in the spool"
    sleep 0.2
  done
}

engine log-choose >"$SCRATCH/chosen" || exit $?
if [ ! -s "$SCRATCH/chosen" ]; then
  outcome quiet yes
  exit 0
fi
repository_open write || die "$(repository_reason)"
wait_past_newest
begin_point
repository_begin || die "$(repository_reason)"
engine log-pack "$SCRATCH/chosen" || exit $?
manifest_write "$SCRATCH/manifest.new"
repository_commit "$SCRATCH/manifest.new" || die "publishing failed: $(repository_reason)"
outcome bytes "$(members_bytes)"
outcome published yes
engine log-stored "$SCRATCH/chosen" || log 'WARNING: what was stored could not be removed from the spool'
