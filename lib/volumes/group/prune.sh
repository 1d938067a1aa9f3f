# shellcheck shell=sh
# What retention.sh needs of a repository, over groups; and what runs that were killed have left. Source it after groups.sh and the mode.

# Deletes groups; those that a claim is being made from stay, and are taken off the list.
repository_prune() { # FILE with ids
  claims_waiting || { api_reason >"$SCRATCH/repository.reason"; return 1; }
  : >"$SCRATCH/pruned"
  while read -r id; do
    if user=$(group_user "$id") && [ -n "$user" ]; then
      log "WARNING: group $id is kept, though retention lets it go: claim $user is being restored from it"
    elif [ "$MODE" = coordinated ] && group_is_native "$id"; then
      log "WARNING: group $id is kept, though retention lets it go: it is a VolumeGroupSnapshot, which this job may not delete since its mode is coordinated. Delete its ConfigMap $(group_name "$id") and then the VolumeGroupSnapshot of that name"
    else
      group_delete "$id" || { api_reason >"$SCRATCH/repository.reason"; return 1; }
      echo "$id" >>"$SCRATCH/pruned"
    fi
  done <"$1"
  mv "$SCRATCH/pruned" "$1"
}

# The claims that are not bound yet, and the snapshots they wait for.
claims_waiting() { # to $SCRATCH/claims.waiting
  api get persistentvolumeclaims -o go-template='{{range .items}}{{.status.phase}} {{.metadata.name}} {{with .spec.dataSource}}{{.name}}{{else}}{{with .spec.dataSourceRef}}{{.name}}{{end}}{{end}}
{{end}}' >"$SCRATCH/claims.sources" || return 1
  awk '$1 != "Bound" && NF == 3 { print $2, $3 }' "$SCRATCH/claims.sources" >"$SCRATCH/claims.waiting"
}

group_user() { # ID
  awk -v id="$1" 'FILENAME == ARGV[1] { if ($1 == id) snapshot[$2]; next } $2 in snapshot { print $1; exit }' \
    "$SCRATCH/groups.snapshots" "$SCRATCH/claims.waiting"
}

group_is_native() { # ID
  awk -v id="$1" '/^group / { here = $2 == id } here && /^"mode":"native"/ { found = 1 } END { exit !found }' "$SCRATCH/groups.raw"
}

# The ConfigMap first: from then on it does not count, and what is left of it is removed as a leftover.
group_delete() { # ID
  api delete configmap "$(group_name "$1")" --ignore-not-found --wait=false >/dev/null </dev/null && group_discard "$1" </dev/null
}

# Snapshots of runs that were killed. No other run is alive, as this one has the lease.
remove_leftovers() {
  groups_read && group_leftovers >"$SCRATCH/leftovers" || return 1
  while read -r id; do
    if [ -z "$id" ] || [ "$id" = "$POINT" ] || grep -q "^$id " "$SCRATCH/groups"; then continue; fi
    group_discard "$id" </dev/null || return 1
    log "removed what a run that did not end well has left: $id"
  done <"$SCRATCH/leftovers"
}

report_bad_groups() {
  # Where nothing is pruned, nobody has looked yet.
  [ -f "$SCRATCH/groups.bad" ] || groups_good >/dev/null || return 0
  [ -s "$SCRATCH/groups.bad" ] || return 0
  log "WARNING: these groups lack snapshots, or have some that cannot be used. They count for nothing and nothing is restored from them; delete their ConfigMaps when you have looked into it: $(tr '\n' ' ' <"$SCRATCH/groups.bad")"
}

tidy() {
  prune || log "WARNING: pruning failed; the new group is published, and the next run prunes again: $(repository_reason)"
  report_bad_groups
  remove_leftovers || log "WARNING: leftovers of earlier runs could not be removed; the next run tries again: $(api_reason)"
}
