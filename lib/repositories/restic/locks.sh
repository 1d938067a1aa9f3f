# shellcheck shell=sh disable=SC2154,SC2086 # restic_limit is that of repository.sh; it and RESTIC_FLAGS are lists of words
# Locks of a restic repository that nobody holds any more.
#
# environment:
#   POD_NAME          this pod's name, by which earlier pods of the same CronJob are known
#   LOCK_DEAD_AFTER   seconds without a refresh after which a lock of such a pod is dead
#
# A restic that lives refreshes its lock every 5 minutes, and one that was killed leaves its lock behind. restic itself calls a lock
# stale after 30 minutes, or at once when it is of a process of the same host that is no more (internal/repository/lock.go,
# internal/repository/lock_file.go; restic's documentation, "Troubleshooting"). Pods have host names of their own, so that a pod
# that was killed in the middle of pruning would stop every backup for half an hour, and restic removes nothing unless it is told to.

: "${LOCK_DEAD_AFTER:=600}"

# To $SCRATCH/locks, one line a lock: ID TIME exclusive|shared HOST. One that cannot be read may be anybody's, and live.
look_at_locks() {
  by_proxy $restic_limit restic ${RESTIC_FLAGS:-} --quiet --no-lock list locks >"$SCRATCH/locks.ids" 2>/dev/null || return 1
  while read -r lock_id; do
    by_proxy $restic_limit restic ${RESTIC_FLAGS:-} --quiet --no-lock cat lock "$lock_id" 2>/dev/null </dev/null | awk -F '"' -v id="$lock_id" '
      $2 == "time" { time = $4 } $2 == "hostname" { host = $4 } $2 == "exclusive" { how = $3 ~ /true/ ? "exclusive" : "shared" }
      END { if (time != "" && host != "") print id, time, how, host; else print id, "9999-unknown", "unreadable", "somebody" }'
  done <"$SCRATCH/locks.ids" >"$SCRATCH/locks"
}

# Who holds the repository, in words.
lock_holders() {
  awk '{ print $4 " since " substr($2, 1, 19) "Z (" $3 ")" }' "$SCRATCH/locks" 2>/dev/null | head -n 3 | tr '\n' ',' | sed -e 's/,$//' -e 's/,/, /g'
}

# A pod of a CronJob is called <CronJob>-<number>-<random>, its long name cut before the random part; prints the CronJob's.
cron_job_of() { printf '%s\n' "$1" | sed -n 's/-[0-9]\{1,\}-\{0,1\}[a-z0-9]\{5\}$//p'; } # POD

# Whether there are locks, and none was refreshed for LOCK_DEAD_AFTER.
all_locks_are_old() {
  [ -s "$SCRATCH/locks" ] || return 1
  # restic writes the time with its writer's zone; pods have UTC, and anything else is of no pod.
  awk -v before="$(date -u -d "@$(($(date +%s) - LOCK_DEAD_AFTER))" +%Y-%m-%dT%H:%M:%S)" \
    '$2 !~ /Z$/ || substr($2, 1, 19) "" >= before "" { exit 1 }' "$SCRATCH/locks"
}

# Whether they are all of earlier pods of this CronJob besides. concurrencyPolicy Forbid leaves a CronJob one Job at a time, and a Job
# with a podFailurePolicy makes a pod only when the one before has ended, also when its node does not answer (Kubernetes
# documentation, "Jobs", Pod replacement policy): all other pods are dead. One of a Job that somebody has made by hand beside the
# CronJob's may live, but then it refreshes its lock, and 10 minutes leave room for clocks that differ by 5.
all_locks_are_dead() {
  dead_family=$(cron_job_of "${POD_NAME:-}")
  [ -n "$dead_family" ] && all_locks_are_old || return 1
  while read -r _ _ _ dead_host; do
    [ "$(cron_job_of "$dead_host")" = "$dead_family" ] && [ "$dead_host" != "$POD_NAME" ] || return 1
  done <"$SCRATCH/locks"
}

# Says of earlier pods of this CronJob that they were cut short, as their locks tell which nobody refreshes.
tell_killed_runs() {
  killed_family=$(cron_job_of "${POD_NAME:-}")
  [ -n "$killed_family" ] || return 0
  killed_before=$(date -u -d "@$(($(date +%s) - LOCK_DEAD_AFTER))" +%Y-%m-%dT%H:%M:%SZ)
  while read -r _ killed_time _ killed_host; do
    case $killed_host:$killed_time in "$POD_NAME":* | *[!Z]) continue ;; esac
    [ "$(cron_job_of "$killed_host")" = "$killed_family" ] || continue
    is_after "$killed_before" "$killed_time" || continue
    remark "an earlier run of this job was cut short, and may have given no verdict: pod $killed_host left a lock from $(printf %s "$killed_time" | cut -c 1-19)Z. It was killed (out of memory, or by force), or its node was lost"
  done <"$SCRATCH/locks"
}

# Nothing is written: the lock that every run takes is its note. A store that is slow is not waited for.
repository_begin_run() {
  restic_limit='timeout 60'
  if look_at_locks; then tell_killed_runs; fi
  restic_limit=
}

# Data must come back on the day on which the pods that held locks went down with everything else. Reading needs a lock only against
# a prune, which at worst makes the reading fail: what is read is checked by its digests. So a restore reads beside locks that
# nobody has refreshed, whosever they are, and removes none.
may_read_beside() { # RESTIC-COMMAND
  case ${OPERATION:-}:$1 in restore:snapshots | restore:dump) all_locks_are_old ;; *) return 1 ;; esac
}

unlock() { # ARGUMENTS...: prints how many locks went
  by_proxy $restic_limit restic ${RESTIC_FLAGS:-} unlock "$@" 2>/dev/null | sed -n 's/.*removed \([0-9]*\) locks.*/\1/p' | grep . || echo 0
}

# restic looks for a process where it finds its own host's name in a lock. In its node's network a pod has the node's name, and so
# have others, whose processes it cannot see: it would take them for dead. Then only locks of half an hour ago are left to it.
restic_can_judge() {
  judge_host=$(cat /proc/sys/kernel/hostname)
  [ "$judge_host" != "${POD_NAME:-}" ] || return 0
  awk -v host="$judge_host" -v young="$(date -u -d "@$(($(date +%s) - 1800))" +%Y-%m-%dT%H:%M:%S)" \
    '$4 == host && $2 > young { exit 1 }' "$SCRATCH/locks"
}

# Removes locks that are certainly nobody's. Returns 0 when some were removed, 1 when none, and 2 when a run that had only begun
# may have lost its own.
free_locks() {
  look_at_locks || return 1
  if restic_can_judge; then
    freed=$(unlock)
    if [ "$freed" != 0 ]; then
      tell_killed_runs
      log "removed $freed locks of the repository that restic calls stale; there were: $(lock_holders)"
      return 0
    fi
  fi
  all_locks_are_dead || return 1
  # restic can remove one chosen lock only by its own judgement, else all of them. Another run could take one between the look and
  # the removal, and would hold none until its next refresh, which writes it anew. So a second look comes first, which leaves the
  # second in which `unlock` opens the repository; beside an exclusive lock no run can take one even then; and when more locks went
  # than were seen, this run does nothing with the repository, so that it cannot be the one that takes what the other is writing.
  # Images without diffutils have no cmp.
  locks_before=$(cat "$SCRATCH/locks")
  look_at_locks && [ "$locks_before" = "$(cat "$SCRATCH/locks")" ] || return 1
  freed=$(unlock --remove-all)
  tell_killed_runs
  log "removed $freed locks of the repository without a refresh for more than $LOCK_DEAD_AFTER s, all of earlier pods of $dead_family, which are gone: $(lock_holders)"
  [ "$freed" -le "$(wc -l <"$SCRATCH/locks")" ] || return 2
}
