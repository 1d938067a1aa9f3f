# shellcheck shell=sh
# Claims that are made from the snapshots of a group. Source it after api.sh and groups.sh.
#
# environment:
#   POD_NAME        by which a run knows the claims that it has made
#   STORAGE_CLASS   the StorageClass of the claims, or empty: that of the claim that was snapshotted

TAB=$(printf '\t')

# Chooses $POINT, as choose_point does, and says of groups that cannot be chosen why. A doubtful one is only for who names it.
choose_group() { # WANTED
  list_points
  unfit=$(why_group bad "$1")
  [ -z "$unfit" ] || refuse "nothing can be restored from group $1: $unfit"
  doubt=$(why_group doubtful "$1")
  if [ -n "$doubt" ]; then
    POINT=$1
    export POINT
    outcome id "$POINT"
    caveat "group $POINT is doubtful, and may hold a later state of its volumes: $doubt. $(how_to_settle)"
    return 0
  fi
  [ -s "$SCRATCH/points.all" ] || { [ ! -s "$SCRATCH/groups.bad" ] && [ ! -s "$SCRATCH/groups.doubtful" ]; } || die "$(none_is_good)"
  choose_point "$1"
}

none_is_good() {
  printf 'no group of series %s is good' "$SERIES"
  [ ! -s "$SCRATCH/groups.bad" ] || printf ': %s' "$(bad_groups)"
  [ ! -s "$SCRATCH/groups.doubtful" ] ||
    printf '; these are doubtful, and are restored only if the request names one by its id: %s. %s' "$(doubtful_groups)" "$(how_to_settle)"
}

# Leaves the volumes of group $POINT in $SCRATCH/volumes, as volumes.awk prints them.
group_volumes() {
  group_manifest "$POINT" || die "the manifest of group $POINT cannot be read: $(api_reason)"
  awk -f "$BACKUP_HOME/kubectl/volumes.awk" "$SCRATCH/manifest.json" >"$SCRATCH/volumes"
  outcome bytes "$(manifest_field "$SCRATCH/manifest.json" bytes)"
  manifest_caveats "$SCRATCH/manifest.json" >"$SCRATCH/caveats.of-group"
  while IFS= read -r group_caveat; do caveat "group $POINT: $group_caveat"; done <"$SCRATCH/caveats.of-group"
  newer=$(bad_groups "$POINT")
  [ -z "$newer" ] || caveat "newer than group $POINT, but not usable: $newer"
  newer=$(doubtful_groups "$POINT")
  [ -z "$newer" ] || caveat "newer than group $POINT, but doubtful, so they are restored only by their ids: $newer"
}

volume_of() { awk -F '\t' -v claim="$1" '$1 == claim' "$SCRATCH/volumes"; } # CLAIM: its line

# Prints a claim NAME whose volume begins as the snapshot of CLAIM; its labels come from stdin, as lines of YAML. The first of a name counts.
claim_from_snapshot() { # CLAIM NAME
  volume_of "$1" >"$SCRATCH/volume"
  IFS=$TAB read -r _ snapshot class size modes mode _ <"$SCRATCH/volume"
  [ -z "$STORAGE_CLASS" ] || class=$STORAGE_CLASS
  printf 'apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: %s\n  annotations:\n    cdk8s-backup/restored-from: %s\n    cdk8s-backup/restored-by: %s\n' "$2" "$POINT" "$POD_NAME"
  printf '  labels:\n'
  { cat; echo 'app.kubernetes.io/managed-by: cdk8s-backup'; } | awk 'NF && !seen[$1]++ { print "    " $0 }'
  printf 'spec:\n  accessModes:\n'
  if [ "$modes" = - ]; then modes=ReadWriteOnce; fi
  printf '%s\n' "$modes" | tr ' ' '\n' | sed 's/^/    - /'
  [ "$class" = - ] || printf '  storageClassName: %s\n' "$class"
  [ "$mode" = - ] || printf '  volumeMode: %s\n' "$mode"
  printf '  resources:\n    requests:\n      storage: "%s"\n' "$size"
  printf '  dataSource:\n    apiGroup: snapshot.storage.k8s.io\n    kind: VolumeSnapshot\n    name: %s\n' "$snapshot"
}

# Says so when a claim was given a volume that was there already. Where one of its class is free, such as one that was kept of a claim that
# is gone, nobody looks at what the claim is to be made from: not even when its provisioner has been asked for a new one. Who deletes the
# claim may delete that volume. A volume that is made for a claim has the claim's uid in its name, or the first digits of it. Leaves `UID VOLUME
# PROVISIONER` of the claim in $SCRATCH/bound, - for nothing. (kubernetes/kubernetes, findMatchingVolume; kubernetes-csi/external-provisioner,
# makeVolumeName, by --volume-name-prefix and --volume-name-uuid-length.)
kept_volume() { # NAME
  # shellcheck disable=SC2016 # variables of the template
  api get persistentvolumeclaim "$1" -o go-template='{{.metadata.uid}} {{with .spec.volumeName}}{{.}}{{else}}-{{end}} {{with .metadata.annotations}}{{with index . "volume.kubernetes.io/storage-provisioner"}}{{.}}{{else}}-{{end}}{{else}}-{{end}}
' >"$SCRATCH/bound" </dev/null || return 1
  read -r uid volume provisioner <"$SCRATCH/bound"
  [ "$volume" != - ] || return 0
  [ "$provisioner" = - ] || ! is_made_for "$uid" "$volume" || return 0
  echo "claim $1 was given the volume $volume, which was there already, and not one made from its snapshot: it holds nothing of the group, as its name lacks the claim's uid. Set its persistentVolumeReclaimPolicy to Retain, delete the claim, and give the volume a claimRef or another class, so that no claim takes it"
}

# Six digits are none by chance.
is_made_for() { # UID VOLUME
  case $2 in *-"$1") return 0 ;; *-??????*) ;; *) return 1 ;; esac
  digits=${2##*-}
  [ "${#digits}" -ge 6 ] || return 1
  case $(printf %s "$1" | tr -d -) in "$digits"*) ;; *) return 1 ;; esac
}

# Says so when the volume of a claim is none of the snapshot of CLAIM. A driver makes a volume of a snapshot of its own, or none; what is no
# driver of snapshots makes an empty one, and says nothing. (kubernetes-csi/external-provisioner, getSnapshotSource.) Where nobody in the
# namespace knows the driver, the claim is added to $SCRATCH/unproven.
foreign_volume() { # CLAIM NAME
  kept=$(kept_volume "$2") || return 1
  [ -z "$kept" ] || { echo "$kept"; return 0; }
  read -r _ volume provisioner <"$SCRATCH/bound"
  [ "$volume" != - ] || return 0
  volume_of "$1" >"$SCRATCH/volume"
  IFS=$TAB read -r _ _ _ _ _ _ _ driver _ <"$SCRATCH/volume"
  driver=$(csi_name "$driver")
  case $driver in
    "$(csi_name "$provisioner")") return 0 ;;
    - | kubernetes.io/*) echo "$2 (made by $provisioner)" >>"$SCRATCH/unproven" && return 0 ;;
  esac
  echo "the volume of claim $2 was made by $provisioner, but the snapshot is from $driver, and only that driver makes volumes from it: the volume holds nothing of the group. Name a StorageClass of that driver"
}

# What a driver that was Kubernetes' own is called now. (kubernetes/csi-translation-lib, plugins.)
csi_name() { # DRIVER
  case $1 in
    kubernetes.io/aws-ebs) echo ebs.csi.aws.com ;;
    kubernetes.io/azure-disk) echo disk.csi.azure.com ;;
    kubernetes.io/azure-file) echo file.csi.azure.com ;;
    kubernetes.io/cinder) echo cinder.csi.openstack.org ;;
    kubernetes.io/gce-pd) echo pd.csi.storage.gke.io ;;
    kubernetes.io/portworx-volume) echo pxd.portworx.com ;;
    kubernetes.io/rbd) echo rbd.csi.ceph.com ;;
    kubernetes.io/vsphere-volume) echo csi.vsphere.vmware.com ;;
    *) echo "$1" ;;
  esac
}

claim_phase() { api get persistentvolumeclaim "$1" -o go-template='{{.status.phase}}'; } # NAME

# What the cluster said last of a claim that has no volume yet. Events come in no order.
claim_events() { # NAME
  api get events --field-selector "involvedObject.kind=PersistentVolumeClaim,involvedObject.name=$1" -o go-template='{{range .items}}{{with .lastTimestamp}}{{.}}{{else}}{{.metadata.creationTimestamp}}{{end}} {{.reason}}: {{.message}}
{{end}}' | LC_ALL=C sort | grep ' ' | tail -n 1 | cut -d ' ' -f 2- || :
}
