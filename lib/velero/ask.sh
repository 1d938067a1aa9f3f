# shellcheck shell=sh
# What Velero's objects say, field by field.

# Reads fields of an object, for `answer`. Fails when it is not there; ends the run when it cannot be asked.
ask() { # RESOURCE NAME FIELDS: JSONPath, with | between them
  ! api get "$1" "$2" -o "jsonpath=$3" >"$SCRATCH/answer" || return 0
  ! not_found || return 1
  ! grep -q "doesn't have a resource type" "$SCRATCH/api.err" ||
    die "the cluster has no $1: install Velero, with \`velero install\` or its Helm chart"
  die "$1 $2 cannot be read: $(api_reason)"
}

# The backups of a schedule, the newest first: to $SCRATCH/backups
#   BEGAN|NAME|PHASE|HOOKS ATTEMPTED|FAILED|ERRORS|LOCATION|WARNINGS|CSI SNAPSHOTS ATTEMPTED|COMPLETED|OTHER SNAPSHOTS ATTEMPTED|COMPLETED
#   |OPERATIONS ATTEMPTED|COMPLETED|FAILED|ITEMS|WHY
# As old as Velero says that they are: in a new cluster all of them were created when Velero found them in the bucket, in any order.
# Of those that it has not begun, or has refused, only the cluster knows the time; no bucket holds them.
list_backups() { # SCHEDULE
  api get backups.velero.io -l "velero.io/schedule-name=$1" -o 'jsonpath={range .items[*]}{.status.startTimestamp}|{.metadata.creationTimestamp}|{.metadata.name}|{.status.phase}|{.status.hookStatus.hooksAttempted}|{.status.hookStatus.hooksFailed}|{.status.errors}|{.spec.storageLocation}|{.status.warnings}|{.status.csiVolumeSnapshotsAttempted}|{.status.csiVolumeSnapshotsCompleted}|{.status.volumeSnapshotsAttempted}|{.status.volumeSnapshotsCompleted}|{.status.backupItemOperationsAttempted}|{.status.backupItemOperationsCompleted}|{.status.backupItemOperationsFailed}|{.status.progress.itemsBackedUp}|{.status.failureReason}{.status.validationErrors}{"\n"}{end}' \
    >"$SCRATCH/backups.unsorted" || die "the backups cannot be read: $(api_reason)"
  # A reason may have several lines.
  sed -n -e 's/^\([0-9]\{4\}-[^|]*\)|[^|]*|/\1|/p' -e 's/^|\([0-9]\{4\}-\)/\1/p' "$SCRATCH/backups.unsorted" | LC_ALL=C sort -r >"$SCRATCH/backups"
}

# Leaves in $SCRATCH/backups those that are of a location. Others have the same label: those that another cluster has made by a schedule
# of the same name, and whose bucket is read here.
only_of() { # LOCATION
  mv "$SCRATCH/backups" "$SCRATCH/backups.all"
  awk -F '|' -v location="$1" '$7 == location || $7 == ""' "$SCRATCH/backups.all" >"$SCRATCH/backups"
  awk -F '|' -v location="$1" '$7 != location && $7 != ""' "$SCRATCH/backups.all" >"$SCRATCH/elsewhere"
}

# How many those of other locations are, and the newest; nothing when there are none.
elsewhere() {
  awk -F '|' 'NR == 1 { newest = $2 " of " $1 " in " $7 } END { if (NR) printf "%d in other locations, the newest %s", NR, newest }' "$SCRATCH/elsewhere"
}

# What is taken where a schedule names none, for `answer`; empty: there is none.
ask_default_location() {
  api get backupstoragelocations.velero.io -o 'jsonpath={range .items[?(@.spec.default==true)]}{.metadata.name}{"\n"}{end}' >"$SCRATCH/answer" ||
    die "the storage locations cannot be read: $(api_reason)"
}

# How long ago something was.
ago() { # TIME
  age=$(($(date +%s) - $(epoch "$1")))
  if [ "$age" -lt 0 ]; then echo 'in the future: a clock is wrong'; else echo "$(in_words "$age") ago"; fi
}

# The first of them that has come to an end: those that are still going on say nothing yet.
newest_ended() {
  awk -F '|' '$3 !~ /^(|New|Queued|ReadyToStart|InProgress|WaitingForPluginOperations|WaitingForPluginOperationsPartiallyFailed|Finalizing|FinalizingPartiallyFailed|Deleting)$/ { print; exit }' "$SCRATCH/backups"
}

# How many of what was begun has not come to its end; nothing when all of it has.
unfinished() { # WHAT ATTEMPTED COMPLETED
  [ "$(number "$2")" -le "$(number "$3")" ] || printf 'only %s of %s %s were completed' "$(number "$3")" "$(number "$2")" "$1"
}

number() { printf %s "${1:-0}"; }

# Of hooks that failed, how many of how many.
hooks_failed() { # FAILED ATTEMPTED
  [ "$(number "$1")" = 0 ] || printf '%s of %s hooks failed' "$1" "$(number "$2")"
}

# One of them; empty where it is not said.
answer() { cut -d '|' -f "$1" "$SCRATCH/answer" | head -n 1; } # NUMBER
