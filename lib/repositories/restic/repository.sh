# shellcheck shell=sh
# A restic repository: one snapshot per member, of one file named <series>@<recovery point>@<member>, with the series as host.
# (One name without directories: restic 0.18 fails to save a standard input under a nested path.)
#
# environment: restic's own (RESTIC_REPOSITORY, RESTIC_PASSWORD_FILE, the back end's credentials), and
#   RESTIC_FLAGS      flags of every call: limits, the back end's options, no cache
#   RESTIC_PROXY      the proxy by which restic, and nothing else, reaches the store; empty or unset: none
#   STORE_IDENTITY    aws, gke, azure: the store knows the pod by its service account; empty or unset: it brings keys
#   TOOLS             where restic and the CA certificates were put; database images have neither
#   REPOSITORY_WAIT   seconds to wait for a repository that is locked, or does not answer
#   POD_NAME, LOCK_DEAD_AFTER                                    see locks.sh
#   REPOSITORY_MUST_EXIST, INIT_SPREAD, INIT_SETTLE              see first-run.sh
#   CHECK_DATA_OVER                                              see check.sh
#   REPOSITORY_AS_OF and others of versions.sh
#   REOPENED          `yes`: what another process of this run has listed here is good enough
#   ORPHAN_AGE        seconds after which a member without a manifest belongs to a run that is no more
#
# A recovery point exists from the moment its manifest.json is a snapshot; members without one are what a failed run leaves.
# Pods have random names, and restic groups by host: the series as --host is what makes its filters work
# (restic's documentation, "Removing backup snapshots").

PATH=$TOOLS:$PATH
export PATH RESTIC_CACHE_DIR="${RESTIC_CACHE_DIR:-$SCRATCH/restic-cache}" RESTIC_PROGRESS_FPS=0.0001 SSL_CERT_FILE="$TOOLS/ca-certificates.crt"
repository_name=$(printf %s "$RESTIC_REPOSITORY" | sed 's,//[^/@]*@,//,') # a URL may carry a user

# The proxy is restic's alone: a client of etcd, say, would take it for its own. What gives a pod its identity is on the node itself.
by_proxy() { # COMMAND...
  [ -n "${RESTIC_PROXY:-}" ] || { "$@"; return; }
  HTTP_PROXY=$RESTIC_PROXY HTTPS_PROXY=$RESTIC_PROXY NO_PROXY=169.254.0.0/16,fd00:ec2::23 "$@"
}

because() { printf '%s' "$*" >"$SCRATCH/repository.reason"; return 1; }

# shellcheck source=lib/repositories/restic/locks.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/locks.sh"
# shellcheck source=lib/repositories/restic/first-run.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/first-run.sh"
# shellcheck source=lib/repositories/restic/versions.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/versions.sh"

restic_limit=
# Runs restic, and waits for other runs; $SCRATCH/repository.err is what it said. Exit codes: restic's documentation, "Scripting".
restic_run() {
  begin_wait "the restic repository at $repository_name" "$REPOSITORY_WAIT"
  restic_patience=0
  while :; do
    if [ -n "$restic_limit" ]; then restic_watched "$@"; else restic_once "$@"; fi && restic_rc=0 || restic_rc=$?
    [ "$restic_rc" = 11 ] || break
    free_locks && freed_rc=0 || freed_rc=$?
    [ "$freed_rc" != 2 ] || break
    restic_patience=0
    [ "$freed_rc" != 0 ] || continue
    if may_read_beside "$1"; then
      log "reading in spite of locks without a refresh for more than $LOCK_DEAD_AFTER s: $(lock_holders)"
      set -- "$@" --no-lock
      continue
    fi
    # A lock may come to be dead while it is waited for.
    # shellcheck disable=SC2154 # lib.sh's
    restic_patience=$((wait_until - $(date +%s)))
    # What is said now is said before restic waits for a minute.
    # shellcheck disable=SC2034 # lib.sh's
    wait_said=0
    may_wait "it is locked by $(lock_holders)" || break
    [ "$restic_patience" -le 60 ] || restic_patience=60
  done
  [ ! -s "$SCRATCH/repository.err" ] || cat "$SCRATCH/repository.err" >&2
  case $restic_rc in
    0) return 0 ;;
    10) because "there is no restic repository at $repository_name" ;;
    11) because "the restic repository is still locked by another run after $REPOSITORY_WAIT s: $(lock_holders)" ;;
    124) because "the restic repository at $repository_name could not be opened within $REPOSITORY_WAIT s: $(restic_trouble)$(identity_advice "$SCRATCH/repository.err")" ;;
    12) because "the password of the restic repository at $repository_name is wrong: check the Secret that holds it" ;;
    *) because "restic $1: $(restic_words)$(identity_advice "$SCRATCH/repository.err")" ;;
  esac
  return "$restic_rc"
}

# What was cannot be written to, not even a lock. Quiet, or it says between the data on stdout that it is waiting for a lock.
restic_once() {
  # shellcheck disable=SC2086 # lists of words
  by_proxy $restic_limit restic ${RESTIC_FLAGS:-} ${REPOSITORY_AS_OF:+--no-lock} --quiet --retry-lock "${restic_patience}s" "$@" 2>"$SCRATCH/repository.err"
}

# A store that does not answer is tried again and again by restic itself, without a word of ours.
restic_watched() {
  restic_once "$@" &
  restic_pid=$! restic_naps=0
  while kill -0 "$restic_pid" 2>/dev/null; do
    sleep 0.2
    restic_naps=$((restic_naps + 1))
    [ $((restic_naps % 10)) != 0 ] || may_wait "$(restic_retries)" || :
  done
  wait "$restic_pid"
}

# What went wrong, out of what restic says: its command's own last words, then the end of restic's.
restic_words() {
  sed -n -e '/returned error, retrying/d' -e '/signal terminated received/d' -e '/^Is there a repository/,$d' -e 's/^subprocess [^:]*: //p; t' -e 's/.*"message_type":"exit_error".*"message":"\(.*\)"}$/\1/p; t' -e '/^{/d; p' "$SCRATCH/repository.err" |
    sed -e 's/^.*Fatal: //' -e 's/\\nIs there a repository.*//' -e 's/\\"/"/g' -e 's/\\u003c/</g' -e 's/\\u003e/>/g' >"$SCRATCH/restic.words"
  last_words "$SCRATCH/restic.words" "$restic_rc"
}

# What to do where the store does not know the pod. Words of minio-go and restic, of aws-sdk-go-v2, of oauth2 and compute/metadata, of azidentity.
identity_advice() { # FILE
  [ -n "${STORE_IDENTITY:-}" ] || return 0
  grep -q -e 'no credentials found' -e 'failed to refresh cached credentials' -e 'default credentials' -e 'compute: Received' -e 'GCE metadata' \
    -e 'DefaultAzureCredential' -e 'WorkloadIdentityCredential' "$1" || return 0
  case $STORE_IDENTITY:${AWS_CONTAINER_CREDENTIALS_FULL_URI:-}${AWS_WEB_IDENTITY_TOKEN_FILE:-} in
    aws:) advice="EKS has given this pod no identity: its service account needs a Pod Identity association, or the annotation eks.amazonaws.com/role-arn, before the pod is created" ;;
    aws:*) advice="EKS has given this pod an identity that gets no keys: check the role, who may assume it, and whether the pod reaches the agent (169.254.170.23:80) or STS (port 443)" ;;
    gke:*) advice="GKE's metadata server has given this pod no identity: check Workload Identity Federation of the cluster and the node pool, and whether the pod reaches 169.254.169.252 or 169.254.169.254" ;;
    *) advice="Azure has given this pod no valid identity: check azure.workload.identity/client-id of its service account, its federated credential, and the webhook" ;;
  esac
  printf ' (%s; docs/copies.md, "Without keys", says what each cloud needs)' "$advice"
}

# What it was that restic has tried again and again: that it was told to stop in the end says nothing.
restic_trouble() { restic_retries | grep . || restic_words; }
restic_retries() { sed -n 's/.* returned error, retrying after [^ ]*: //p' "$SCRATCH/repository.err" | tail -n 1; }

# Opening is listing: every call of restic derives the key anew, which is most of what a small one costs.
repository_open() { # read|write; 10 when nothing was ever written
  # Another process of this run has listed what is here.
  [ "${REOPENED:-no}" != yes ] || [ ! -e "$SCRATCH/restic.list" ] || return 0
  # restic tries a store that cannot be reached for a quarter of an hour; one that never answers should say so sooner.
  restic_limit="timeout $((REPOSITORY_WAIT + 5))"
  list_snapshots || restic_rc=$?
  restic_limit=
  # Only a repository that is certainly not there is made; any other trouble must not hide the old one behind a new one.
  case $1:$restic_rc in
    write:10) make_repository || return ;;
    write:0) [ -s "$SCRATCH/restic.list" ] || [ -e "$SCRATCH/repository.opened" ] || ! is_empty_repository || settle || return ;;
    *:0) ;;
    *)
      ! is_conflict ||
        because "$(cat "$SCRATCH/repository.reason"). Its key and its config do not belong together. If the repository is new, two runs created it at the same time: it is empty, so delete it. If it is not new, it is damaged"
      return "$restic_rc"
      ;;
  esac
  # What comes after in this pod need not wait again.
  [ "$1" != write ] || : >"$SCRATCH/repository.opened"
}

repository_begin() { :; }

store() { # TAG NAME COMMAND...: leaves restic's summary in $SCRATCH/restic.summary
  store_tag=$1
  store_name=$2
  shift 2
  # restic runs the command itself and saves no snapshot when it fails: a pipe would save the stump.
  # shellcheck disable=SC2086
  restic_run backup --json --host "$SERIES" --tag "$store_tag" --stdin-filename "$SERIES@$POINT@$store_name" --stdin-from-command -- ${RESTIC_PROXY:+env -u HTTP_PROXY -u HTTPS_PROXY -u NO_PROXY} "$@" \
    >"$SCRATCH/restic.summary"
}

stored_snapshot() { sed -n 's/.*"snapshot_id":"\([0-9a-f]*\)".*/\1/p' "$SCRATCH/restic.summary" | tail -n 1; }

repository_put() { # NAME COMMAND...
  put_name=$1
  shift
  rm -f "$SCRATCH"/put.*
  if ! store member "$put_name" "$@"; then
    cp "$SCRATCH/repository.reason" "$SCRATCH/put.reason"
    return 1
  fi
  put_bytes=$(sed -n 's/.*"total_bytes_processed":\([0-9]*\).*/\1/p' "$SCRATCH/restic.summary" | tail -n 1)
  put_snapshot=$(stored_snapshot)
  if [ -z "$put_bytes" ] || [ -z "$put_snapshot" ]; then
    echo 'restic gave no readable summary' >"$SCRATCH/put.reason"
    return 1
  fi
  # The snapshot's id is the hash of a tree of hashes down to the data: the digest that restic itself checks on reading.
  member "$put_name" "$put_bytes" "restic:$put_snapshot"
}

repository_commit() { # MANIFEST
  # Every member must still be there, and the repository must say so, before anything points to it.
  list_snapshots || return 1
  while IFS="$(printf '\t')" read -r commit_name _ commit_digest; do
    grep -q "^${commit_digest#restic:} $POINT $commit_name " "$SCRATCH/restic.list" ||
      because "the snapshot of $commit_name is not in the repository" || return 1
  done <"$SCRATCH/members"
  store "manifest,members=$(wc -l <"$SCRATCH/members" | tr -d ' ')" manifest.json cat "$1" || return 1
  printf '%s %s manifest.json %s\n' "$(stored_snapshot)" "$POINT" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$SCRATCH/restic.list"
}

# shellcheck source=lib/repositories/restic/check.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/check.sh"

# To $SCRATCH/restic.list, one line per snapshot of the series: its id, the recovery point, the member, when it was stored; and to
# $SCRATCH/restic.counts how many members each recovery point has by the tag of its manifest.
# Snapshots come as one line of JSON, whose objects begin with "time".
list_snapshots() {
  restic_run snapshots --json --host "$SERIES" >"$SCRATCH/restic.json" || return "$restic_rc"
  sed 's/{"time":/\n&/g' "$SCRATCH/restic.json" >"$SCRATCH/restic.snapshots"
  sed -n "s,^{\"time\":.*\"paths\":\[\"/$SERIES@\([^\"@]*\)@manifest.json\"\].*\"members=\([0-9]*\)\".*,\1 \2,p" "$SCRATCH/restic.snapshots" >"$SCRATCH/restic.counts"
  sed -n "s,^{\"time\":\"\([^\"]*\)\".*\"paths\":\[\"/$SERIES@\([^\"@]*\)@\([^\"@]*\)\"\].*\"id\":\"\([0-9a-f]*\)\".*,\4 \2 \3 \1,p" "$SCRATCH/restic.snapshots" >"$SCRATCH/restic.list"
}

repository_list() { # prints: ID verified|unverified, as of opening, or of publishing
  # What was verified was whole: somebody has taken its manifest away since.
  list_lost=$(awk '$3 == "manifest.json" { point[$2] } $3 == "verified.json" { verified[$2] }
    END { for (id in verified) if (!(id in point)) printf "%s ", id }' "$SCRATCH/restic.list")
  for list_point in $list_lost; do
    remark "recovery point $list_point has lost the snapshot of its manifest.json, and is ignored"
  done
  awk '$3 == "manifest.json" { point[$2] } $3 == "verified.json" { verified[$2] }
    END { for (id in point) print id, (id in verified ? "verified" : "unverified") }' "$SCRATCH/restic.list"
}

repository_get() { # ID NAME: to stdout; 141 when the reader of it went away
  # A member is fetched by the snapshot id that the manifest names; the manifest itself by its path.
  if [ "$2" = manifest.json ]; then
    get_snapshot=$(awk -v id="$1" '$2 == id && $3 == "manifest.json" { print $1 }' "$SCRATCH/restic.list" | tail -n 1)
  else
    get_snapshot=$(manifest_members "$SCRATCH/manifest.json" | awk -F '\t' -v name="$2" '$1 == name { sub(/^restic:/, "", $3); print $3 }')
  fi
  [ -n "$get_snapshot" ] || because "recovery point $1 has no member $2" || return 1
  restic_run dump "$get_snapshot" "/$SERIES@$1@$2" || {
    [ "$restic_rc" != 141 ] || return 141
    because "$2 of recovery point $1 cannot be read: $(cat "$SCRATCH/repository.reason")"
  }
}

repository_staged() { # NAME: as repository_get, of the recovery point that is being made
  staged_snapshot=$(awk -F '\t' -v name="$1" '$1 == name { sub(/^restic:/, "", $3); print $3 }' "$SCRATCH/members")
  restic_run dump "$staged_snapshot" "/$SERIES@$POINT@$1"
}

repository_mark() { # ID FILE
  POINT=$1 store verdict verified.json cat "$2"
}

repository_prune() { # FILE with an id a line
  awk -v drops="$1" -v before="$(date -u -d "@$(($(date +%s) - ORPHAN_AGE))" +%Y-%m-%dT%H:%M:%SZ)" '
    BEGIN { while ((getline point <drops) > 0) drop[point] }
    { snapshot[NR] = $1; of[NR] = $2; name[NR] = $3; stored[NR] = $4; if ($3 == "manifest.json") whole[$2] }
    $2 == "checks" && $3 + 0 > checks { checks = $3 + 0 }
    $2 == "looks" && $3 == "done" && $4 "" > looked "" { looked = $4 }
    END {
      for (i = 1; i <= NR; i++)
        if (of[i] == "checks") { if (name[i] + 0 < checks) print "member", snapshot[i] }
        else if (of[i] == "looks") { if (stored[i] "" < looked "") print "member", snapshot[i] }
        else if (of[i] in drop && name[i] == "verified.json") print "verdict", snapshot[i]
        else if (name[i] == "manifest.json") { if (of[i] in drop) print "manifest", snapshot[i] }
        else if (of[i] in drop || (!(of[i] in whole) && stored[i] < before)) print "member", snapshot[i]
    }' "$SCRATCH/restic.list" >"$SCRATCH/restic.forget"
  [ -s "$SCRATCH/restic.forget" ] || return 0
  # Manifests go before members: from then on a recovery point is none, whatever happens to these. What was verified is no more, before
  # it is one that has lost its manifest.
  for prune_kind in verdict manifest member; do
    sed -n "s/^$prune_kind //p" "$SCRATCH/restic.forget" >"$SCRATCH/restic.forgetting"
    # All that a backlog of years holds at once is more than a program may be given.
    while [ -s "$SCRATCH/restic.forgetting" ]; do
      # shellcheck disable=SC2046 # ids are hexadecimal, one a word
      restic_run forget $(head -n 500 "$SCRATCH/restic.forgetting") >&2 || return 1
      sed 1,500d "$SCRATCH/restic.forgetting" >"$SCRATCH/restic.forgetting.rest"
      mv "$SCRATCH/restic.forgetting.rest" "$SCRATCH/restic.forgetting"
    done
  done
  # What is gone is listed no more.
  awk 'FILENAME == ARGV[1] { gone[$2]; next } !($1 in gone)' "$SCRATCH/restic.forget" "$SCRATCH/restic.list" >"$SCRATCH/restic.left"
  mv "$SCRATCH/restic.left" "$SCRATCH/restic.list"
  restic_run prune >&2
}
