# shellcheck shell=sh
# Servers that are held still, by the agents that run beside them.
#
# Whoever holds a server says so every few seconds. An agent that hears nothing lets go: this pod, or its way to the API, is gone then.
#
# environment:
#   HOLDS      a line `MEMBER POD CONTAINER WAIT COMMAND...` for each pod, in the order in which they are held; WAIT in seconds
#   RENEWS     a line `MEMBER POD CONTAINER COMMAND...` for each that stays held: says that it still has to be
#   RELEASES   a line `MEMBER POD CONTAINER COMMAND...` for each that stays held
#   ONE_OF     a line `MEMBER` for each of which one pod is held: the first that lets itself be held, as a secondary does and a primary does
#              not; empty or unset: all pods are
# Each command gets the name of this pod as its last argument: so that no run releases what another one has held.

# shellcheck source=lib/shell/lib/refusals.sh
. "$BACKUP_HOME/shell/refusals.sh"

# kubectl may need a while to get there and back.
EXEC_SECONDS=15
# An agent that has heard nothing for as long lets go.
HEARD_SECONDS=10
RENEW_SECONDS=2
stopping=
began=$(clock)

: >"$SCRATCH/held"
: >"$SCRATCH/holding"
: >"$SCRATCH/unheld"
: >"$SCRATCH/quiesced"
printf '%s\n' "$HOLDS" | grep . >"$SCRATCH/holds" || :
printf '%s\n' "$RENEWS" | grep . >"$SCRATCH/renews" || :
printf '%s\n' "$RELEASES" | grep . >"$SCRATCH/releases" || :
printf '%s\n' "${ONE_OF:-}" | grep . >"$SCRATCH/one-of" || :
: >"$SCRATCH/absent"

# Runs a command of an agent; what it says on stderr is $SCRATCH/agent.NAME.
agent() { # NAME SECONDS POD CONTAINER COMMAND...
  agent_file=$SCRATCH/agent.$1 agent_seconds=$2 agent_pod=$3 agent_container=$4
  shift 4
  timeout "$agent_seconds" kubectl exec "$agent_pod" -c "$agent_container" -- "$@" >/dev/null 2>"$agent_file" && return 0 || agent_rc=$?
  # 124 is coreutils' timeout, and a signal busybox's.
  if [ "$agent_rc" = 124 ] || [ "$agent_rc" -gt 128 ]; then echo "no answer within $agent_seconds s: i/o timeout" >>"$agent_file"; fi
  return 1
}

agent_spoke() { grep -q '^quiesce: ' "$SCRATCH/agent.$1"; } # NAME

# What it said, or why it could not be asked.
agent_reason() { # NAME
  if agent_spoke "$1"; then sed -n 's/^quiesce: //p' "$SCRATCH/agent.$1" | tail -n 1; else kubectl_reason "$SCRATCH/agent.$1"; fi
}

# The last command was refused for its credentials: every further try may bring the account nearer to its lock.
agent_hopeless() { # NAME
  [ "$agent_rc" != 78 ] || return 0
  agent_spoke "$1" || return 1
  for agent_server in mysql psql mongodb redis; do
    if "${agent_server}_refused" "$SCRATCH/agent.$1"; then return 0; fi
  done
  return 1
}

one_is_enough() { grep -qxF -e "$1" "$SCRATCH/one-of"; } # MEMBER

# Every pod is there, and its agent with it; of a member of which one pod is held, as many as there are.
quiesce_check() {
  while read -r member pod container _; do
    absence=$(quiesce_absence "$member" "$pod" "$container")
    if [ -n "$absence" ]; then
      one_is_enough "$member" || die "$absence. Nothing was touched"
      log "$absence; another pod of $member may do"
      printf '%s\n' "$pod" >>"$SCRATCH/absent"
      continue
    fi
    may create "pods/$pod" --subresource=exec </dev/null
  done <"$SCRATCH/holds"
}

# Why a pod cannot be held.
quiesce_absence() { # MEMBER POD CONTAINER
  api get pod "$2" -o go-template='{{.status.phase}} {{range .status.containerStatuses}}{{if .ready}}{{.name}} {{end}}{{end}}{{range .status.initContainerStatuses}}{{if .ready}}{{.name}} {{end}}{{end}}{{"\n"}}' \
    >"$SCRATCH/pod" </dev/null || { printf %s "pod $2 of $1, which must be held, cannot be read: $(api_reason)"; return; }
  read -r phase running <"$SCRATCH/pod"
  [ "$phase" = Running ] || { printf %s "pod $2 of $1, which must be held, is $phase, not Running"; return; }
  case " $running " in
    *" $3 "*) ;;
    *) printf %s "pod $2 of $1 has no running container $3, which quiesces its server: has the workload been rolled out with it?" ;;
  esac
}

# What a run that was killed holds, nobody else can hold until its agent has waited in vain.
release_dead() { # POD
  set -f
  while read -r _ pod container command; do
    # shellcheck disable=SC2086 # a command of plain words
    ! agent "$pod" "$EXEC_SECONDS" "$pod" "$container" $command "$1" </dev/null || log "released $pod, which the run in pod $1 left held"
  done <"$SCRATCH/releases"
  set +f
}

# Network policies are enforced some time after a pod has started: for as long as nobody would notice that the API is lost, it has
# to have been there, each time by a new connection.
prove_api() {
  [ -s "$SCRATCH/holds" ] || return 0
  proven=$((began + (CUT_TIMEOUT < HEARD_SECONDS ? CUT_TIMEOUT : HEARD_SECONDS) * 1000))
  while :; do
    lease_check 'Nothing was held, and nothing was snapshotted'
    [ "$(clock)" -lt "$proven" ] || return 0
    sleep 1
  done
}

# Holds one after the other, in order. What was tried is noted before, so that it is let go whatever comes.
hold_all() {
  [ ! -s "$SCRATCH/renews" ] || keep_held &
  : >"$SCRATCH/refusals"
  : >"$SCRATCH/hopeless"
  : >"$SCRATCH/chosen"
  set -f
  while read -r member pod container wait command; do
    if one_is_enough "$member" && { grep -qxF -e "$pod" "$SCRATCH/absent" || grep -q "^$member " "$SCRATCH/chosen"; }; then continue; fi
    printf '%s %s\n' "$pod" "$(clock)" >>"$SCRATCH/held"
    log "holding $pod"
    # shellcheck disable=SC2086 # a command of plain words
    if ! agent "$pod" $((wait + EXEC_SECONDS)) "$pod" "$container" env QUIESCE_HEARD="$HEARD_SECONDS" $command "$POD_NAME" </dev/null; then
      hold_ends=die
      ! agent_hopeless "$pod" || hold_ends=refuse
      # Of a pod whose agent did not answer nobody knows whether it is held.
      if ! one_is_enough "$member" || ! agent_spoke "$pod"; then
        "$hold_ends" "pod $pod of $member could not be held: $(agent_reason "$pod"). What was held is released, and nothing was snapshotted"
      fi
      log "$pod is not held: $(agent_reason "$pod")"
      printf '%s %s: %s\n' "$member" "$pod" "$(agent_reason "$pod")" >>"$SCRATCH/refusals"
      [ "$hold_ends" = die ] || printf '%s\n' "$member" >>"$SCRATCH/hopeless"
      sed -i "/^$pod /d" "$SCRATCH/held"
      continue
    fi
    printf '%s %s\n' "$member" "$pod" >>"$SCRATCH/chosen"
    if grep -q "^$member $pod " "$SCRATCH/releases"; then echo "$pod" >>"$SCRATCH/holding"; else printf '%s\t%s\t0\n' "$pod" "$member" >>"$SCRATCH/quiesced"; fi
  done <"$SCRATCH/holds"
  set +f
  name_chosen
}

# Whoever restores has to know which copy is that of the pod that was held.
name_chosen() {
  while read -r member; do
    chosen=$(sed -n "s|^$member ||p" "$SCRATCH/chosen")
    name_ends=die
    ! grep -qxF -e "$member" "$SCRATCH/hopeless" || name_ends=refuse
    [ -n "$chosen" ] ||
      "$name_ends" "none of the pods of $member could be held: $(sed -n "s|^$member ||p" "$SCRATCH/refusals" | tr '\n' ';') $(tr '\n' ' ' <"$SCRATCH/absent"). What was held is released, and nothing was snapshotted"
    caveat "only pod $chosen of $member was held: the volumes of its other pods are as after a power cut"
  done <"$SCRATCH/one-of"
}

# Until nothing is held any more, or the run is gone.
keep_held() {
  trap '' TERM INT HUP
  set -f
  renewed=$(clock)
  while sleep 0.2 && [ -e "$SCRATCH/holding" ] && kill -0 "$$" 2>/dev/null; do
    [ $(($(clock) - renewed)) -ge $((RENEW_SECONDS * 1000)) ] || continue
    renewed=$(clock)
    while read -r _ pod container command; do
      # shellcheck disable=SC2086 # a command of plain words
      ! grep -qx "$pod" "$SCRATCH/holding" 2>/dev/null || renew "$pod" "$container" $command "$POD_NAME" </dev/null &
    done <"$SCRATCH/renews"
    wait
  done
}

# An agent that cannot be asked now, may be the next time.
renew() { # POD CONTAINER COMMAND...
  renew_pod=$1
  agent "renew.$1" $((HEARD_SECONDS / 2)) "$@" || ! agent_spoke "renew.$renew_pod" || [ ! -e "$SCRATCH/holding" ] ||
    printf 'pod %s: %s\n' "$renew_pod" "$(agent_reason "renew.$renew_pod")" >>"$SCRATCH/unheld"
}

# Ends a run that waits for something of servers that are not held any more.
still_held() { # WHEN the API answered last
  [ ! -s "$SCRATCH/unheld" ] ||
    die "a server was not held until its snapshots were cut, so they may not belong together: $(LC_ALL=C sort -u "$SCRATCH/unheld" | tr '\n' ';')"
  [ ! -s "$SCRATCH/holding" ] || [ $(($(clock) - $1)) -lt $((HEARD_SECONDS * 1000)) ] ||
    die "the Kubernetes API did not answer for $HEARD_SECONDS s while servers were held, and their agents released them by themselves: $(api_reason)"
}

# Lets go of everything at once. Fails when something had not been held until now; $SCRATCH/lost says what. Who is told to stop
# meanwhile, stops after it.
release_all() {
  rm -f "$SCRATCH/holding"
  [ -s "$SCRATCH/held" ] || return 0
  trap 'stopping=yes' TERM INT HUP
  mv "$SCRATCH/held" "$SCRATCH/held.until"
  : >"$SCRATCH/held"
  : >"$SCRATCH/lost"
  set -f
  while read -r member pod container command; do
    grep -q "^$pod " "$SCRATCH/held.until" || continue
    # shellcheck disable=SC2086 # a command of plain words
    release "$member" "$pod" "$container" $command "$POD_NAME" </dev/null &
  done <"$SCRATCH/releases"
  until wait; do :; done
  set +f
  trap 'exit 143' TERM INT HUP
  [ -z "$stopping" ] || exit 143
  [ ! -s "$SCRATCH/lost" ]
}

release() { # MEMBER POD CONTAINER COMMAND...
  trap '' TERM INT HUP
  release_member=$1 release_pod=$2
  shift
  if agent "$release_pod" "$EXEC_SECONDS" "$@"; then
    # The clock has steps of 10 ms: at most is one more than it shows.
    release_time=$(($(clock) - $(sed -n "s/^$release_pod //p" "$SCRATCH/held.until") + 10))
    printf '%s\t%s\t%s\n' "$release_pod" "$release_member" "$release_time" >>"$SCRATCH/quiesced"
    log "$release_pod was held for $release_time ms at most"
  elif agent_spoke "$release_pod"; then
    printf 'pod %s: %s\n' "$release_pod" "$(agent_reason "$release_pod")" >>"$SCRATCH/lost"
  else
    printf 'pod %s could not be told to release its server, and does so by itself within %s s: %s\n' "$release_pod" "$HEARD_SECONDS" "$(agent_reason "$release_pod")" >>"$SCRATCH/lost"
  fi
}
