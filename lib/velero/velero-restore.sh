#!/bin/sh
# Has Velero restore a backup, and waits for its end.
#
# environment, beside lib.sh's:
#   NAMESPACE           Velero's, in which this pod is
#   VELERO_DEPLOYMENT   what Velero's Deployment is called
#   SERIES              what Restores are called, before what this pod is called in the end
#   POD_NAME            by which a run knows the Restore that it has made
#   BACKUP              the Backup; empty: the newest of SCHEDULE that was completed
#   SCHEDULE            the Schedule, where there is one
#   SPEC                what else the Restore says: a JSON object that is not empty, without its source
#   VELERO_WAIT         seconds after which Velero has to have begun, unless it restores something else
# A Restore that was begun goes on, whatever becomes of this pod. One that was not is deleted with it: Velero would begin it on a day when
# nobody expects it any more.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
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
    [ -n "$whole" ] || refuse "the Schedule $SCHEDULE has no Backup that is Completed${location:+ in $location}${newest:+; the newest, $(field_of "$newest" 2), is $(field_of "$newest" 3)}${others:+; there are $others: to restore one of them, name it in the ConfigMap $SERIES-request}; nothing was restored"
    BACKUP=$(field_of "$whole" 2) began=$(field_of "$whole" 1)
    chosen="restoring $BACKUP from $began, $(ago "$began")"
    [ "$newest" = "$whole" ] ||
      chosen="$chosen, and not the newer $(field_of "$newest" 2) from $(field_of "$newest" 1), which is $(field_of "$newest" 3): to restore that one, name it in the ConfigMap $SERIES-request"
    # Nobody has named it.
    caveat "$chosen"
    [ -z "$others" ] || caveat "with the same schedule name, there are $others: to restore one of them, name it in the ConfigMap $SERIES-request"
    return 0
  fi
  ask backups.velero.io "$BACKUP" '{.status.phase}' ||
    refuse "there is no Backup $BACKUP in namespace $NAMESPACE: choose one of \`velero backup get\`; nothing was restored"
  case $(answer 1) in
    Completed) ;;
    PartiallyFailed) caveat "the backup $BACKUP is only partly complete: look at \`velero backup describe $BACKUP --details\`" ;;
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
    *' '*) refuse "the backups of the schedule name $SCHEDULE are in several locations (${locations% }), and no Schedule $SCHEDULE in namespace $NAMESPACE, or no default location, says which one counts: name a Backup in the ConfigMap $SERIES-request; nothing was restored" ;;
  esac
}

field_of() { printf '%s\n' "$1" | cut -d '|' -f "$2"; } # LINE NUMBER

# Under a name that is known before: what was made although the answer got lost would be begun on a day when nobody expects it any more.
begin() {
  restore=$SERIES-${POD_NAME##*-}
  printf '{"apiVersion":"velero.io/v1","kind":"Restore","metadata":{"name":"%s","namespace":"%s","annotations":{"cdk8s-backup/run":"%s"}},"spec":{"backupName":%s,%s}' \
    "$restore" "$NAMESPACE" "$POD_NAME" "$(json_string "$BACKUP")" "${SPEC#\{}" >"$SCRATCH/restore.json"
  unbegun=$restore
  api create --validate=false -f "$SCRATCH/restore.json" -o 'jsonpath={.metadata.name}|{.metadata.resourceVersion}' >"$SCRATCH/answer" || is_made
  version=$(answer 2)
}

# Whether it is there all the same, and this run's; ends the run when it is not, or when that cannot be asked.
is_made() {
  why="the Restore could not be created: $(api_reason)"
  begin_wait "an answer whether the Restore $restore was created" "$ANSWER_WAIT"
  until api get restores.velero.io "$restore" -o 'jsonpath={.metadata.name}|{.metadata.resourceVersion}|{.metadata.annotations.cdk8s-backup/run}' >"$SCRATCH/answer"; do
    if not_found; then
      unbegun=
      die "$why; nothing was restored"
    fi
    { ! forbidden && may_wait "$(api_reason)"; } ||
      die "$why. It may exist in spite of that, which could not be checked ($(api_reason)); Velero would then start it. Check, and delete it unless you want it to run (\`kubectl -n $NAMESPACE delete restores.velero.io $restore\`)"
    sleep 2
  done
  if [ "$(answer 3)" != "$POD_NAME" ]; then
    unbegun=
    die "$why. A Restore $restore that this job did not make exists already; nothing was restored"
  fi
  log "the answer was lost, but the Restore was created ($why)"
}
ANSWER_WAIT=120

# Deletes the Restore as Velero has not begun it. Fails when it has meanwhile, or it cannot be deleted.
take_back() {
  printf '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"resourceVersion":"%s"}}' "$version" >"$SCRATCH/delete.json"
  api delete --raw "/apis/velero.io/v1/namespaces/$NAMESPACE/restores/$unbegun" -f "$SCRATCH/delete.json" >/dev/null </dev/null || return 1
  unbegun=
}

# Of a Restore of this run that nobody has answered for.
find_made() {
  api get restores.velero.io "$restore" -o 'jsonpath={.metadata.name}|{.metadata.resourceVersion}|{.metadata.annotations.cdk8s-backup/run}|{.status.phase}' >"$SCRATCH/answer" &&
    [ "$(answer 3)" = "$POD_NAME" ] || return 0
  case $(answer 4) in '' | New) version=$(answer 2) ;; esac
}

# When this pod is told to end before Velero has begun.
finish() {
  set +e
  trap '' TERM INT HUP
  [ -n "$unbegun" ] || return 0
  [ -n "$version" ] || find_made
  if [ -n "$version" ] && take_back; then
    log "Velero had not started the Restore $restore: it is deleted, and nothing was restored"
  else
    log "WARNING: Velero had not started the Restore $restore, and it is still there: delete it unless you want it to run (\`kubectl -n $NAMESPACE delete restores.velero.io $restore\`)"
  fi
}

# Velero restores one after the other, and says nothing of those that wait for that. Leaves the one that it is at in $another.
restores_another() {
  another='' unasked=''
  available=$(api get deployment "$VELERO_DEPLOYMENT" -o 'jsonpath={.status.availableReplicas}') || { not_asked && return 1; }
  [ "${available:-0}" -gt 0 ] || return 1
  api get restores.velero.io -o 'jsonpath={range .items[?(@.status.phase=="InProgress")]}{.metadata.name}{"\n"}{end}' >"$SCRATCH/restoring" ||
    { not_asked && return 1; }
  another=$(head -n 1 "$SCRATCH/restoring")
  [ -n "$another" ]
}

# A request that fails is asked again; a right that is not there does not come.
not_asked() {
  unasked=", and it could not be found out whether it restores something else first ($(api_reason))"
  if forbidden && [ -z "$warned" ]; then
    warned=yes
    log "WARNING: could not find out whether Velero restores something else first: $(api_reason)"
  fi
}

# What is waited for, where Velero has said nothing of it; ends the run when that takes too long.
await_begin() {
  version=$(answer 9)
  if restores_another; then
    idle_since=$(date +%s)
    said="Velero restores $another first"
    return 0
  fi
  said="Velero has not started it yet$unasked: is Velero running? (\`kubectl -n $NAMESPACE get deployment $VELERO_DEPLOYMENT\`)"
  [ $(($(date +%s) - idle_since)) -ge "$VELERO_WAIT" ] || return 0
  not_begun="Velero did not start the Restore $restore within $((VELERO_WAIT / 60)) minutes$unasked: make sure that Velero is running (\`kubectl -n $NAMESPACE get deployment $VELERO_DEPLOYMENT\`, and its log)"
  ! take_back || die "$not_begun. The Restore is deleted again, and nothing was restored: start this job again when Velero is running"
  # It has come, or somebody else has deleted it: what is asked next says which.
  if conflicted || not_found; then
    idle_since=$(date +%s)
    return 0
  fi
  unbegun=
  die "$not_begun. The Restore is still there, as it could not be deleted ($(api_reason)), and Velero starts it as soon as it is running: delete it with \`kubectl -n $NAMESPACE delete restores.velero.io $restore\`"
}

# Until Velero says that it has come to an end; a request that fails is asked again.
await() {
  idle_since=$(date +%s)
  # As `may_wait`: after some seconds, and then once a minute.
  told=$((idle_since - 55))
  until api get restores.velero.io "$restore" -o 'jsonpath={.status.phase}|{.status.errors}|{.status.warnings}|{.status.hookStatus.hooksFailed}|{.status.hookStatus.hooksAttempted}|{.status.progress.itemsRestored}|{.status.restoreItemOperationsAttempted}|{.status.restoreItemOperationsCompleted}|{.metadata.resourceVersion}|{.status.failureReason}{.status.validationErrors}' >"$SCRATCH/answer" &&
    case $(answer 1) in Completed | PartiallyFailed | Failed | FailedValidation) ;; *) false ;; esac; do
    if [ ! -s "$SCRATCH/answer" ]; then
      said=$(api_reason)
      if forbidden; then
        unbegun=
        die "the Restore $restore was created, but its state cannot be read: $said; look at \`velero restore describe $restore\`"
      fi
      if not_found; then
        unbegun=
        die "the Restore $restore was deleted: what it had restored by then is in the cluster"
      fi
    else
      said=$(answer 1)
      case $said in '' | New) await_begin ;; *) unbegun= ;; esac
    fi
    if [ $(($(date +%s) - told)) -ge 60 ]; then
      told=$(date +%s)
      log "waiting for the Restore $restore: $said"
    fi
    sleep 2
  done
  unbegun=
}

judge() {
  phase=$(answer 1) errors=$(answer 2) warnings=$(answer 3) hooks=$(hooks_failed "$(answer 4)" "$(answer 5)") why=$(answer 10)
  [ "$phase" = Completed ] ||
    die "the restore $restore is $phase, with ${errors:-0} errors${hooks:+: $hooks}${why:+ ($why)}: what was restored is in the cluster; look at \`velero restore describe $restore --details\` and \`velero restore logs $restore\`"
  [ -z "$hooks" ] ||
    die "$hooks in the restore $restore: what was restored is in the cluster; look at \`velero restore logs $restore\`"
  [ "$(number "$(answer 6)")" -gt 0 ] ||
    die "the restore $restore has restored nothing: the backup $BACKUP holds nothing of what was requested; compare \`velero backup describe $BACKUP --details\` with the namespaces and resources of this restore, which must have the names that they have in the backup"
  less=$(unfinished 'operations, such as bringing back data,' "$(answer 7)" "$(answer 8)")
  [ -z "$less" ] ||
    die "$less in the restore $restore, so volumes lack their data: look at \`velero restore describe $restore --details\`"
  [ "${warnings:-0}" = 0 ] || caveat "Velero gave $warnings warnings: existing objects were left unchanged (one warning is usual, for kube-root-ca.crt, which every namespace has); look at \`velero restore describe $restore\`"
}

unbegun='' version='' warned=''
trap finish EXIT
trap 'exit 143' TERM INT HUP
check_request
choose_backup
begin
outcome id "$restore"
log "the Restore was created: $restore"
await
judge
log "restored: $restore"
