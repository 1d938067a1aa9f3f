# shellcheck shell=sh
# The Kubernetes API, as scripts of jobs ask it: with a limit on every request, and with reasons that say what to do.

# environment:
#   NAMESPACE   the job's own

API_LIMIT=30

# What kubectl finds out by itself in a pod, it forgets as soon as it is given a limit: it asks localhost then
# (kubernetes/kubernetes#93474).
ACCOUNT=/var/run/secrets/kubernetes.io/serviceaccount
case $KUBERNETES_SERVICE_HOST in *:*) api_host="[$KUBERNETES_SERVICE_HOST]" ;; *) api_host=$KUBERNETES_SERVICE_HOST ;; esac
cat >"$SCRATCH/kubeconfig" <<END
apiVersion: v1
kind: Config
current-context: pod
clusters: [{ name: pod, cluster: { server: "https://$api_host:$KUBERNETES_SERVICE_PORT", certificate-authority: $ACCOUNT/ca.crt } }]
users: [{ name: pod, user: { tokenFile: $ACCOUNT/token } }]
contexts: [{ name: pod, context: { cluster: pod, user: pod, namespace: $NAMESPACE } }]
END
export KUBECONFIG="$SCRATCH/kubeconfig"

# Runs kubectl. When it fails, api_reason says why.
api() { # ARGUMENTS...
  kubectl --request-timeout="${API_LIMIT}s" "$@" 2>"$SCRATCH/api.err"
}

api_reason() { kubectl_reason "$SCRATCH/api.err"; }

kubectl_reason() { # FILE with what it said on stderr
  if grep -q 'exceeded quota' "$1"; then
    printf 'a ResourceQuota of the namespace does not allow it (%s)' "$(sed -n 's/.*exceeded quota: //p' "$1" | head -n 1)"
  elif grep -qE '[Uu]ser "[^"]*" cannot ' "$1"; then
    printf 'the Role of this job does not allow it (%s); apply the Role as it was synthesized' \
      "$(sed -n 's/.*[Uu]ser "[^"]*" \(cannot .*\)/\1/p' "$1" | head -n 1)"
  elif grep -qE "doesn't have a resource type|no matches for kind|could not find the requested resource" "$1"; then
    printf 'the cluster has no such API (%s); install the CRDs and the controller of kubernetes-csi/external-snapshotter' \
      "$(last_words "$1" 1)"
  elif unreachable "$1"; then
    printf 'the Kubernetes API cannot be reached (%s); if it is up, a NetworkPolicy blocks this pod: its own policy allows the ports in apiPorts' \
      "$(last_words "$1" 1)"
  else
    last_words "$1" 1
  fi
}

unreachable() { # FILE
  grep -qiE 'connection refused|was refused|i/o timeout|Unable to connect to the server|no route to host|network is unreachable|Client\.Timeout|TLS handshake timeout|connection reset|context deadline exceeded|unexpected EOF|: EOF' "$1"
}

not_found() { grep -q '(NotFound)' "$SCRATCH/api.err"; }
forbidden() { grep -q '(Forbidden)' "$SCRATCH/api.err"; }
already_there() { grep -q '(AlreadyExists)' "$SCRATCH/api.err"; }
conflicted() { grep -q '(Conflict)' "$SCRATCH/api.err"; }

# Refuses what this job may not do, before it matters. Where nobody may ask, it is found out later.
may() { # VERB RESOURCE ARGUMENTS...
  kubectl --request-timeout="${API_LIMIT}s" auth can-i "$@" >"$SCRATCH/may" 2>"$SCRATCH/api.err" && return 0
  # It may say why not.
  grep -q '^no' "$SCRATCH/may" || { log "could not ask whether this job may $*: $(api_reason)"; return 0; }
  refuse "the Role of this job does not allow it to $*; apply the Role as it was synthesized. Nothing was touched"
}

# Milliseconds of a clock that nobody sets.
clock() { awk '{ printf "%.0f", $1 * 1000 }' /proc/uptime; }

# Seconds since 1970 of a time as the API writes it. Not every date understands its T and Z.
epoch() { date -u -d "$(printf %s "$1" | tr T ' ' | tr -d Z)" +%s; } # TIME
