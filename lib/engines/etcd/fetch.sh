#!/bin/sh
# Puts the snapshot of recovery point $POINT where the steps find it. A restore refuses what can be refused by now.
#
# environment, beside etcd.sh's and data-directory.sh's:
#   MEMBERS         how many members the cluster has that is restored
#   WAL_DIRECTORY   the member's --wal-dir, on a volume that is mounted at /wal; unset: its log is in the data directory
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"

if [ "$OPERATION" = restore ]; then
  case $MEMBERS:$RECOVERY_POINT in
    1:* | *:[0-9]*Z-?????) ;;
    *) refuse "all $MEMBERS members must be restored from the same recovery point, and $RECOVERY_POINT may be a different one for the next member: set recoveryPoint to $POINT" ;;
  esac
  # shellcheck source=lib/shell/lib/data-directory.sh
  . "$BACKUP_HOME/shell/data-directory.sh"
  # A log that stays where it is would be replayed over the restored data.
  if [ -z "${WAL_DIRECTORY:-}" ]; then
    [ ! -d "$DATA_DIRECTORY/member/snap" ] || [ -e "$DATA_DIRECTORY/member/wal" ] ||
      refuse "$DATA_DIRECTORY holds a member's data but not its log, which would be replayed over the restored data: name its --wal-dir in the cluster (walVolume, walClaim or walDirectory); nothing was changed"
  else
    [ ! -d "$DATA_DIRECTORY/member/wal" ] || [ -L "$DATA_DIRECTORY/member/wal" ] ||
      refuse "$DATA_DIRECTORY holds the member's log, so its --wal-dir is not the one that the cluster describes: leave that out; nothing was changed"
    rm -rf /wal/.restoring-*
    wal_held=$(DATA_DIRECTORY=$WAL_DIRECTORY held_names 3)
    [ -z "$wal_held" ] || [ "$REPLACE" = yes ] || [ "${BESIDE_SERVER:-no}" = yes ] ||
      refuse "the log's directory is not empty ($wal_held): nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME (the old log is put aside, not deleted)"
    mkdir -p "$(dirname "$WAL_DIRECTORY")" || die "the log's volume cannot be written"
  fi
  # What is made beside a running server replaces nothing.
  [ "${BESIDE_SERVER:-no}" != yes ] || REPLACE=yes
  stage_data_directory
  # The step that makes the member's files wants to make their directory itself.
  rmdir "$STAGING"
fi

rm -f "$SCRATCH/snapshot.db"
fetch_words=$({ get snapshot.db >"$SCRATCH/snapshot.db"; } 2>&1) || {
  rm -f "$SCRATCH/snapshot.db"
  die "snapshot.db of $POINT cannot be fetched: $(repository_reason)$(printf '%s' "${fetch_words:+, $fetch_words}" | head -n 1)"
}
