#!/bin/sh
# Two directories were made of the recovery point: the one that a scratch server is up over is compared with the manifest, and
# then the member's own takes the place of the old one.
#
# environment, beside etcd.sh's and data-directory.sh's:
#   BESIDE_SERVER   `yes`: the running server needs its directory until somebody stops it, so that the new one waits beside it
#   WAL_DIRECTORY   the member's --wal-dir; unset: its log is in the data directory
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

# shellcheck disable=SC2154 # data-directory.sh's
STAGING=$data_volume/.restoring-member
wal_staging=
[ -z "${WAL_DIRECTORY:-}" ] || wal_staging=/wal/.restoring-wal
trap 'rm -rf "$STAGING" ${wal_staging:+"$wal_staging"}' EXIT
if [ ! -e "$STAGING/member/snap/db" ] || [ ! -d "${wal_staging:-$STAGING}" ]; then die 'etcdutl did not write the files of the member'; fi

wait_for_scratch_server
note_facts "$(sed -n 's/^"revision":\([0-9]*\)$/\1/p' "$SCRATCH/facts.expected")"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"

if [ "${BESIDE_SERVER:-no}" = yes ]; then
  rm -rf "$DATA_DIRECTORY/.restored-$POINT" ${wal_staging:+"$WAL_DIRECTORY/.restored-$POINT"}
  mv "$STAGING" "$DATA_DIRECTORY/.restored-$POINT"
  [ -z "$wal_staging" ] || mv "$wal_staging" "$WAL_DIRECTORY/.restored-$POINT"
  sync
  log "the restored member is in .restored-$POINT of the data directory; the runbook says how to put it in place"
else
  if [ -n "$wal_staging" ]; then
    # The log first: the new one says nothing of old data, while the old one would be replayed over new data.
    log 'putting the log in place, then the data: start the member only when this restore has ended'
    (DATA_DIRECTORY=$WAL_DIRECTORY data_volume=/wal STAGING=$wal_staging && swap_data_directory) || exit $?
  fi
  swap_data_directory
fi
trap - EXIT
outcome restoreSeconds "$(($(date +%s) - $(stat -c %Y "$SCRATCH/prepared")))"
