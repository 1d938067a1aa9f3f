# shellcheck shell=sh disable=SC2034 # agent.sh and lock.sh read what is left here
# What lock.sh may build on: timers, and a client whose session holds a lock. Sourced by agent.sh, whose state directory is the working directory.
#
#   timer SECONDS PIPE LINE    writes a line into a pipe when the time is up, unless it is stopped before: `untimer "$timer"`
#   session_start COMMAND...   starts a client that reads commands and writes answers, a line each; `REFUSED WHY` is one that
#                              nobody expects
#   session_say LINE           gives it a line
#   session_expect WORD SECONDS   waits for an answer that begins with that word, and leaves the rest of it in $answer
#   session_end                ends it, whatever state it is in
# The client's commands come through a pipe that this process alone holds open: when it is killed, the client reads the end of it.

timers=0

timer() { # SECONDS PIPE LINE
  timers=$((timers + 1))
  (
    exec 3>&- 4>&- 5>&-
    sleep "$1" &
    echo "$!" >"timer.$timers"
    wait "$!"
    rm -f "timer.$timers"
    printf '%s\n' "$3" 1<>"$2"
  ) &
  timer=$!:$timers
}

# It is killed, and its sleep after it: dash forgets a TERM that comes before a child of a shell with a trap has got going, and whoever
# waits for that child then waits for its sleep.
untimer() { # TIMER
  [ -n "$1" ] || return 0
  kill -KILL "${1%:*}" 2>/dev/null
  wait "${1%:*}" 2>/dev/null || :
  if timer_sleep=$(cat "timer.${1#*:}" 2>/dev/null); then kill "$timer_sleep" 2>/dev/null; fi
  rm -f "timer.${1#*:}"
}

session='' sessions=0

session_start() { # COMMAND...
  sessions=$((sessions + 1))
  rm -f session.in session.out session.err session.pid
  mkfifo session.in session.out
  exec 4<>session.in 5<>session.out
  (
    exec 3>&- 4>&- 5>&-
    "$@" <session.in 1<>session.out 2>session.err &
    echo $! >session.pid
    wait "$!" && rc=0 || rc=$?
    end="the client ended with $rc$(last_line session.err)"
    printf 'ENDED %s %s\n' "$sessions" "$end" 1<>session.out
    printf 'lost %s %s\n' "${number:?}" "$end" 1<>events
  ) 2>/dev/null &
  session=$!
}

session_say() { # LINE
  [ -z "$session" ] || printf '%s\n' "$1" >&4
}

session_expect() { # WORD SECONDS
  if [ -z "$session" ]; then
    reason='its client has ended'
    return 1
  fi
  timer "$2" session.out "TIMEOUT $sessions"
  while :; do
    read -r word rest <&5 || continue
    case $word in
      "$1") answer=$rest rc=0 ;;
      REFUSED) reason=$rest rc=1 ;;
      ENDED) reason=${rest#* } rc=1 ;;
      TIMEOUT) reason="no answer within $2 s$(last_line session.err)" rc=1 ;;
      *) continue ;;
    esac
    case $word in ENDED | TIMEOUT) [ "${rest%% *}" = "$sessions" ] || continue ;; esac
    untimer "$timer"
    return "$rc"
  done
}

# By force, as a client that was stopped hears nothing else. The server sees its connection end.
session_end() {
  [ -n "$session" ] || return 0
  while [ ! -s session.pid ] && kill -0 "$session" 2>/dev/null; do sleep 0.1; done
  kill -KILL "$(cat session.pid)" 2>/dev/null
  wait "$session" 2>/dev/null || :
  exec 4>&- 5>&-
  rm -f session.*
  session=''
}

# The last line of a file that says something, behind a colon and short enough for an answer; or nothing.
last_line() { awk 'NF { line = $0 } END { if (line != "") print ": " substr(line, 1, 500) }' "$1" 2>/dev/null; }
