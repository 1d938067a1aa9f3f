# shellcheck shell=sh
# The groups of volume snapshots of a series, as the API has them. Source it after lib.sh and api.sh.
#
# A group is a ConfigMap `<series>-<id in lower case>` with the labels cdk8s-backup/series, cdk8s-backup/recovery-point (its id) and
# app.kubernetes.io/component=recovery-point. It is made when every snapshot of the group can be used, and is deleted before them: what
# has no such ConfigMap does not exist. The annotation cdk8s-backup/verified says when a server was seen to start on it.
# Its key manifest.json has one entry a line:
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
#   "volumes":[                            by claim: its snapshot, and what a claim for it needs
#   {"claim":"data-db-0","snapshot":"shop-20261121t020000z-x7k2p-data-db-0","restoreSize":"1Gi","bytes":1073741824,"creationTime":"2026-11-21T02:00:03Z","snapshotClass":"csi","driver":"ebs.csi.aws.com","storageClass":"gp3","accessModes":"ReadWriteOnce","volumeMode":"Filesystem","size":"1Gi","member":"StatefulSet/db"}
#   ],
#   "quiesced":[                           by pod: how long its writes waited, at most; 0 where nothing was held
#   {"pod":"db-0","member":"StatefulSet/db","milliseconds":1234}
#   ],
#   "facts":{
#   "quiesced":1,
#   "volumes":1
#   }
#   }
# A value that is not known is empty. accessModes are separated by spaces.

SNAPSHOTS=volumesnapshots.v1.snapshot.storage.k8s.io
GROUPS_OF_SERIES="cdk8s-backup/series=$SERIES,app.kubernetes.io/component=recovery-point"

group_name() { printf '%s-%s' "$SERIES" "$(printf %s "$1" | tr '[:upper:]' '[:lower:]')"; } # ID

# Of every group: a line `group ID verified|unverified`, and a line `ID SNAPSHOT` for every snapshot of it.
groups_read() { # to $SCRATCH/groups and $SCRATCH/groups.snapshots
  api get configmaps -l "$GROUPS_OF_SERIES" -o go-template='{{range .items}}
group {{index .metadata.labels "cdk8s-backup/recovery-point"}} {{with .metadata.annotations}}{{if index . "cdk8s-backup/verified"}}verified{{else}}unverified{{end}}{{else}}unverified{{end}}
{{with .data}}{{index . "manifest.json"}}{{end}}{{end}}
' >"$SCRATCH/groups.raw" || return 1
  sed -n 's/^group //p' "$SCRATCH/groups.raw" >"$SCRATCH/groups"
  awk '/^group / { id = $2 }
    /^\{"claim":/ && match($0, /"snapshot":"[^"]*"/) { print id, substr($0, RSTART + 12, RLENGTH - 13) }' \
    "$SCRATCH/groups.raw" >"$SCRATCH/groups.snapshots"
}

# The snapshots of the series that can be used, and are not being deleted.
snapshots_ready() { # to $SCRATCH/snapshots.ready
  api get "$SNAPSHOTS" -l "cdk8s-backup/series=$SERIES" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{with .status}}{{if .readyToUse}}ready{{end}}{{end}} {{.metadata.name}}
{{end}}{{end}}' >"$SCRATCH/snapshots.raw" || return 1
  sed -n 's/^ready //p' "$SCRATCH/snapshots.raw" >"$SCRATCH/snapshots.ready"
}

# The groups of which every snapshot is there and can be used: `ID verified` or `ID unverified`, as retention.awk reads them. The
# others go to $SCRATCH/groups.bad: a group that nothing can be restored from counts for nothing.
groups_good() {
  groups_read && snapshots_ready || return 1
  awk 'FILENAME == ARGV[1] { ready[$1]; next }
    FILENAME == ARGV[2] { volumes[$1]++; if (!($2 in ready)) gone[$1]; next }
    { print (volumes[$1] > 0 && !($1 in gone) ? "good " : "bad ") $0 }' \
    "$SCRATCH/snapshots.ready" "$SCRATCH/groups.snapshots" "$SCRATCH/groups" >"$SCRATCH/groups.judged"
  sed -n 's/^bad \([^ ]*\) .*/\1/p' "$SCRATCH/groups.judged" >"$SCRATCH/groups.bad"
  sed -n 's/^good //p' "$SCRATCH/groups.judged"
}

# What lib.sh and retention.sh ask a repository for: groups are recovery points like all others.
repository_list() {
  groups_good && return 0
  api_reason >"$SCRATCH/repository.reason"
  return 1
}

# The manifest of a group.
group_manifest() { # ID: to $SCRATCH/manifest.json
  api get configmap "$(group_name "$1")" -o go-template='{{index .data "manifest.json"}}' >"$SCRATCH/manifest.json" || return 1
  [ "$(tail -n 1 "$SCRATCH/manifest.json")" = '}' ] && [ "$(manifest_field "$SCRATCH/manifest.json" id)" = "$1" ]
}
