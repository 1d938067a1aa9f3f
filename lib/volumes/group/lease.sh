# shellcheck shell=sh
# One run at a time: a Lease of the series and operation, held by the run's pod. Two runs would hold the same servers, and take what the
# other makes for leftovers.
#
# environment:
#   POD_NAME        the holder
#   LEASE_SECONDS   how long a run can last at most; a Lease older than that has nobody behind it

LEASE="$SERIES-$OPERATION"

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
  if ! api create --validate=false -f "$SCRATCH/lease.yaml" >/dev/null; then
    already_there || die "the lease $LEASE cannot be taken: $(api_reason). Nothing was touched"
    lease_take_over
  fi
  : >"$SCRATCH/lease.held"
}

lease_take_over() {
  lease_holder || die "the lease $LEASE cannot be read: $(api_reason). Nothing was touched"
  read -r holder since version <"$SCRATCH/lease"
  ! lease_is_alive "$holder" "$since" ||
    die "another run of $SERIES is under way, in pod $holder since $since: this one has touched nothing"
  log "the run in pod $holder has ended without a word: its lease is taken over"
  lease_manifest "$version" >"$SCRATCH/lease.yaml"
  api replace --validate=false -f "$SCRATCH/lease.yaml" >/dev/null ||
    die "another run of $SERIES was quicker to take the lease over: $(api_reason). Nothing was touched"
}

lease_is_alive() { # HOLDER TIME
  [ "$1" != "$POD_NAME" ] || return 1
  # A node that is gone keeps its pods Running for ever.
  ! is_after "$(date -u -d "@$(($(date +%s) - LEASE_SECONDS))" +%Y-%m-%dT%H:%M:%SZ)" "$2" || return 1
  if api get pod "$1" -o go-template='{{.status.phase}}' >"$SCRATCH/holder"; then
    case $(cat "$SCRATCH/holder") in Succeeded | Failed) return 1 ;; esac
    return 0
  fi
  not_found || die "whether pod $1, which holds the lease $LEASE, is alive cannot be asked: $(api_reason). Nothing was touched"
  return 1
}

lease_is_ours() { lease_holder && read -r holder _ <"$SCRATCH/lease" && [ "$holder" = "$POD_NAME" ]; }

lease_give_back() {
  [ -f "$SCRATCH/lease.held" ] || return 0
  lease_is_ours || return 0
  api delete lease "$LEASE" --wait=false >/dev/null || log "WARNING: the lease $LEASE stays; the next run takes it over: $(api_reason)"
}
