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

# What the Restore is of, as a field of its spec.
choose_source() {
  if [ -z "$BACKUP" ]; then
    [ -n "$SCHEDULE" ] || refuse "no backup is named: write its name into the ConfigMap $SERIES-request, as \`backup\`"
    printf '"scheduleName":%s' "$(json_string "$SCHEDULE")"
    return 0
  fi
  ask backups.velero.io "$BACKUP" '{.status.phase}' ||
    refuse "there is no Backup $BACKUP in namespace $NAMESPACE: choose one of \`velero backup get\`; nothing was restored"
  case $(answer 1) in
    Completed) ;;
    PartiallyFailed) log "WARNING: the backup $BACKUP is whole in part only" ;;
    *) refuse "the backup $BACKUP is $(answer 1): choose one that is Completed; nothing was restored" ;;
  esac
  printf '"backupName":%s' "$(json_string "$BACKUP")"
}

begin() { # SOURCE
  printf '{"apiVersion":"velero.io/v1","kind":"Restore","metadata":{"generateName":"%s-","namespace":"%s"},"spec":{%s,%s}' \
    "$SERIES" "$NAMESPACE" "$1" "${SPEC#\{}" >"$SCRATCH/restore.json"
  api create --validate=false -f "$SCRATCH/restore.json" -o 'jsonpath={.metadata.name}' >"$SCRATCH/name" ||
    die "the Restore cannot be made: $(api_reason); nothing was restored"
}

# Until Velero says that it has come to an end; a request that fails is asked again.
await() { # RESTORE
  until ask restores.velero.io "$1" '{.status.phase}|{.status.errors}|{.status.warnings}|{.status.hookStatus.hooksFailed}|{.status.failureReason}{.status.validationErrors}' &&
    case $(answer 1) in Completed | PartiallyFailed | Failed | FailedValidation) ;; *) false ;; esac; do
    sleep 2
  done
}

judge() { # RESTORE
  phase=$(answer 1) errors=$(answer 2) warnings=$(answer 3) failed=$(answer 4) why=$(answer 5)
  [ "$phase" = Completed ] ||
    die "the restore $1 is $phase, with ${errors:-0} errors${why:+ ($why)}: what was restored is in the cluster; look at \`velero restore describe $1 --details\` and \`velero restore logs $1\`"
  [ "${failed:-0}" = 0 ] ||
    die "$failed hooks failed in the restore $1: what was restored is in the cluster; look at \`velero restore logs $1\`"
  [ "${warnings:-0}" = 0 ] || log "WARNING: $warnings warnings: what was there already was left as it is; look at \`velero restore describe $1\`"
}

source=$(choose_source) || exit $?
begin "$source"
restore=$(cat "$SCRATCH/name")
outcome id "$restore"
log "Velero restores: $restore"
await "$restore"
judge "$restore"
log "restored: $restore"
