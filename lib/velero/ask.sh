# shellcheck shell=sh
# What Velero's objects say, field by field.

# Reads fields of an object, for `answer`. Fails when it is not there; ends the run when it cannot be asked.
ask() { # RESOURCE NAME FIELDS: JSONPath, with | between them
  ! api get "$1" "$2" -o "jsonpath=$3" >"$SCRATCH/answer" || return 0
  ! not_found || return 1
  ! grep -q "doesn't have a resource type" "$SCRATCH/api.err" ||
    die "the cluster knows no $1: install Velero, with \`velero install\` or its Helm chart"
  die "$1 $2 cannot be read: $(api_reason)"
}

# The backups of a schedule, the newest first.
list_backups() { # SCHEDULE: to $SCRATCH/backups
  api get backups.velero.io -l "velero.io/schedule-name=$1" -o 'jsonpath={range .items[*]}{.metadata.creationTimestamp}|{.metadata.name}|{.status.phase}|{.status.startTimestamp}|{.status.hookStatus.hooksAttempted}|{.status.hookStatus.hooksFailed}|{.status.errors}|{.status.failureReason}{.status.validationErrors}{"\n"}{end}' \
    >"$SCRATCH/backups.unsorted" || die "the backups cannot be read: $(api_reason)"
  LC_ALL=C sort -r "$SCRATCH/backups.unsorted" | grep . >"$SCRATCH/backups" || :
}

# The first of them that has come to an end: those that are still going on say nothing yet.
newest_ended() {
  awk -F '|' '$3 !~ /^(|New|Queued|ReadyToStart|InProgress|WaitingForPluginOperations|WaitingForPluginOperationsPartiallyFailed|Finalizing|FinalizingPartiallyFailed|Deleting)$/ { print; exit }' "$SCRATCH/backups"
}

number() { printf %s "${1:-0}"; }

# Of hooks that failed, how many of how many.
hooks_failed() { # FAILED ATTEMPTED
  [ "$(number "$1")" = 0 ] || printf '%s of %s hooks failed' "$1" "$(number "$2")"
}

# One of them; empty where it is not said.
answer() { cut -d '|' -f "$1" "$SCRATCH/answer" | head -n 1; } # NUMBER
