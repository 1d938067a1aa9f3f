# shellcheck shell=sh
# What retention.sh needs of a repository, over groups; and what is deleted of a group, whole or half made. Source it after groups.sh and the
# mode.

# Deletes groups; those that a claim is being made from stay, and are taken off the list, as do those that are the last to hold a volume.
repository_prune() { # FILE with ids
  last_of_volumes || { api_reason >"$SCRATCH/repository.reason"; return 1; }
  claims_waiting || { api_reason >"$SCRATCH/repository.reason"; return 1; }
  : >"$SCRATCH/pruned"
  while read -r id; do
    if user=$(group_user "$id") && [ -n "$user" ]; then
      log "WARNING: group $id is kept beyond its retention: claim $user is being restored from it"
    elif grep -q "^$id " "$SCRATCH/groups.last"; then
      log "group $id is kept beyond its retention: it is the last group that has what claim $(sed -n "s/^$id //p" "$SCRATCH/groups.last" | tr '\n' ' ')held"
    elif [ "$MODE" = coordinated ] && group_is_native "$id"; then
      log "WARNING: group $id is kept beyond its retention: it is a VolumeGroupSnapshot, which this job is not allowed to delete since its mode is coordinated. Delete the VolumeGroupSnapshot $(group_name "$id")"
    else
      group_delete "$id" || { api_reason >"$SCRATCH/repository.reason"; return 1; }
      echo "$id" >>"$SCRATCH/pruned"
    fi
  done <"$1"
  mv "$SCRATCH/pruned" "$1"
}

# The claims that are not bound yet, and the snapshots they wait for; and those of a verification, which makes one after the other.
claims_waiting() { # to $SCRATCH/claims.waiting
  api get persistentvolumeclaims -o go-template='{{range .items}}{{with .metadata.labels}}{{if eq (print (index . "cdk8s-backup/operation")) "check"}}Checked{{end}}{{end}}{{.status.phase}} {{.metadata.name}} {{with .spec.dataSource}}{{.name}}{{else}}{{with .spec.dataSourceRef}}{{.name}}{{end}}{{end}}
{{end}}' >"$SCRATCH/claims.sources" || return 1
  awk '$1 != "Bound" && NF == 3 { print $2, $3 }' "$SCRATCH/claims.sources" >"$SCRATCH/claims.waiting"
}

group_user() { # ID
  awk -v id="$1" 'FILENAME == ARGV[1] { if ($1 == id) snapshot[$2]; next } $2 in snapshot { print $1; exit }' \
    "$SCRATCH/groups.snapshot" "$SCRATCH/claims.waiting"
}

group_is_native() { # ID
  awk -v id="$1" '$1 == "snapshot" { here = $3 == id } here && /^"mode":"native"/ { found = 1 } END { exit !found }' "$SCRATCH/groups.raw"
}

# Its label first: from then on it does not count, and what is left of it is removed as a leftover.
group_delete() { # ID
  group_unpublish "$1" && discard_when_cut "$1"
}

# A snapshot that is deleted while it is being cut stays in deletion until the snapshotter looks at everything again, a quarter of an hour
# later, and its claim cannot go until then. (kubernetes-csi/external-snapshotter, AnnVolumeSnapshotBeingCreated and --resync-period.)
discard_when_cut() { # ID
  discard_until=$(($(clock) + (CUT_TIMEOUT < DISCARD_SECONDS ? CUT_TIMEOUT : DISCARD_SECONDS) * 1000))
  while group_cut "$1" >"$SCRATCH/discarded" </dev/null; do
    uncut=$(awk -F '\t' '$3 == "-" && $7 == "-" { print $1 }' "$SCRATCH/discarded" | tr '\n' ' ')
    [ -n "$uncut" ] || break
    if [ "$(clock)" -ge "$discard_until" ]; then
      log "WARNING: these snapshots are being deleted before they were cut; they and their claims may take a quarter of an hour to go: $uncut"
      break
    fi
    sleep 0.5
  done
  group_discard "$1" </dev/null
}
DISCARD_SECONDS=20

# Snapshots of runs that were killed. No other run is alive, as this one has the lease. What was pruned a moment ago may still be going.
remove_leftovers() {
  groups_read && group_leftovers >"$SCRATCH/leftovers" || return 1
  while read -r id; do
    if [ -z "$id" ] || [ "$id" = "$POINT" ] || grep -qxF -e "$id" "$SCRATCH/drop" || grep -q "^$id " "$SCRATCH/groups.good" "$SCRATCH/groups.doubtful" "$SCRATCH/groups.bad"; then continue; fi
    was_published "$id" || return 1
    if [ -s "$SCRATCH/was.published" ]; then
      caveat "group $id has lost labels, and is ignored; nothing of it is deleted: check its snapshots, $(tr '\n' ' ' <"$SCRATCH/was.published")"
      continue
    fi
    discard_when_cut "$id" || return 1
    log "removed leftovers of a failed run: $id"
  done <"$SCRATCH/leftovers"
}

# A claim that is deleted, made anew, or loses the label by which it is a member, must not be forgotten when its last group gets old.
last_of_volumes() { # to $SCRATCH/groups.last: lines `ID CLAIM`
  groups_read || return 1
  LC_ALL=C sort "$SCRATCH/groups.good" >"$SCRATCH/groups.by-age"
  awk -f "$BACKUP_HOME/kubectl/last-of.awk" "$SCRATCH/groups.by-age" "$SCRATCH/groups.raw" | LC_ALL=C sort -u >"$SCRATCH/groups.last"
}

report_last_of_volumes() {
  # Where nothing is pruned, nobody has looked yet.
  [ -f "$SCRATCH/groups.last" ] || last_of_volumes || { log "WARNING: could not find out whether a claim has dropped out of the groups: $(api_reason)"; return 0; }
  [ ! -s "$SCRATCH/groups.last" ] ||
    caveat "these claims are gone, re-created, or no longer members, and the last group with their data is kept until you delete its snapshots: $(awk '{ printf "%s%s in %s", sep, $2, $1; sep = "; " }' "$SCRATCH/groups.last")"
}

# What a group was made of says so itself, whatever has become of the labels by which it is found.
was_published() { # ID: leaves the names of its snapshots in $SCRATCH/was.published
  # shellcheck disable=SC2016 # variables of the template
  api get "$SNAPSHOTS" -o go-template='{{range .items}}{{$name := .metadata.name}}{{$published := ""}}{{with .metadata.labels}}{{$published = print (index . "cdk8s-backup/published")}}{{end}}{{if and (ne $published "no") (not .metadata.deletionTimestamp)}}{{with .metadata.annotations}}{{with index . "cdk8s-backup/group"}}snapshot {{$name}}
{{.}}
{{end}}{{end}}{{end}}{{end}}' >"$SCRATCH/all.published" </dev/null || return 1
  awk -v said="\"id\":\"$1\"," '$1 == "snapshot" { name = $2 } $0 == said { print name }' "$SCRATCH/all.published" >"$SCRATCH/was.published"
}

report_bad_groups() {
  # Where nothing is pruned, nobody has looked yet.
  [ -f "$SCRATCH/groups.bad" ] || groups_read || return 0
  [ ! -s "$SCRATCH/groups.bad" ] ||
    caveat "these groups are ignored, and nothing is restored from them; find out why, then delete their snapshots: $(bad_groups)"
  [ ! -s "$SCRATCH/groups.doubtful" ] ||
    caveat "these groups are doubtful: they are kept, and restored only by their ids: $(doubtful_groups). $(how_to_settle)"
}

tidy() {
  prune || log "WARNING: pruning failed; the new group is published, and the next run prunes again: $(repository_reason)"
  report_last_of_volumes
  report_bad_groups
  remove_leftovers || log "WARNING: leftovers of earlier runs could not be removed; the next run tries again: $(api_reason)"
}
