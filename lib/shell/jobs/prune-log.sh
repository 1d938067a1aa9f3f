#!/bin/sh
# Removes the log that no recovery point needs any more.
#
# environment, beside lib.sh's:
#   OLDEST   the oldest recovery point that the series still has
set -eu
export SERIES="$SERIES-log" SCRATCH="$SCRATCH/log"
mkdir -p "$SCRATCH/outcome"
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/log-order.sh
. "$BACKUP_HOME/shell/log-order.sh"
repository_open write || die "$(repository_reason)"
list_all_points
order_batches "$SCRATCH/points.all" manifest_fetch
old_batches >"$SCRATCH/drop"
[ -s "$SCRATCH/drop" ] || exit 0
repository_prune "$SCRATCH/drop" || die "$(repository_reason)"
log "pruned $(wc -l <"$SCRATCH/drop" | tr -d ' ') batches of the log"
