#!/bin/sh
# Two directories were made of the recovery point: the one that a scratch server is up over is compared with the manifest, and
# then the member's own takes the place of the old one.
#
# environment, beside etcd.sh's and data-directory.sh's:
#   BESIDE_SERVER   `yes`: the running server needs its directory until somebody stops it, so that the new one waits beside it
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
# shellcheck source=lib/shell/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

# shellcheck disable=SC2154 # data-directory.sh's
STAGING=$data_volume/.restoring-member
trap 'rm -rf "$STAGING"' EXIT
[ -e "$STAGING/member/snap/db" ] || die 'the files of the member were not made'

wait_for_scratch_server
note_facts "$(sed -n 's/^"revision":\([0-9]*\)$/\1/p' "$SCRATCH/facts.expected")"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"

if [ "${BESIDE_SERVER:-no}" = yes ]; then
  rm -rf "$DATA_DIRECTORY/.restored-$POINT"
  mv "$STAGING" "$DATA_DIRECTORY/.restored-$POINT"
  sync
  log "the restored member is in .restored-$POINT of the data directory; the runbook says how it takes its place"
else
  swap_data_directory
fi
trap - EXIT
outcome restoreSeconds "$(($(date +%s) - $(stat -c %Y "$SCRATCH/prepared")))"
