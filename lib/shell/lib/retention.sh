# shellcheck shell=sh
# What scripts that prune source after lib.sh.
#
# environment:
#   CHAINS        `yes`: recovery points of this engine may build on others
#   RETENTION     the policy for retention.awk, or empty: prune elsewhere
#   APPEND_ONLY   `yes`: the repository's credentials cannot delete, and something else prunes

kept() { sed -n 's/^keep \([^ ]*\) .*/\1/p' "$SCRATCH/retention"; }
# The oldest that the repository still has, once it was pruned: from it on the log is needed. One of the future tells no time.
oldest_there() { head -n 1 "$SCRATCH/points" | cut -d ' ' -f 1; }

# A list that the scratch volume had no room for is shorter, and would let something go that stays.
# Takes out of the list of what to drop what a recovery point that stays builds on.
keep_needed() {
  kept >"$SCRATCH/kept" && : >"$SCRATCH/needed" || return 1
  while read -r needing; do
    manifest_fetch "$needing" || return 1
    manifest_field "$SCRATCH/manifest.json" needs | tr ' ' '\n' >>"$SCRATCH/needed" || return 1
  done <"$SCRATCH/kept"
  awk 'FILENAME == ARGV[1] { needed[$0]; next } !($0 in needed)' "$SCRATCH/needed" "$SCRATCH/drop" >"$SCRATCH/drop.free" || return 1
  awk 'FILENAME == ARGV[1] { needed[$0]; next } $0 in needed { print "keep " $0 " needed" }' "$SCRATCH/needed" "$SCRATCH/drop" >>"$SCRATCH/retention" || return 1
  mv "$SCRATCH/drop.free" "$SCRATCH/drop"
}

# Leaves in $SCRATCH/retention what the policy says of each recovery point.
decide() { # FILE with recovery points
  awk -v policy="$RETENTION" -v now="$(future_begins)" -f "$BACKUP_HOME/shell/retention.awk" "$1" >"$SCRATCH/retention"
}

# Leaves in $SCRATCH/drop what was removed.
prune() {
  : >"$SCRATCH/drop"
  [ -n "$RETENTION" ] && [ "$RETENTION" != all ] && [ "${APPEND_ONLY:-no}" != yes ] && [ "$CLOCK_IS_WRONG" = no ] || return 0
  repository_list >"$SCRATCH/points.all" && decide "$SCRATCH/points.all" || return 1
  sed -n 's/^drop //p' "$SCRATCH/retention" >"$SCRATCH/drop" || return 1
  [ ! -s "$SCRATCH/drop" ] || [ "${CHAINS:-no}" != yes ] || keep_needed || return 1
  # A policy that would drop what was published a moment ago is not a policy but a fault.
  [ -z "${POINT:-}" ] || ! grep -qxF -e "$POINT" "$SCRATCH/drop" || return 1
  # Nobody makes recovery points of the future but a clock that is wrong, or somebody who should not.
  sed -n 's/^keep \([^ ]*\) .*future$/\1/p' "$SCRATCH/retention" >"$SCRATCH/future"
  [ ! -s "$SCRATCH/future" ] || log "WARNING: recovery points dated in the future are kept, and displace no others: $(some_of "$SCRATCH/future")"
  repository_prune "$SCRATCH/drop" || return 1
  [ ! -s "$SCRATCH/drop" ] || log "pruned: $(some_of "$SCRATCH/drop")"
  [ "$HAS_LOG" = yes ] || return 0
  # What the policy drops may be there all the same: while somebody reads the series, nothing goes.
  list_all_points
  prune_log
}

prune_log() {
  OLDEST=$(oldest_there)
  [ -n "$OLDEST" ] || return 0
  OLDEST=$OLDEST sh "$BACKUP_HOME/shell/prune-log.sh" && prune_log_rc=0 || prune_log_rc=$?
  cat "$SCRATCH/log/outcome/caveats" >>"$SCRATCH/outcome/caveats" 2>/dev/null || :
  return "$prune_log_rc"
}
