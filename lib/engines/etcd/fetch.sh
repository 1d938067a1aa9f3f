#!/bin/sh
# Puts the snapshot of recovery point $POINT where the steps find it. A restore refuses what can be refused by now.
#
# environment, beside etcd.sh's and data-directory.sh's:
#   MEMBERS   how many members the cluster has that is restored
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"

if [ "$OPERATION" = restore ]; then
  case $MEMBERS:$RECOVERY_POINT in
    1:* | *:[0-9]*Z-?????) ;;
    *) refuse "all $MEMBERS members have to be restored from one recovery point, and $RECOVERY_POINT may be another one for the next of them: set recoveryPoint to $POINT" ;;
  esac
  # shellcheck source=lib/shell/data-directory.sh
  . "$BACKUP_HOME/shell/data-directory.sh"
  database=$DATA_DIRECTORY/member/snap/db
  # A server holds a lock on its database for as long as it runs; it is the kernel's, so that it is seen on this node.
  if [ "${BESIDE_SERVER:-no}" != yes ] && [ -e "$database" ] && ! flock -n "$database" true; then
    refuse "an etcd server has $DATA_DIRECTORY open: scale it to zero first; nothing was changed"
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
