# shellcheck shell=sh
# What scripts that prune source after lib.sh.
#
# environment:
#   CHAINS        `yes`: recovery points of this engine may build on others
#   RETENTION     the policy for retention.awk, or empty: prune elsewhere
#   APPEND_ONLY   `yes`: the repository's credentials cannot delete, and something else prunes

kept() { sed -n 's/^keep \([^ ]*\) .*/\1/p' "$SCRATCH/retention"; }
oldest_kept() { kept | LC_ALL=C sort | head -n 1; }

# Takes out of the list of what to drop what a recovery point that stays builds on.
keep_needed() {
  kept >"$SCRATCH/kept"
  : >"$SCRATCH/needed"
  while read -r needing; do
    manifest_fetch "$needing" || return 1
    manifest_field "$SCRATCH/manifest.json" needs | tr ' ' '\n' >>"$SCRATCH/needed"
  done <"$SCRATCH/kept"
  awk 'FILENAME == ARGV[1] { needed[$0]; next } !($0 in needed)' "$SCRATCH/needed" "$SCRATCH/drop" >"$SCRATCH/drop.free"
  awk 'FILENAME == ARGV[1] { needed[$0]; next } $0 in needed { print "keep " $0 " needed" }' "$SCRATCH/needed" "$SCRATCH/drop" >>"$SCRATCH/retention"
  mv "$SCRATCH/drop.free" "$SCRATCH/drop"
}

# Leaves in $SCRATCH/retention what the policy says of each recovery point.
decide() { # FILE with recovery points
  awk -v policy="$RETENTION" -v now="$(date -u +%Y%m%dT%H%M%SZ)" -f "$BACKUP_HOME/shell/retention.awk" "$1" >"$SCRATCH/retention"
}

# Leaves in $SCRATCH/drop what was removed.
prune() {
  : >"$SCRATCH/drop"
  [ -n "$RETENTION" ] && [ "$RETENTION" != all ] && [ "${APPEND_ONLY:-no}" != yes ] || return 0
  repository_list >"$SCRATCH/points" && decide "$SCRATCH/points" || return 1
  sed -n 's/^drop //p' "$SCRATCH/retention" >"$SCRATCH/drop"
  [ ! -s "$SCRATCH/drop" ] || [ "${CHAINS:-no}" != yes ] || keep_needed || return 1
  # A policy that would drop what was published a moment ago is not a policy but a fault.
  [ -z "${POINT:-}" ] || ! grep -qxF -e "$POINT" "$SCRATCH/drop" || return 1
  # Nobody makes recovery points of the future but a clock that is wrong, or somebody who should not.
  ! grep -q '[ ,]future$' "$SCRATCH/retention" ||
    log "WARNING: recovery points of the future are kept, and push out no other: $(sed -n 's/^keep \([^ ]*\) .*future$/\1/p' "$SCRATCH/retention" | tr '\n' ' ')"
  repository_prune "$SCRATCH/drop" || return 1
  [ ! -s "$SCRATCH/drop" ] || log "pruned: $(tr '\n' ' ' <"$SCRATCH/drop")"
  [ "$HAS_LOG" = yes ] || return 0
  OLDEST=$(oldest_kept) sh "$BACKUP_HOME/shell/prune-log.sh"
}

# Of the batches of a log, which no recovery point needs any more: those that were stored before $OLDEST was begun, but for the
# newest of them, which read-log.sh reads.
old_log() { # FILE with batches, oldest first
  awk 'substr($1, 1, 16) < substr(ENVIRON["OLDEST"], 1, 16) { if (before != "") print before; before = $1 }' "$1"
}
