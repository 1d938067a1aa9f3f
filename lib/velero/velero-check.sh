#!/bin/sh
# Whether Velero is what its backups rest on: it runs, its store can be reached, and the newest backup of a schedule is whole, of
# today, and its hooks were run.
#
# environment, beside lib.sh's:
#   NAMESPACE           Velero's, in which this pod is
#   VELERO_DEPLOYMENT   what Velero's Deployment is called
#   SERIES              the Schedule's name
#   STORAGE_LOCATION    the BackupStorageLocation's name; empty: the default one
#   NODE_AGENT          `yes`: volumes are copied or moved, which the node agent does
#   MAXIMUM_AGE         seconds since the newest good backup was begun
#   EXPECTED_HOOKS      how many hooks have to have been run in it, at least; empty: nobody has said
#   EXPECTED_VOLUMES    how many volumes have to be in it, at least; empty: nobody has said
#   MOVES_DATA          `yes`: the data of its snapshots is moved, each by an operation
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
# shellcheck source=lib/velero/ask.sh
. "$BACKUP_HOME/kubectl/ask.sh"

# Older ones ran post hooks before the volumes were copied (vmware-tanzu/velero#8159).
OLDEST=1.15.1

# Where the image's tag is a version, and before OLDEST.
too_old() { # VERSION
  printf '%s %s\n' "$1" "$OLDEST" | awk '{
    if ($1 !~ /^[0-9]+\.[0-9]+\.[0-9]+/) exit 1
    split($1, is, /[.-]/); split($2, least, ".")
    for (i = 1; i <= 3; i++) if (is[i] + 0 != least[i] + 0) exit is[i] + 0 > least[i] + 0
    exit 1
  }'
}

check_server() {
  ask deployment "$VELERO_DEPLOYMENT" '{.status.availableReplicas}|{.spec.template.spec.containers[0].image}' ||
    die "there is no Deployment $VELERO_DEPLOYMENT in namespace $NAMESPACE: install Velero there, with \`velero install\` or its Helm chart; if its Deployment has another name, set veleroDeployment"
  [ "$(answer 1)" -gt 0 ] 2>/dev/null ||
    die "no pod of Velero is available, so nothing is backed up or restored: look at \`kubectl -n $NAMESPACE describe deployment $VELERO_DEPLOYMENT\`"
  version=$(answer 2 | sed -n 's/.*:v\{0,1\}\([0-9][^@]*\).*/\1/p')
  ! too_old "$version" ||
    die "Velero is $version, which runs post hooks before the volumes are copied: upgrade it to $OLDEST or later"
}

check_location() {
  location=$STORAGE_LOCATION
  if [ -z "$location" ]; then
    ask_default_location
    location=$(answer 1)
    [ -n "$location" ] || die 'there is no default BackupStorageLocation, and the schedule names none: mark one as the default, or name one'
  fi
  ask backupstoragelocations.velero.io "$location" '{.status.phase}|{.status.message}' ||
    die "there is no BackupStorageLocation $location in namespace $NAMESPACE: apply it, or name another"
  why=$(answer 2)
  [ "$(answer 1)" = Available ] ||
    die "the BackupStorageLocation $location is not available (${why:-Velero has not looked at it yet}): backups there can be neither made nor restored; check bucket, credentials and network"
}

check_node_agent() {
  [ "$NODE_AGENT" = yes ] || return 0
  ask daemonset node-agent '{.status.desiredNumberScheduled}|{.status.numberReady}' ||
    die "there is no DaemonSet node-agent in namespace $NAMESPACE, which copies and moves volumes: install Velero with --use-node-agent"
  [ "$(answer 1)" -gt 0 ] 2>/dev/null || die 'the DaemonSet node-agent runs on no node: check its nodeSelector and tolerations'
  [ "$(answer 1)" = "$(answer 2)" ] ||
    die "only $(answer 2) of $(answer 1) pods of node-agent are ready, so volumes of the other nodes are not backed up: look at \`kubectl -n $NAMESPACE get pods\`"
}

check_schedule() {
  ask schedules.velero.io "$SERIES" '{.spec.paused}|{.status.phase}|{.status.validationErrors}' ||
    die "there is no Schedule $SERIES in namespace $NAMESPACE: apply it"
  [ "$(answer 1)" != true ] || die "the Schedule $SERIES is paused, and makes no backups: unpause it with \`velero schedule unpause $SERIES\`"
  [ "$(answer 2)" != FailedValidation ] || die "Velero refuses the Schedule $SERIES: $(answer 3)"
}

# How many volumes are in it; fails the run where that cannot be asked.
count_volumes() { # BACKUP
  volumes=$(($(number "$(answer 10)") + $(number "$(answer 12)")))
  [ "$MOVES_DATA" != yes ] || volumes=$((volumes + $(number "$(answer 14)")))
  # A label has no more than 63 characters; of a longer name Velero writes there another.
  api get podvolumebackups.velero.io -o 'jsonpath={range .items[?(@.status.phase=="Completed")]}{.spec.tags.backup}{"\n"}{end}' >"$SCRATCH/copied" ||
    die "could not find out which volumes were copied: $(api_reason)"
  volumes=$((volumes + $(grep -cxF -e "$1" "$SCRATCH/copied" || :)))
}

# What nobody has said of the backup, in words.
unexpected() {
  if [ -n "$EXPECTED_VOLUMES" ]; then
    echo 'whether hooks were run (expectedHooks)'
  elif [ -n "$EXPECTED_HOOKS" ]; then
    echo 'which volumes are in it (expectedVolumes)'
  else
    echo 'whether hooks were run (expectedHooks), and which volumes are in it (expectedVolumes)'
  fi
}

check_backup() {
  list_backups "$SERIES"
  only_of "$location"
  others=$(elsewhere)
  [ -z "$others" ] || log "there are backups of the same schedule name that are not its own: $others"
  newest_ended >"$SCRATCH/answer"
  began=$(answer 1) backup=$(answer 2) attempted=$(answer 4) failed=$(answer 5) why=$(answer 17)
  [ -n "$backup" ] || die "the Schedule $SERIES has no finished backup in $location${others:+ ($others, which are not its own)}: start one with \`velero backup create --from-schedule $SERIES\`"
  outcome id "$backup"
  hooks=$(hooks_failed "$failed" "$attempted")
  [ "$(answer 3)" = Completed ] ||
    die "the backup $backup is $(answer 3), with $(number "$(answer 6)") errors${hooks:+: $hooks}${why:+ ($why)}: look at \`velero backup describe $backup --details\` and \`velero backup logs $backup\`"
  [ -z "$hooks" ] ||
    die "$hooks in the backup $backup: what they should hold or dump is not reliable; look at \`velero backup logs $backup\`"
  [ "$(number "$attempted")" -ge "$(number "$EXPECTED_HOOKS")" ] ||
    die "only $(number "$attempted") of $EXPECTED_HOOKS hooks ran in the backup $backup: Velero runs the hooks of running pods that it backs up. Check the annotations on the pods, and that the pods were running"
  [ "$(number "$(answer 16)")" -gt 0 ] ||
    die "the backup $backup is empty: check what the Schedule $SERIES includes and excludes, and \`velero backup logs $backup\`"
  for less in "$(unfinished 'CSI snapshots' "$(answer 9)" "$(answer 10)")" "$(unfinished 'snapshots' "$(answer 11)" "$(answer 12)")" \
    "$(unfinished 'operations, such as moving data,' "$(answer 13)" "$(answer 14)")"; do
    [ -z "$less" ] || die "$less in the backup $backup, which lacks volumes: look at \`velero backup describe $backup --details\`"
  done
  [ "$(number "$(answer 15)")" = 0 ] ||
    die "$(answer 15) operations failed in the backup $backup, which lacks volumes: look at \`velero backup describe $backup --details\`"
  if [ "$(number "$EXPECTED_VOLUMES")" -gt 0 ]; then
    count_volumes "$backup"
    [ "$volumes" -ge "$EXPECTED_VOLUMES" ] ||
      die "only $volumes of $EXPECTED_VOLUMES volumes are in the backup $backup: check that CSI snapshots are enabled, that their VolumeSnapshotClass is labelled for Velero, and that the pods with these volumes are running; look at \`velero backup describe $backup --details\`"
  fi
  # A time of the future would be of today for as long as it is to come.
  ! is_after "$began" "$(date -u -d "@$(($(date +%s) + 600))" +%Y-%m-%dT%H:%M:%SZ)" ||
    die "the newest backup $backup was started at $began, which is in the future: the clock of Velero's node or of this node is wrong"
  is_after "$began" "$(date -u -d "@$(($(date +%s) - MAXIMUM_AGE))" +%Y-%m-%dT%H:%M:%SZ)" ||
    die "the newest good backup $backup was started at $began, more than $((MAXIMUM_AGE / 3600)) hours ago${others:+ ($others, which are not its own)}: look at \`velero schedule get\` and at Velero's log"
  if [ -z "$EXPECTED_HOOKS" ] || [ -z "$EXPECTED_VOLUMES" ]; then
    caveat "not checked: $(unexpected). No VeleroProtection and no VeleroDump names the Schedule $SERIES as its backup. Let them name it, or set how many are expected (0 if there are none)"
  fi
  [ "$(number "$(answer 8)")" = 0 ] ||
    caveat "Velero gave $(answer 8) warnings for the backup $backup: something, such as a volume, may be missing; look at \`velero backup describe $backup --details\`"
}

check_server
check_location
check_node_agent
check_schedule
check_backup
log "$backup of $began is complete; Velero, its store and its schedule are in order"
