# shellcheck shell=sh
# A group of single VolumeSnapshots. The functions that snapshot.sh needs of a mode:
#   group_check       refuses what cannot work, before anything is touched
#   group_create      asks for every snapshot
#   group_cut ID      prints what has to be cut, by lines as below
#   group_snapshots ID   prints every snapshot of the group, by lines `NAME CLAIM CUT READY SIZE CLASS ERROR`, tab-separated; - for nothing
#   group_label       gives the snapshots the labels of the series and the group, where they have none yet
#   group_discard ID  deletes the snapshots of a group
#   group_leftovers   prints the ids of snapshots that are there
#
# environment:
#   SNAPSHOT_CLASS   the VolumeSnapshotClass, or empty: the default

# What this job has made, and not somebody's copy of it.
OURS="cdk8s-backup/series=$SERIES,cdk8s-backup/operation=snapshot"

group_check() {
  may patch volumesnapshots.snapshot.storage.k8s.io
  may create volumesnapshots.snapshot.storage.k8s.io
  may delete volumesnapshots.snapshot.storage.k8s.io
  api get "$SNAPSHOTS" -l "$OURS" -o name >/dev/null || die "snapshots cannot be listed: $(api_reason). Nothing was touched"
  class_check volumesnapshotclass.v1.snapshot.storage.k8s.io
}

# Classes belong to the cluster, and few may look at them. Who may not, hears of a missing one from the snapshots.
class_check() { # KIND
  [ -n "$SNAPSHOT_CLASS" ] || return 0
  api get "$1" "$SNAPSHOT_CLASS" -o name >/dev/null || ! not_found ||
    refuse "there is no $1 $SNAPSHOT_CLASS in the cluster. Nothing was touched"
}

metadata() { # KEY VALUE...: the labels of what belongs to a group
  printf '  labels:\n    app.kubernetes.io/managed-by: cdk8s-backup\n    app.kubernetes.io/part-of: backup\n    cdk8s-backup/series: %s\n    cdk8s-backup/recovery-point: %s\n' \
    "$SERIES" "$POINT"
  while [ $# -gt 0 ]; do
    printf '    %s: %s\n' "$1" "$2"
    shift 2
  done
}

group_create() {
  while read -r claim _; do
    printf -- '---\napiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshot\nmetadata:\n  name: %s-%s\n' "$(group_name "$POINT")" "$claim"
    metadata cdk8s-backup/operation snapshot
    printf 'spec:\n  source:\n    persistentVolumeClaimName: %s\n' "$claim"
    [ -z "$SNAPSHOT_CLASS" ] || printf '  volumeSnapshotClassName: %s\n' "$SNAPSHOT_CLASS"
  done <"$SCRATCH/claims" >"$SCRATCH/create.yaml"
  create "$SCRATCH/create.yaml"
}

group_cut() { group_snapshots "$1"; } # ID

group_snapshots() { snapshots_by "$OURS,cdk8s-backup/recovery-point=$1"; } # ID

snapshots_by() { # LABELS, or `all`
  if [ "$1" = all ]; then set --; else set -- -l "$1"; fi
  api get "$SNAPSHOTS" "$@" -o go-template='{{range .items}}{{.metadata.name}}	{{with .spec.source.persistentVolumeClaimName}}{{.}}{{else}}-{{end}}	{{with .status}}{{with .creationTime}}{{.}}{{else}}-{{end}}	{{with .readyToUse}}true{{else}}false{{end}}	{{with .restoreSize}}{{.}}{{else}}-{{end}}{{else}}-	false	-{{end}}	{{with .spec.volumeSnapshotClassName}}{{.}}{{else}}-{{end}}	{{with .status}}{{with .error}}{{with .message}}{{printf "%q" .}}{{else}}"no message"{{end}}{{else}}-{{end}}{{else}}-{{end}}	{{range .metadata.ownerReferences}}{{.uid}} {{end}}
{{end}}'
}

group_label() { :; }

group_discard() { # ID
  api delete "$SNAPSHOTS" -l "$OURS,cdk8s-backup/recovery-point=$1" --ignore-not-found --wait=false >/dev/null
}

group_leftovers() { ids_of "$SNAPSHOTS"; }

ids_of() { # RESOURCE
  # What is being deleted is nobody's any more.
  api get "$1" -l "$OURS" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{index .metadata.labels "cdk8s-backup/recovery-point"}}
{{end}}{{end}}' >"$SCRATCH/ids" && LC_ALL=C sort -u "$SCRATCH/ids"
}
