#!/bin/sh
# Removes the recovery points that the retention does not keep: a job of its own, where backups do not, or must not be able to.
#
# environment: lib.sh's and retention.sh's
set -eu
# What is pruned has been made.
export REPOSITORY_MUST_EXIST=yes
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/retention.sh
. "$BACKUP_HOME/shell/retention.sh"

repository_open write || die "$(repository_reason)"
begin_run
list_points
[ -s "$SCRATCH/points.all" ] || refuse "series $SERIES has no recovery point in this repository: is this the repository that the backups are written to?"
cp "$SCRATCH/points.all" "$SCRATCH/listed"
prune || die "pruning failed, and the next run prunes again: $(repository_reason)"
log "$(wc -l <"$SCRATCH/drop" | tr -d ' ') of $(wc -l <"$SCRATCH/listed" | tr -d ' ') recovery points were pruned"
