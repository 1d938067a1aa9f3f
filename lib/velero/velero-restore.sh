#!/bin/sh
# Has Velero restore a backup, and waits for its end.
#
# environment, beside lib.sh's:
#   NAMESPACE   Velero's, in which this pod is
#   SERIES      what Restores are called, before what the API adds
#   BACKUP      the Backup; empty: the newest of SCHEDULE that was completed
#   SCHEDULE    the Schedule, where there is one
#   SPEC        what else the Restore says: a JSON object that is not empty, without its source
# A Restore that was begun goes on, whatever becomes of this pod.
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/core/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
# shellcheck source=lib/velero/ask.sh
. "$BACKUP_HOME/kubectl/ask.sh"

# Leaves in $BACKUP what the Restore is of. A schedule's newest that is whole is named here: Velero would choose it without a word.
choose_backup() {
  if [ -z "$BACKUP" ]; then
    [ -n "$SCHEDULE" ] || refuse "no backup is named: write its name into the ConfigMap $SERIES-request, as \`backup\`"
    list_own
    newest=$(newest_ended) others=$(elsewhere)
    whole=$(awk -F '|' '$3 == "Completed" { print; exit }' "$SCRATCH/backups")
    [ -n "$whole" ] || refuse "the Schedule $SCHEDULE has no Backup that is Completed${location:+ in $location}${newest:+; the newest, $(field_of "$newest" 2), is $(field_of "$newest" 3)}${others:+; there are $others: to have one of them, name it in the ConfigMap $SERIES-request}; nothing was restored"
    BACKUP=$(field_of "$whole" 2) began=$(field_of "$whole" 1)
    chosen="restored is $BACKUP of $began, $(age_of "$began")"
    [ "$newest" = "$whole" ] ||
      chosen="$chosen, and not the newer $(field_of "$newest" 2) of $(field_of "$newest" 1), which is $(field_of "$newest" 3): name it in the ConfigMap $SERIES-request to have that one"
    # Nobody has named it.
    caveat "$chosen"
    [ -z "$others" ] || caveat "of the same schedule name there are $others: to have one of them, name it in the ConfigMap $SERIES-request"
    return 0
  fi
  ask backups.velero.io "$BACKUP" '{.status.phase}' ||
    refuse "there is no Backup $BACKUP in namespace $NAMESPACE: choose one of \`velero backup get\`; nothing was restored"
  case $(answer 1) in
    Completed) ;;
    PartiallyFailed) caveat "the backup $BACKUP is whole in part only: look at \`velero backup describe $BACKUP --details\`" ;;
    *) refuse "the backup $BACKUP is $(answer 1): choose one that is Completed; nothing was restored" ;;
  esac
}

# The schedule's backups that are of its location.
list_own() {
  list_backups "$SCHEDULE"
  : >"$SCRATCH/elsewhere"
  location=
  # In a new cluster there may be its backups, and not yet the schedule.
  if ask schedules.velero.io "$SCHEDULE" '{.spec.template.storageLocation}'; then
    location=$(answer 1)
    if [ -z "$location" ]; then
      ask_default_location
      location=$(answer 1)
    fi
  fi
  if [ -n "$location" ]; then
    only_of "$location"
    return 0
  fi
  locations=$(cut -d '|' -f 7 "$SCRATCH/backups" | grep . | sort -u | tr '\n' ' ')
  case ${locations% } in
    *' '*) refuse "the backups of the schedule name $SCHEDULE are of several locations (${locations% }), and there is no Schedule $SCHEDULE in namespace $NAMESPACE, or no default location, to say which is its own: name a Backup in the ConfigMap $SERIES-request; nothing was restored" ;;
  esac
}

field_of() { printf '%s\n' "$1" | cut -d '|' -f "$2"; } # LINE NUMBER

begin() {
  printf '{"apiVersion":"velero.io/v1","kind":"Restore","metadata":{"generateName":"%s-","namespace":"%s"},"spec":{"backupName":%s,%s}' \
    "$SERIES" "$NAMESPACE" "$(json_string "$BACKUP")" "${SPEC#\{}" >"$SCRATCH/restore.json"
  api create --validate=false -f "$SCRATCH/restore.json" -o 'jsonpath={.metadata.name}' >"$SCRATCH/name" ||
    die "the Restore cannot be made: $(api_reason); nothing was restored"
}

# Until Velero says that it has come to an end; a request that fails is asked again.
await() { # RESTORE
  told=$(date +%s)
  until api get restores.velero.io "$1" -o 'jsonpath={.status.phase}|{.status.errors}|{.status.warnings}|{.status.hookStatus.hooksFailed}|{.status.hookStatus.hooksAttempted}|{.status.progress.itemsRestored}|{.status.restoreItemOperationsAttempted}|{.status.restoreItemOperationsCompleted}|{.status.failureReason}{.status.validationErrors}' >"$SCRATCH/answer" &&
    case $(answer 1) in Completed | PartiallyFailed | Failed | FailedValidation) ;; *) false ;; esac; do
    [ -s "$SCRATCH/answer" ] || ! forbidden || die "the Restore $1 is made, and what becomes of it cannot be asked: $(api_reason); look at \`velero restore describe $1\`"
    [ -s "$SCRATCH/answer" ] || ! not_found || die "somebody has deleted the Restore $1: what it had restored by then is in the cluster"
    if [ $(($(date +%s) - told)) -ge 60 ]; then
      told=$(date +%s)
      said=$(answer 1)
      log "waiting for the Restore $1: ${said:-$(api_reason)}"
    fi
    sleep 2
  done
}

judge() { # RESTORE
  phase=$(answer 1) errors=$(answer 2) warnings=$(answer 3) hooks=$(hooks_failed "$(answer 4)" "$(answer 5)") why=$(answer 9)
  [ "$phase" = Completed ] ||
    die "the restore $1 is $phase, with ${errors:-0} errors${hooks:+: $hooks}${why:+ ($why)}: what was restored is in the cluster; look at \`velero restore describe $1 --details\` and \`velero restore logs $1\`"
  [ -z "$hooks" ] ||
    die "$hooks in the restore $1: what was restored is in the cluster; look at \`velero restore logs $1\`"
  [ "$(number "$(answer 6)")" -gt 0 ] ||
    die "the restore $1 has restored nothing: the backup $BACKUP holds nothing of what is asked for; compare \`velero backup describe $BACKUP --details\` with the namespaces and resources of this restore, which are called as in the backup"
  less=$(unfinished 'operations, such as bringing back data,' "$(answer 7)" "$(answer 8)")
  [ -z "$less" ] ||
    die "$less in the restore $1: volumes are without their data; look at \`velero restore describe $1 --details\`"
  [ "${warnings:-0}" = 0 ] || caveat "Velero warns $warnings times: what was there already was left as it is (one is usual, for kube-root-ca.crt, which every namespace has); look at \`velero restore describe $1\`"
}

check_request
choose_backup
begin
restore=$(cat "$SCRATCH/name")
outcome id "$restore"
log "Velero restores: $restore"
await "$restore"
judge "$restore"
log "restored: $restore"
