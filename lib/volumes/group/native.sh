# shellcheck shell=sh
# A group that the driver takes at one instant: a VolumeGroupSnapshot. What its functions are for, coordinated.sh says.
#
# The controller makes a VolumeSnapshot for each claim when the group has been cut; they belong to the VolumeGroupSnapshot
# (ownerReferences), and are deleted with it and in no other way. (kubernetes-csi/external-snapshotter, createSnapshotsForGroupSnapshotContent.)
#
# environment:
#   GROUP_API        its API: groupsnapshot.storage.k8s.io/v1beta2
#   GROUP_SELECTOR   the labels of its claims
#   SNAPSHOT_CLASS   the VolumeGroupSnapshotClass, or empty: the default

# shellcheck source=lib/volumes/group/coordinated.sh
. "$BACKUP_HOME/kubectl/coordinated.sh"

NATIVE=volumegroupsnapshots.${GROUP_API##*/}.groupsnapshot.storage.k8s.io

group_check() {
  may create volumegroupsnapshots.groupsnapshot.storage.k8s.io
  may delete volumegroupsnapshots.groupsnapshot.storage.k8s.io
  may patch volumesnapshots.snapshot.storage.k8s.io
  api get "$NATIVE" -l "$OURS" -o name >/dev/null || die "group snapshots cannot be listed: $(api_reason). Nothing was touched"
  class_check "volumegroupsnapshotclass.${GROUP_API##*/}.groupsnapshot.storage.k8s.io"
  claims_with "$GROUP_SELECTOR" >"$SCRATCH/selected"
  cut -f 1 "$SCRATCH/claims" >"$SCRATCH/intended"
  awk -v words="$(printf %s "$GROUP_SELECTOR" | tr , ' ')" 'FILENAME == ARGV[1] { selected[$1]; next }
    { intended[$1] } !($1 in selected) { print "claim " $1 " belongs to the group but lacks its labels: kubectl label --overwrite pvc " $1 " " words }
    END { for (claim in selected) if (!(claim in intended)) print "claim " claim " has the labels of the group but is not a member: add it to the members, or select by another label" }' \
    "$SCRATCH/selected" "$SCRATCH/intended" >"$SCRATCH/claims.missing"
  [ ! -s "$SCRATCH/claims.missing" ] || refuse "$(awk '{ printf "%s%s", sep, $0; sep = "; " }' "$SCRATCH/claims.missing"). Nothing was touched"
}

group_create() {
  {
    printf 'apiVersion: %s\nkind: VolumeGroupSnapshot\nmetadata:\n  name: %s\n' "$GROUP_API" "$(group_name "$POINT")"
    metadata cdk8s-backup/operation snapshot
    printf 'spec:\n  source:\n    selector:\n      matchLabels:\n'
    printf '%s\n' "$GROUP_SELECTOR" | tr ',' '\n' | sed 's/^\(.*\)=\(.*\)$/        \1: "\2"/'
    [ -z "$SNAPSHOT_CLASS" ] || printf '  volumeGroupSnapshotClassName: %s\n' "$SNAPSHOT_CLASS"
  } >"$SCRATCH/create.yaml"
  create "$SCRATCH/create.yaml"
  about group "$(group_name "$POINT")"
}

group_cut() { # ID
  api get "$NATIVE" "$(group_name "$1")" -o go-template='{{.metadata.name}}	-	{{with .status}}{{with .creationTime}}{{.}}{{else}}-{{end}}	{{with .readyToUse}}true{{else}}false{{end}}{{else}}-	false{{end}}	-	-	{{with .status}}{{with .error}}{{with .message}}{{printf "%q" .}}{{else}}"no message"{{end}}{{else}}-{{end}}{{else}}-{{end}}	{{.metadata.uid}}
'
}

group_snapshots() { # ID
  group_cut "$1" >"$SCRATCH/group" && snapshots_by all >"$SCRATCH/snapshots.all" || return 1
  awk -F '\t' 'FILENAME == ARGV[1] { uid = $8; next } index(" " $8, " " uid " ")' "$SCRATCH/group" "$SCRATCH/snapshots.all"
  # The group has a verdict of its own beside theirs.
  awk -F '\t' -v OFS='\t' '$4 != "true" || $7 != "-"' "$SCRATCH/group"
}

group_label() {
  while IFS="$TAB" read -r name _; do
    api label "$SNAPSHOTS" "$name" --overwrite "cdk8s-backup/series=$SERIES" "cdk8s-backup/recovery-point=$POINT" \
      app.kubernetes.io/managed-by=cdk8s-backup app.kubernetes.io/part-of=backup >/dev/null </dev/null || return 1
  done <"$SCRATCH/state"
}

group_discard() { # ID
  api delete "$NATIVE" -l "$OURS,cdk8s-backup/recovery-point=$1" --ignore-not-found --wait=false >/dev/null &&
    # Of a group that was made one by one.
    api delete "$SNAPSHOTS" -l "$OURS,cdk8s-backup/recovery-point=$1" --ignore-not-found --wait=false >/dev/null
}

group_leftovers() { { ids_of "$NATIVE" && ids_of "$SNAPSHOTS"; } >"$SCRATCH/leftovers.all" && LC_ALL=C sort -u "$SCRATCH/leftovers.all"; }
