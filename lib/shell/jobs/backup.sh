#!/bin/sh
# Makes one recovery point: wait for the server, dump, judge, publish, prune.
#
# environment, beside lib.sh's:
#   ENGINE             the engine's name, for the manifest
#   POD_NAME           its last five characters make the id unique among runs of the same second
#   READY_TIMEOUT      seconds to wait for the server to accept connections
#   MINIMUM_BYTES      a recovery point below this is refused
#   SIZE_DROP_LIMIT    percent by which it may be smaller than the newest of its kind (one that builds on no other); 100 switches the check off
#   and retention.sh's
# Nothing is visible in the repository before repository_commit, and nothing is pruned before it either.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/origin.sh
. "$BACKUP_HOME/shell/origin.sh"
# shellcheck source=lib/shell/lib/retention.sh
. "$BACKUP_HOME/shell/retention.sh"

# The newest recovery point that builds on no other, as this one: $before, and $bytes_before.
newest_whole() {
  LC_ALL=C sort -r "$SCRATCH/points" >"$SCRATCH/points.newest-first"
  while read -r before _ <&3; do
    if ! manifest_fetch "$before" || ! bytes_before=$(manifest_field "$SCRATCH/manifest.json" bytes) || [ -z "$bytes_before" ]; then
      remark "the manifest of $before cannot be read, so the size of this dump is not compared with it"
      return 1
    fi
    [ -n "$(manifest_field "$SCRATCH/manifest.json" needs)" ] || return 0
  done 3<"$SCRATCH/points.newest-first"
  return 1
}

# A dump that lost half its size since the last run is more often a broken dump than a happy accident.
judge_size() {
  bytes=$(members_bytes)
  outcome bytes "$bytes"
  [ "$bytes" -ge "$MINIMUM_BYTES" ] || refuse "the dump has only $bytes bytes; at least $MINIMUM_BYTES are expected (minimumSize)"
  # What builds on another recovery point is as large as what has changed since.
  [ "$SIZE_DROP_LIMIT" -lt 100 ] && [ ! -s "$SCRATCH/needs" ] || return 0
  newest_whole || return 0
  # The log of the meantime is as long as the server was busy: a quiet night after a busy one is no loss of data.
  log_before=$(manifest_field "$SCRATCH/manifest.json" logBytes)
  [ "$bytes" -ge $(((bytes_before - ${log_before:-0}) * (100 - SIZE_DROP_LIMIT) / 100)) ] ||
    refuse "the dump has $bytes bytes, and $before had $bytes_before: a drop of more than $SIZE_DROP_LIMIT %. Nothing was published or pruned. Check the database; if the drop is right, raise sizeDropLimit for one run"
}

begin_point
wait_until_ready
repository_open write || die "$(repository_reason)"
begin_run
list_points
refuse_other_origin
repository_begin || die "$(repository_reason)"
engine dump || exit $?
[ -s "$SCRATCH/members" ] || refuse "the $ENGINE dump stored nothing"
[ -s "$SCRATCH/facts" ] || refuse "the $ENGINE dump recorded no facts, so no restore of it could be checked"
judge_size
manifest_write "$SCRATCH/manifest.new"
outcome publishing yes
repository_commit "$SCRATCH/manifest.new" || die "publishing failed: $(repository_reason)"
outcome published yes
log "published $POINT"
# The recovery point is safe by now: a failing prune is a warning, never a failed backup.
rm -f "$SCRATCH/repository.reason"
prune || remark "pruning failed; the new recovery point is published, and the next run prunes again. $(cat "$SCRATCH/repository.reason" 2>/dev/null)"
