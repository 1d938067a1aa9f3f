# shellcheck shell=sh disable=SC2034 # snapshot.sh reads whose lease it was
# One run at a time: a Lease of the series and operation, held by the run's pod. Two runs would hold the same servers, and take what the
# other makes for leftovers.
#
# environment:
#   POD_NAME        the holder
#   LEASE_SECONDS   how long a run can last at most; a Lease older than that has nobody behind it

LEASE="$SERIES-$OPERATION"
# Whose lease this run has taken over.
lease_of_dead=

lease_manifest() { # RESOURCE-VERSION, or nothing
  printf 'apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  name: %s\n  labels:\n    app.kubernetes.io/managed-by: cdk8s-backup\n    cdk8s-backup/series: %s\n' \
    "$LEASE" "$SERIES"
  [ -z "$1" ] || printf '  resourceVersion: "%s"\n' "$1"
  printf 'spec:\n  holderIdentity: %s\n  acquireTime: "%s"\n  leaseDurationSeconds: %s\n' \
    "$POD_NAME" "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)" "$LEASE_SECONDS"
}

lease_holder() { # to $SCRATCH/lease: holder, time, resource version
  api get lease "$LEASE" -o go-template='{{.spec.holderIdentity}} {{.spec.acquireTime}} {{.metadata.resourceVersion}}{{"\n"}}' >"$SCRATCH/lease"
}

lease_take() {
  lease_manifest '' >"$SCRATCH/lease.yaml"
  # Before it is known: an answer that gets lost leaves it.
  : >"$SCRATCH/lease.held"
  api create --validate=false -f "$SCRATCH/lease.yaml" >/dev/null && return 0
  if already_there; then
    lease_take_over
  else
    lease_or_die "the lease $LEASE cannot be taken: $(api_reason)"
  fi
}

lease_take_over() {
  lease_holder || die "the lease $LEASE cannot be read: $(api_reason). Nothing was touched"
  read -r holder since version <"$SCRATCH/lease"
  ! lease_is_alive "$holder" ||
    die "another run of $SERIES is running, in pod $holder since $since: this one has touched nothing"
  log "the run in pod $holder has ended without releasing its lease: taking the lease over"
  lease_of_dead=$holder
  lease_manifest "$version" >"$SCRATCH/lease.yaml"
  api replace --validate=false -f "$SCRATCH/lease.yaml" >/dev/null && return 0
  if not_found; then
    # It was given back a moment ago.
    lease_of_dead=''
    lease_manifest '' >"$SCRATCH/lease.yaml"
    api create --validate=false -f "$SCRATCH/lease.yaml" >/dev/null && return 0
  fi
  ! { conflicted || already_there; } || die "another run of $SERIES took the lease over first. Nothing was touched"
  lease_or_die "the lease $LEASE of pod $holder cannot be taken over: $(api_reason)"
}

# Whatever the answer was, the lease may have been written.
lease_or_die() { # REASON
  lease_is_ours || die "$1. Nothing was touched"
}

# By the API server's clock: that of the holder's node, or of this one, may be wrong.
lease_is_alive() { # HOLDER
  [ "$1" != "$POD_NAME" ] || return 1
  if ! pod_state "$1" >"$SCRATCH/holder"; then
    not_found || die "could not find out whether pod $1, which holds the lease $LEASE, is alive: $(api_reason). Nothing was touched"
    return 1
  fi
  read -r phase born <"$SCRATCH/holder"
  case $phase in Succeeded | Failed) return 1 ;; esac
  # A node that is gone keeps its pods Running for ever.
  pod_state "$POD_NAME" >"$SCRATCH/self" || die "this run's own pod cannot be read: $(api_reason). Nothing was touched"
  read -r _ own <"$SCRATCH/self"
  [ "$(($(epoch "$own") - $(epoch "$born")))" -le "$LEASE_SECONDS" ]
}

pod_state() { api get pod "$1" -o go-template='{{.status.phase}} {{.metadata.creationTimestamp}}{{"\n"}}'; } # NAME

lease_is_ours() { lease_holder && read -r holder _ <"$SCRATCH/lease" && [ "$holder" = "$POD_NAME" ]; }

# Ends a run that somebody has taken for dead.
lease_check() { # WHAT-THEN
  lease_is_ours && return 0
  [ ! -s "$SCRATCH/api.err" ] || not_found || die "could not find out whether this run still holds the lease $LEASE: $(api_reason). $1"
  die "this run no longer holds the lease $LEASE: another run took this one for dead. $1"
}

lease_give_back() {
  [ -f "$SCRATCH/lease.held" ] || return 0
  lease_is_ours || return 0
  api delete lease "$LEASE" --wait=false >/dev/null || log "WARNING: the lease $LEASE is left over; the next run takes it over: $(api_reason)"
}
