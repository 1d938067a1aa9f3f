#!/bin/sh
# Proves the newest group of snapshots: makes a volume of each snapshot, has a job start the server on it and check it, and notes the
# group as verified when all are good. Volumes and jobs are deleted again, however it ends.
#
# environment, beside lib.sh's, lease.sh's and clones.sh's:
#   CHECKS          a line `CLAIM CRONJOB` for every volume: which CronJob's job checks it, on the claim <series>-verify-<claim>
#   MAXIMUM_AGE     seconds since the newest good group was begun
#   CHECK_TIMEOUT   seconds that a check may take, from its volume on; the deadline of its job
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/kubernetes/kubectl/api.sh
. "$BACKUP_HOME/api/api.sh"
# shellcheck source=lib/volumes/group/groups.sh
. "$BACKUP_HOME/kubectl/groups.sh"
# shellcheck source=lib/volumes/group/lease.sh
. "$BACKUP_HOME/kubectl/lease.sh"
# shellcheck source=lib/volumes/group/clones.sh
. "$BACKUP_HOME/kubectl/clones.sh"

clone_of() { printf '%s-verify-%s' "$SERIES" "$1"; } # CLAIM

discard() { # CLAIM CRONJOB
  api delete job "$2" --ignore-not-found --wait=false >/dev/null </dev/null || return 1
  if ! kept=$(kept_volume "$(clone_of "$1")"); then
    not_found
    return
  fi
  [ -z "$kept" ] || { echo "$kept. The claim is kept, as that volume might be deleted with it" >"$SCRATCH/api.err"; return 1; }
  api delete persistentvolumeclaim "$(clone_of "$1")" --ignore-not-found --wait=false >/dev/null </dev/null
}

finish() {
  rc=$?
  # From here on nothing interrupts, not even for kubectl.
  trap '' TERM INT HUP
  set +e
  API_LIMIT=10
  if [ -n "${checking:-}" ]; then
    # shellcheck disable=SC2086 # two words
    discard $checking || log "WARNING: the job and the volume for $checking are left over; the next run deletes them: $(api_reason)"
  fi
  lease_give_back
  exit "$rc"
}

# What nobody has looked at is not proven.
compare_checks() {
  printf '%s\n' "$CHECKS" | grep . >"$SCRATCH/checks"
  awk 'FILENAME == ARGV[1] { checked[$1]; next } !($1 in checked) { print $1 }' "$SCRATCH/checks" "$SCRATCH/volumes" >"$SCRATCH/unchecked"
  [ ! -s "$SCRATCH/unchecked" ] || refuse "nothing checks these claims of group $POINT: $(tr '\n' ' ' <"$SCRATCH/unchecked"); name them in the claims of a check"
  awk 'FILENAME == ARGV[1] { held[$1]; next } !($1 in held) { print $1 }' "$SCRATCH/volumes" "$SCRATCH/checks" >"$SCRATCH/missing"
  blocks=$(awk -F '\t' '$6 == "Block" { print $1 }' "$SCRATCH/volumes" | tr '\n' ' ')
  [ -z "$blocks" ] || refuse "these claims of group $POINT are block devices without a file system, which a check cannot mount: $blocks"
  [ ! -s "$SCRATCH/missing" ] || die "group $POINT has no volumes for these claims, which a check names: $(tr '\n' ' ' <"$SCRATCH/missing")"
}

# What cannot be asked at the moment may be there; what may not be asked is not waited for.
still_there() { # KIND NAME
  api get "$1" "$2" -o name >/dev/null </dev/null && return 0
  ! forbidden || die "could not find out whether the $1 $2 of an earlier run is gone: $(api_reason)"
  ! not_found
}

# An earlier run that was killed may have left some; a volume is deleted when the pod that has it is gone.
remove_leftovers() {
  while read -r claim job; do
    discard "$claim" "$job" || die "leftovers of an earlier run for claim $claim cannot be deleted: $(api_reason)"
  done <"$SCRATCH/checks"
  gone_until=$(($(date +%s) + 300)) told=$(date +%s)
  while read -r claim job; do
    while still_there job "$job" || still_there persistentvolumeclaim "$(clone_of "$claim")"; do
      [ "$(date +%s)" -lt "$gone_until" ] || die "the job $job or the claim $(clone_of "$claim") of an earlier run is still there: delete it by hand"
      if [ $(($(date +%s) - told)) -ge 60 ]; then
        told=$(date +%s)
        log "waiting until job $job and claim $(clone_of "$claim") of an earlier run are gone, for $((gone_until - told)) s more at most"
      fi
      sleep 1
    done
  done <"$SCRATCH/checks"
}

# Waits until the job has ended, and leaves in $end how: `Complete`, or `Failed` and why.
wait_for_job() { # CRONJOB
  end='' told=$(date +%s)
  # The job has a deadline of its own, and this one is only for when nobody enforces it.
  end_until=$(($(date +%s) + CHECK_TIMEOUT + 120))
  while :; do
    if api get job "$1" -o go-template='{{range .status.conditions}}{{if eq .status "True"}}{{.type}} {{with .reason}}{{.}}{{end}} {{with .message}}{{.}}{{end}}
{{end}}{{end}}' >"$SCRATCH/conditions"; then
      end=$(grep -E '^(Complete|Failed) ' "$SCRATCH/conditions" | head -n 1) || :
      [ -z "$end" ] || return 0
    elif not_found; then
      end='Failed Deleted: somebody has deleted the job'
      return 0
    fi
    [ "$(date +%s)" -lt "$end_until" ] || { end='Failed its deadline has passed, and the job did not end'; return 0; }
    if [ $(($(date +%s) - told)) -ge 60 ]; then
      told=$(date +%s)
      log "waiting for job $1, for $((end_until - told)) s more at most"
    fi
    sleep 1
  done
}

# What the check itself said, in the result line of its pod. Of a check whose answer nobody has read nothing is known, good or bad.
said_by_job() { # CRONJOB: to $SCRATCH/said
  said_until=$(($(date +%s) + 60))
  until api get pods -l "batch.kubernetes.io/job-name=$1" -o go-template='{{range .items}}{{range .status.containerStatuses}}{{with .state.terminated}}{{.message}}
{{end}}{{end}}{{end}}' >"$SCRATCH/said"; do
    { ! forbidden && [ "$(date +%s)" -lt "$said_until" ]; } || die "the verdict of job $1 on group $POINT cannot be read: $(api_reason)"
    sleep 2
  done
}

reason_said() { sed -n 's/.*,"reason":"\(.*\)"}$/\1/p' | sed 's/\\\(.\)/\1/g'; } # stdin: a result line

# What the cluster said last of what went wrong with a job since it was made, or with its pods, which may be gone; not how it ended.
last_warning() { # JOB MADE
  api get events --field-selector type=Warning -o go-template='{{range .items}}{{with .lastTimestamp}}{{.}}{{else}}{{.metadata.creationTimestamp}}{{end}} {{.involvedObject.kind}}/{{.involvedObject.name}} {{.reason}}: {{.message}}
{{end}}' >"$SCRATCH/events" </dev/null || return 0
  LC_ALL=C sort "$SCRATCH/events" | awk -v job="$1" -v made="$2" '
    $1 < made || $3 ~ /^(DeadlineExceeded|BackoffLimitExceeded):/ { next }
    $2 == "Job/" job || index($2, "Pod/" job "-") == 1 && substr($2, length(job) + 6) ~ /^[a-z0-9]+$/ { sub(/^[^ ]* [^ ]* /, ""); said = $0 }
    END { if (said != "") print "; the cluster said: " said }'
}

bad() { # CLAIM REASON
  log "ERROR: $1: $2"
  printf '%s: %s; ' "$1" "$2" >>"$SCRATCH/bad"
}

# Whether the clone has a volume, and one of its snapshot. A check writes to its volume, and must not to one that somebody has kept: where
# the class waits for the first pod, that is one that does nothing.
has_volume() { # CLAIM CRONJOB
  consumer=
  volume_until=$(($(date +%s) + CHECK_TIMEOUT)) told=$(date +%s)
  until [ "$(claim_phase "$clone" </dev/null)" = Bound ]; do
    waits_for=$(claim_events "$clone" </dev/null)
    case $consumer:$waits_for in :WaitForFirstConsumer:* | :WaitForPodScheduled:*) begin_consumer "$2" ;; esac
    if [ "$(date +%s)" -ge "$volume_until" ]; then
      bad "$1" "no volume was made from its snapshot within $CHECK_TIMEOUT s: $waits_for$([ -z "$consumer" ] || last_warning "$2" "$(cat "$SCRATCH/made")")"
      return 1
    fi
    if [ $(($(date +%s) - told)) -ge 60 ]; then
      told=$(date +%s)
      log "waiting for the volume of claim $clone, for $((volume_until - told)) s more at most: $waits_for"
    fi
    sleep 0.5
  done
  is_of_snapshot "$1" && end_consumer "$2"
}

# Places a pod as the check's, with the volume read-only, and with nothing that changes whom its files belong to.
begin_consumer() { # CRONJOB
  consumer=$1
  log "the class of claim $clone waits for a first pod: starting one of job $1 that does nothing"
  idle="{\"spec\":{\"template\":{\"spec\":{\"securityContext\":{\"fsGroup\":null},\"containers\":[{\"name\":\"check\",\"command\":[\"sh\",\"-c\",\"exit 0\"]}],\"volumes\":[{\"name\":\"data\",\"persistentVolumeClaim\":{\"claimName\":\"$clone\",\"readOnly\":true}}]}}}}"
  { api create job "$1" --from="cronjob/$1" --dry-run=client -o json >"$SCRATCH/job.json" </dev/null &&
    api patch --local -f "$SCRATCH/job.json" --type=strategic -p "$idle" -o json >"$SCRATCH/consumer.json" </dev/null &&
    api create -f "$SCRATCH/consumer.json" -o go-template='{{.metadata.creationTimestamp}}' >"$SCRATCH/made" </dev/null; } ||
    die "the job $1, which claim $clone waits for, could not be created: $(api_reason)"
}

# Its pod goes first: the check has its name.
end_consumer() { # CRONJOB
  [ -n "$consumer" ] || return 0
  api delete job "$1" --cascade=foreground --ignore-not-found --wait=false >/dev/null </dev/null ||
    die "the job $1, which claim $clone waited for, could not be deleted: $(api_reason)"
  gone_until=$(($(date +%s) + 300))
  while still_there job "$1"; do
    [ "$(date +%s)" -lt "$gone_until" ] || die "the job $1, which claim $clone waited for, is still there: delete it by hand"
    sleep 0.5
  done
}

is_of_snapshot() { # CLAIM
  foreign=$(foreign_volume "$1" "$clone") || foreign="could not find out which volume the claim $clone has: $(api_reason)"
  [ -n "$foreign" ] || return 0
  bad "$1" "$foreign"
  return 1
}

judge_check() { # CLAIM CRONJOB
  wait_for_job "$2"
  said_by_job "$2"
  said=$(grep '^{"what":"check",' "$SCRATCH/said" | tail -n 1) || :
  reason=$(printf '%s\n' "$said" | reason_said)
  phase=$(claim_phase "$clone" </dev/null) || :
  [ "$phase" != Bound ] || is_of_snapshot "$1" || return 0
  case $end:$said in
    Complete*:*'"verdict":"succeeded"'*)
      took=$(printf '%s' "$said" | sed -n 's/.*"restoreSeconds":\([0-9]*\),.*/\1/p')
      [ "${took:-0}" -le "$longest" ] || longest=$took
      log "$1 is good: $said"
      # What the check did not cover, the group's verdict does not either.
      [ -z "$reason" ] || caveat "$1: $reason"
      ;;
    *)
      if [ -z "$reason" ] && [ "$phase" = Pending ]; then
        reason="no volume was made from its snapshot within $CHECK_TIMEOUT s: $(claim_events "$clone" </dev/null)"
      fi
      # What has said nothing may never have begun.
      : "${reason:=the job $2 did not succeed: $end}"
      bad "$1" "$reason$([ -n "$said" ] || last_warning "$2" "$(cat "$SCRATCH/made")")"
      ;;
  esac
}

check_volume() { # CLAIM CRONJOB
  clone=$(clone_of "$1")
  checking="$1 $2"
  printf 'cdk8s-backup/series: %s\ncdk8s-backup/operation: check\n' "$SERIES" | claim_from_snapshot "$1" "$clone" >"$SCRATCH/clone.yaml"
  api create -f "$SCRATCH/clone.yaml" >/dev/null </dev/null || die "the claim $clone could not be created: $(api_reason)"
  if has_volume "$1" "$2"; then
    api create job "$2" --from="cronjob/$2" -o go-template='{{.metadata.creationTimestamp}}' >"$SCRATCH/made" </dev/null || die "the job $2 could not be created: $(api_reason)"
    log "checking $1: job $2 on claim $clone"
    judge_check "$1" "$2"
  fi
  if discard "$1" "$2"; then checking=''; else log "WARNING: the job and the volume of $1 could not be deleted: $(api_reason)"; fi
}

trap finish EXIT
trap 'exit 143' TERM INT HUP
lease_take
choose_group newest
group_volumes
compare_checks
remove_leftovers
longest=0
: >"$SCRATCH/bad"
while read -r claim job; do check_volume "$claim" "$job"; done <"$SCRATCH/checks"
[ ! -s "$SCRATCH/bad" ] || die "group $POINT is not good: $(sed 's/; $//' "$SCRATCH/bad")"
outcome restoreSeconds "$longest"
api annotate "$SNAPSHOTS" -l "$(snapshots_of "$POINT")" --overwrite "cdk8s-backup/verified=$(date -u +%Y-%m-%dT%H:%M:%SZ)" >/dev/null ||
  die "group $POINT is good, but this could not be noted: $(api_reason)"
groups_read || die "could not find out whether group $POINT is still there: $(api_reason)"
doubt=$(why_group doubtful "$POINT")
[ -z "$doubt" ] ||
  die "servers start on group $POINT, but it has become doubtful meanwhile, so it is restored only by its id: $doubt. $(how_to_settle)"
grep -qxF -e "$POINT verified" "$SCRATCH/groups.good" ||
  die "group $POINT was good, but is no longer complete: it, or a part of it, was deleted while it was being checked"
log "verified $POINT"
# Good as it is, what was written since is in no group.
age=$(age_of "$POINT")
[ "$age" -le "$MAXIMUM_AGE" ] ||
  die "group $POINT is good, but it is the newest, and was made $(in_words "$age") ago; at most $(in_words "$MAXIMUM_AGE") are allowed (maximumAge). Find out why $SERIES-snapshot makes no groups"
