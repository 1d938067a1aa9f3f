#!/bin/sh
# Makes one recovery point: wait for the server, dump, judge, publish, prune.
#
# environment, beside lib.sh's:
#   ENGINE             the engine's name, for the manifest
#   POD_NAME           its last five characters make the id unique among runs of the same second
#   READY_TIMEOUT      seconds to wait for the server to accept connections
#   MINIMUM_BYTES      a recovery point below this is refused
#   SIZE_DROP_LIMIT    percent by which it may be smaller than the one before; 100 switches the check off
#   CHAINS             `yes`: recovery points of this engine may build on others
#   RETENTION          the policy for retention.awk, or empty: prune elsewhere
# Nothing is visible in the repository before repository_commit, and nothing is pruned before it either.
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# A dump that lost half its size since the last run is more often a broken dump than a happy accident.
judge_size() {
  bytes=$(members_bytes)
  outcome bytes "$bytes"
  [ "$bytes" -ge "$MINIMUM_BYTES" ] || refuse "the dump is only $bytes bytes; at least $MINIMUM_BYTES are expected (minimumSize)"
  # What builds on another recovery point is small by nature.
  [ "$SIZE_DROP_LIMIT" -lt 100 ] && [ ! -s "$SCRATCH/needs" ] || return 0
  before=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  [ -n "$before" ] || return 0
  if ! manifest_fetch "$before" || ! bytes_before=$(manifest_field "$SCRATCH/manifest.json" bytes) || [ -z "$bytes_before" ]; then
    log "WARNING: the manifest of $before cannot be read, so this run's size is compared with nothing"
    return 0
  fi
  [ "$bytes" -ge $((bytes_before * (100 - SIZE_DROP_LIMIT) / 100)) ] ||
    refuse "the dump is $bytes bytes, $before had $bytes_before: a drop of more than $SIZE_DROP_LIMIT %; nothing was published or pruned. Look at the database; if the drop is right, raise sizeDropLimit for one run"
}

# Takes out of the list of what to drop what a recovery point that stays builds on.
keep_needed() {
  sed -n 's/^keep \([^ ]*\) .*/\1/p' "$SCRATCH/retention" >"$SCRATCH/kept"
  : >"$SCRATCH/needed"
  while read -r kept; do
    manifest_fetch "$kept" || return 1
    manifest_field "$SCRATCH/manifest.json" needs | tr ' ' '\n' >>"$SCRATCH/needed"
  done <"$SCRATCH/kept"
  awk 'FILENAME == ARGV[1] { needed[$0]; next } !($0 in needed)' "$SCRATCH/needed" "$SCRATCH/drop" >"$SCRATCH/drop.free"
  awk 'FILENAME == ARGV[1] { needed[$0]; next } $0 in needed { print "keep " $0 " needed" }' "$SCRATCH/needed" "$SCRATCH/drop" >>"$SCRATCH/retention"
  mv "$SCRATCH/drop.free" "$SCRATCH/drop"
}

# The recovery point is safe by now: a failing prune is a warning, never a failed backup.
prune() {
  [ -n "$RETENTION" ] && [ "$RETENTION" != all ] || return 0
  repository_list >"$SCRATCH/points" &&
    awk -v policy="$RETENTION" -f "$BACKUP_HOME/shell/retention.awk" "$SCRATCH/points" >"$SCRATCH/retention" || return 1
  sed -n 's/^drop //p' "$SCRATCH/retention" >"$SCRATCH/drop"
  [ ! -s "$SCRATCH/drop" ] || [ "${CHAINS:-no}" != yes ] || keep_needed || return 1
  # A policy that would drop what was published a moment ago is not a policy but a fault.
  ! grep -qxF -e "$POINT" "$SCRATCH/drop" || return 1
  repository_prune "$SCRATCH/drop" || return 1
  [ ! -s "$SCRATCH/drop" ] || log "pruned: $(tr '\n' ' ' <"$SCRATCH/drop")"
  [ "$HAS_LOG" = yes ] || return 0
  OLDEST=$(sed -n 's/^keep \([^ ]*\) .*/\1/p' "$SCRATCH/retention" | LC_ALL=C sort | head -n 1) sh "$BACKUP_HOME/shell/prune-log.sh"
}

begin_point
wait_until_ready
repository_open write || die "$(repository_reason)"
list_points
repository_begin || die "$(repository_reason)"
engine dump || exit $?
[ -s "$SCRATCH/members" ] || refuse "the $ENGINE dump stored nothing"
[ -s "$SCRATCH/facts" ] || refuse "the $ENGINE dump noted no facts, so that no restore of it could be checked"
judge_size
manifest_write "$SCRATCH/manifest.new"
repository_commit "$SCRATCH/manifest.new" || die "publishing failed: $(repository_reason)"
outcome published yes
log "published $POINT"
prune || log "WARNING: pruning failed; the new recovery point is published, and the next run prunes again"
