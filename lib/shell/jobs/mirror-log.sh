#!/bin/sh
# Copies the archived log of a series into another repository: as much of it as the recovery points there need.
#
# environment, beside lib.sh's and source.sh's:
#   SERIES   the log's own series
#   OLDEST   the oldest recovery point of the mirror
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/copy.sh
. "$BACKUP_HOME/shell/copy.sh"
# shellcheck source=lib/shell/lib/log-order.sh
. "$BACKUP_HOME/shell/log-order.sh"

# Of either repository: what is not here is in the other one.
either_manifest() { # ID
  if grep -q "^$1 " "$SCRATCH/points.all"; then manifest_fetch "$1"; else from manifest "$1" && cp "$SCRATCH/source/manifest.json" "$SCRATCH/manifest.json"; fi
}

list_both
both >"$SCRATCH/both"
order_batches "$SCRATCH/both" either_manifest
old_batches >"$SCRATCH/old"
not_here "$SCRATCH/source.points" >"$SCRATCH/missing"
but_for "$SCRATCH/old" "$SCRATCH/missing" >"$SCRATCH/wanted"
copy_points "$SCRATCH/wanted"
log "copied $(wc -l <"$SCRATCH/copied" | tr -d ' ') batches of the log"
name_left_out
