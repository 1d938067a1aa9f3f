# shellcheck shell=sh
# Servers that are held still, by the agents that run beside them.
#
# environment:
#   HOLDS      a line `MEMBER POD CONTAINER WAIT COMMAND...` for each pod, in the order in which they are held; WAIT in seconds
#   RELEASES   a line `MEMBER POD CONTAINER COMMAND...` for each that stays held

# kubectl may need a while to get there and back.
EXEC_SECONDS=15
stopping=

: >"$SCRATCH/held"
: >"$SCRATCH/quiesced"
printf '%s\n' "$HOLDS" | grep . >"$SCRATCH/holds" || :
printf '%s\n' "$RELEASES" | grep . >"$SCRATCH/releases" || :

# Runs a command of an agent; what it says on stderr is $SCRATCH/agent.POD.
agent() { # SECONDS POD CONTAINER COMMAND...
  agent_seconds=$1 agent_pod=$2 agent_container=$3
  shift 3
  timeout "$agent_seconds" kubectl exec "$agent_pod" -c "$agent_container" -- "$@" >/dev/null 2>"$SCRATCH/agent.$agent_pod"
}

# Every pod is there, and its agent with it.
quiesce_check() {
  while read -r member pod container _; do
    api get pod "$pod" -o go-template='{{.status.phase}} {{range .status.containerStatuses}}{{if .ready}}{{.name}} {{end}}{{end}}{{range .status.initContainerStatuses}}{{if .ready}}{{.name}} {{end}}{{end}}{{"\n"}}' \
      >"$SCRATCH/pod" </dev/null || die "pod $pod of $member, which has to be held, cannot be looked at: $(api_reason). Nothing was touched"
    read -r phase running <"$SCRATCH/pod"
    [ "$phase" = Running ] || die "pod $pod of $member, which has to be held, is $phase, not Running. Nothing was touched"
    case " $running " in
      *" $container "*) ;;
      *) die "pod $pod of $member has no running container $container, which holds its server: has the workload been rolled out with it? Nothing was touched" ;;
    esac
    may create "pods/$pod" --subresource=exec </dev/null
  done <"$SCRATCH/holds"
}

# Holds one after the other, in order. What was tried is noted before, so that it is let go whatever comes.
hold_all() {
  set -f
  while read -r member pod container wait command; do
    printf '%s %s\n' "$pod" "$(clock)" >>"$SCRATCH/held"
    log "holding $pod"
    # shellcheck disable=SC2086 # a command of plain words
    agent $((wait + EXEC_SECONDS)) "$pod" "$container" $command </dev/null ||
      die "pod $pod of $member could not be held: $(last_words "$SCRATCH/agent.$pod" 1). What was held is let go, and nothing was snapshotted"
    grep -q "^$member $pod " "$SCRATCH/releases" || printf '%s\t%s\t0\n' "$pod" "$member" >>"$SCRATCH/quiesced"
  done <"$SCRATCH/holds"
  set +f
}

# Lets go of everything at once. Fails when something had not been held until now; $SCRATCH/lost says what. Who is told to stop
# meanwhile, stops after it.
release_all() {
  [ -s "$SCRATCH/held" ] || return 0
  trap 'stopping=yes' TERM INT HUP
  mv "$SCRATCH/held" "$SCRATCH/held.until"
  : >"$SCRATCH/held"
  : >"$SCRATCH/lost"
  set -f
  while read -r member pod container command; do
    grep -q "^$pod " "$SCRATCH/held.until" || continue
    # shellcheck disable=SC2086 # a command of plain words
    release "$member" "$pod" "$container" $command </dev/null &
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
  if agent "$EXEC_SECONDS" "$@"; then
    release_time=$(($(clock) - $(sed -n "s/^$release_pod //p" "$SCRATCH/held.until")))
    printf '%s\t%s\t%s\n' "$release_pod" "$release_member" "$release_time" >>"$SCRATCH/quiesced"
    log "$release_pod was held for $release_time ms at most"
  else
    printf 'pod %s: %s\n' "$release_pod" "$(last_words "$SCRATCH/agent.$release_pod" 1)" >>"$SCRATCH/lost"
  fi
}
