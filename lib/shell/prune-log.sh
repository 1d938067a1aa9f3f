#!/bin/sh
# Removes the log that no recovery point needs any more: what was stored before the oldest of them was begun, but for the newest
# of that, which read-log.sh reads.
#
# environment, beside lib.sh's:
#   OLDEST   the oldest recovery point of the series
set -eu
export SERIES="$SERIES-log" SCRATCH="$SCRATCH/log"
mkdir -p "$SCRATCH/outcome"
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
repository_open write || die "$(repository_reason)"
list_points
awk 'substr($1, 1, 16) < substr(ENVIRON["OLDEST"], 1, 16) { if (before != "") print before; before = $1 }' "$SCRATCH/points" >"$SCRATCH/drop"
[ -s "$SCRATCH/drop" ] || exit 0
repository_prune "$SCRATCH/drop" || die "$(repository_reason)"
log "pruned $(wc -l <"$SCRATCH/drop" | tr -d ' ') batches of the log"
