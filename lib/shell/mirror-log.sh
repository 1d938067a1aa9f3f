#!/bin/sh
# Copies the archived log of a series into another repository: as much of it as the recovery points there need.
#
# environment, beside lib.sh's and source.sh's:
#   SERIES   the log's own series
#   OLDEST   the oldest recovery point of the mirror
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/retention.sh
. "$BACKUP_HOME/shell/retention.sh"
# shellcheck source=lib/shell/copy.sh
. "$BACKUP_HOME/shell/copy.sh"

list_both
both | LC_ALL=C sort >"$SCRATCH/both"
old_log "$SCRATCH/both" >"$SCRATCH/old"
not_here "$SCRATCH/source.points" | grep -vxF -f "$SCRATCH/old" >"$SCRATCH/wanted" || :
copy_points "$SCRATCH/wanted"
log "copied $(wc -l <"$SCRATCH/copied" | tr -d ' ') batches of the log"
name_left_out
