#!/bin/sh
# Restores a recovery point to a server, as asked for.
#
# environment, beside lib.sh's, broker.sh's and the engine's:
#   RECOVERY_POINT   an id, `newest`, or `newest-verified` (the newest verified one, else the newest)
#   SAFETY_BACKUP    `yes`: back up what the target holds first, as series SAFETY_SERIES; its failure stops the restore
#   SAFETY_SERIES    where the safety backup goes
#   READY_TIMEOUT    seconds to wait for the server to accept connections
#   DATA_DIRECTORY   set for engines that restore files: the server's data directory; the server must not run
#   SERVER_IS_DOWN   for those: `yes`: the server is known to be down, even where that cannot be told from here
#   and what the engine's restore script documents (which database, under what name, whether to replace)
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/broker.sh
. "$BACKUP_HOME/shell/broker.sh"

check_request
if [ -n "${DATA_DIRECTORY:-}" ]; then
  # shellcheck source=lib/shell/lib/data-directory.sh
  . "$BACKUP_HOME/shell/data-directory.sh"
  # Before anything else can end this run.
  close_to_group
  refuse_running_server
else
  wait_until_ready
fi
open_point "$RECOVERY_POINT"
begin_run

if [ "$SAFETY_BACKUP" = yes ]; then
  log "safety backup of the target, as series $SAFETY_SERIES"
  mkdir -p "$SCRATCH/safety/outcome"
  # What is damaged is small, empty or gone: that is no reason to refuse a copy of the rest.
  SCRATCH=$SCRATCH/safety SERIES=$SAFETY_SERIES REPOSITORY_AS_OF='' MINIMUM_BYTES=0 SIZE_DROP_LIMIT=100 RETENTION='' SAFETY=yes sh "$BACKUP_HOME/shell/backup.sh" ||
    die "the safety backup failed, so nothing was restored: $(cat "$SCRATCH/safety/outcome/reason" 2>/dev/null)"
  if [ -s "$SCRATCH/safety/outcome/caveats" ]; then sed 's/^/the safety backup: /' "$SCRATCH/safety/outcome/caveats" >>"$SCRATCH/outcome/caveats"; fi
  log "safety backup published as $(cat "$SCRATCH/safety/outcome/id") of series $SAFETY_SERIES"
fi

engine_on_workbench restore || exit $?
log "restored $POINT"
