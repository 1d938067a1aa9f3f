# shellcheck shell=sh
# The groups of volume snapshots of a series, as the API has them. Source it after lib.sh and api.sh.
#
# A group is recorded on its own snapshots, so that whoever makes and prunes groups needs no right to write anything else:
#   labels        cdk8s-backup/series; cdk8s-backup/recovery-point, which is the group's id; cdk8s-backup/published: yes, or no once it is to go
#   annotations   cdk8s-backup/group, the manifest without its volumes; cdk8s-backup/volume, the snapshot's own line of it;
#                 cdk8s-backup/verified, when a server was seen to start on it
# The group exists when one of its snapshots is labelled as published. They are when each can be used and has its annotations, and the label
# says `no` before they are deleted. What has neither the label nor the annotations of a group is what a run that did not end well has left.
# What has the annotations, and no label any more, was good once, and is deleted by nobody but its owner.
# A group is good as long as all of its snapshots are there, can be used, and were cut when the manifest says. What some tool makes anew
# under the same name, annotations and all, is cut anew. When a VolumeSnapshotContent is lost, the snapshot controller has its snapshot cut
# anew, from the volume as it is now, and leaves the old creationTime where it is: all that shows it in the namespace is that readyToUse was
# written after the group was published, as the API server notes in managedFields. So what publishes has a name there of its own, whose time
# nobody else moves. (kubernetes-csi/external-snapshotter, syncUnreadySnapshot and updateSnapshotStatus.) An error that is written beside a
# readiness that stays, as of a class that is gone, moves that time too: of such a group it is not known whether it is as it was cut. It is
# doubtful: restored where somebody names it, chosen by nobody else, and not pruned.
# The manifest has one entry a line:
#   {
#   "format":1,
#   "id":"20261121T020000Z-x7k2p",
#   "series":"shop",
#   "engine":"volumes",
#   "started":"2026-11-21T02:00:00Z",
#   "finished":"2026-11-21T02:00:09Z",
#   "bytes":2147483648,                    the sum of the volumes'
#   "about":{
#   "cut":"2026-11-21T02:00:03Z",          when the last snapshot was cut
#   "group":"shop-20261121t020000z-x7k2p", native only: the VolumeGroupSnapshot
#   "mode":"coordinated"                   or native
#   },
#   "caveats":[                            what it does not cover
#   ],
#   "volumes":[                            by claim: its snapshot, and what a claim for it needs
#   {"claim":"data-db-0","snapshot":"shop-20261121t020000z-x7k2p-data-db-0","restoreSize":"1Gi","bytes":1073741824,"creationTime":"2026-11-21T02:00:03Z","snapshotClass":"csi","driver":"ebs.csi.aws.com","storageClass":"gp3","accessModes":"ReadWriteOnce","volumeMode":"Filesystem","size":"1Gi","volume":"pvc-3c1f0c8e-5d1b-4c7e-9b0a-0d6f4f6f2a11","uid":"8d3b2c1e-0f7a-4a57-9f0e-2b9a4c6d7e11","restoredFrom":"","restoredBy":"","labels":"app=db","member":"StatefulSet/db"}
#   ],
#   "quiesced":[                           by pod: how long its writes waited, at most; 0 where nothing was held
#   {"pod":"db-0","member":"StatefulSet/db","milliseconds":1234}
#   ],
#   "facts":{
#   "quiesced":1,
#   "volumes":1
#   }
#   }
# A value that is not known is empty. accessModes are separated by spaces. uid is the claim's; restoredFrom is the
# group that the claim was restored from, and restoredBy the pod that did.

SNAPSHOTS=volumesnapshots.v1.snapshot.storage.k8s.io
PUBLISHED=cdk8s-backup/published
PUBLISHER=cdk8s-backup-publish

group_name() { printf '%s-%s' "$SERIES" "$(printf %s "$1" | tr '[:upper:]' '[:lower:]')"; } # ID

snapshots_of() { printf 'cdk8s-backup/series=%s,cdk8s-backup/recovery-point=%s' "$SERIES" "$1"; } # ID: labels

# Reads every snapshot that belongs to a group, and judges the groups: see groups.awk.
groups_read() { # to $SCRATCH/groups.raw, and by kinds of lines to $SCRATCH/groups.good, .doubtful, .bad, .begun and .snapshot
  # shellcheck disable=SC2016 # variables of the template
  api get "$SNAPSHOTS" -l "cdk8s-backup/series=$SERIES,cdk8s-backup/recovery-point" -o go-template='{{range .items}}snapshot {{.metadata.name}} {{index .metadata.labels "cdk8s-backup/recovery-point"}} {{if .metadata.deletionTimestamp}}deleting{{else}}{{with .status}}{{if .readyToUse}}ready{{else}}waiting{{end}}{{else}}waiting{{end}}{{end}} {{with index .metadata.labels "cdk8s-backup/published"}}{{.}}{{else}}-{{end}} {{with .metadata.annotations}}{{if index . "cdk8s-backup/verified"}}verified{{else}}unverified{{end}}{{else}}unverified{{end}} {{with .status}}{{with .creationTime}}{{.}}{{else}}-{{end}}{{else}}-{{end}} -{{if .spec.source.persistentVolumeClaimName}}{{range .metadata.managedFields}}{{$time := .time}}{{with .fieldsV1}}{{with index . "f:status"}}{{range $field, $_ := .}}{{if eq $field "f:readyToUse"}},{{$time}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}} -{{range .metadata.managedFields}}{{if eq (print .manager) "cdk8s-backup-publish"}},{{.time}}{{end}}{{end}}{{with .status}}{{with .error}} {{with .message}}{{printf "%q" .}}{{else}}"no message"{{end}}{{end}}{{end}}
{{with .metadata.annotations}}{{with index . "cdk8s-backup/volume"}}{{.}}{{end}}
{{with index . "cdk8s-backup/group"}}{{.}}{{end}}{{end}}
{{end}}' >"$SCRATCH/groups.raw" || return 1
  awk -v series="$SERIES" -f "$BACKUP_HOME/kubectl/groups.awk" "$SCRATCH/groups.raw" >"$SCRATCH/groups.judged" || return 1
  for groups_kind in good doubtful bad begun snapshot; do
    sed -n "s/^$groups_kind //p" "$SCRATCH/groups.judged" >"$SCRATCH/groups.$groups_kind"
  done
}

# What lib.sh and retention.sh ask a repository for: groups are recovery points like all others. One that nothing can be restored from
# counts for nothing.
repository_list() {
  groups_read && cat "$SCRATCH/groups.good" && return 0
  api_reason >"$SCRATCH/repository.reason"
  return 1
}

# Why not: of groups that are newer than one, or of all, those that are not good.
bad_groups() { groups_and_why bad "${1:-}"; } # [ID]
doubtful_groups() { groups_and_why doubtful "${1:-}"; } # [ID]
groups_and_why() { # KIND ID
  awk -v than="$2" '$1 > than { id = $1; sub(/^[^ ]* [^ ]* /, ""); printf "%s%s (%s)", sep, id, $0; sep = "; " }' "$SCRATCH/groups.$1"
}
why_group() { awk -v id="$2" '$1 == id { sub(/^[^ ]* [^ ]* /, ""); print }' "$SCRATCH/groups.$1"; } # KIND ID

# How somebody finds out what is not to be seen in the namespace, and says so.
how_to_settle() {
  printf 'If each of its VolumeSnapshotContents was created before it was published, the group is as it was cut; then a new label, written with --field-manager=%s, makes it good again' "$PUBLISHER"
}

# The manifest of a group, whole.
group_manifest() { # ID: to $SCRATCH/manifest.json
  groups_read || return 1
  awk -v wanted="$1" -f "$BACKUP_HOME/kubectl/assemble.awk" "$SCRATCH/groups.raw" >"$SCRATCH/manifest.json"
  [ "$(tail -n 1 "$SCRATCH/manifest.json")" = '}' ] && [ "$(manifest_field "$SCRATCH/manifest.json" id)" = "$1" ]
}

# From the first label on it is there, and until the last one says no.
group_publish() { # ID MANIFEST
  api annotate "$SNAPSHOTS" -l "$(snapshots_of "$1")" --field-manager="$PUBLISHER" --overwrite "cdk8s-backup/group=$(cat "$2")" >/dev/null </dev/null &&
    api label "$SNAPSHOTS" -l "$(snapshots_of "$1")" --field-manager="$PUBLISHER" --overwrite "$PUBLISHED=yes" >/dev/null </dev/null
}

# In one word, as a run may end in between: what lacks the label alone would never be deleted.
group_unpublish() { # ID
  api label "$SNAPSHOTS" -l "$(snapshots_of "$1")" --overwrite "$PUBLISHED=no" >/dev/null </dev/null || not_found
}
