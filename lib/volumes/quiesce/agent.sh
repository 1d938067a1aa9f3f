#!/bin/sh
# The first process of the container that holds a server still while its volumes are snapshotted.
#
# It takes the lock when hold.sh asks for it, and lets it go when release.sh asks, when whoever asked is gone or not heard of any more, when
# the time is up, when the lock was lost, and when the pod is stopped. Until something happens it sleeps on one pipe. Whoever asks may come and go: what holds
# the lock is a child of this process, and dies with it; what a server goes on holding by itself is let go by the next start.
#
# environment:
#   QUIESCE_NAME    what is held still, for messages
#   QUIESCE_HOLDS   yes: something stays held; no: the server is only prepared, and goes on
#   QUIESCE_WAIT    seconds within which the lock has to be had
#   QUIESCE_LIMIT   seconds after which it is let go, whatever else happens
#   QUIESCE_HOME    where the scripts are: agent/ and lock/
#   QUIESCE_STATE   a directory of its own, on none of the volumes that are snapshotted
#   QUIESCE_REFERENCES   lines `WHERE KEY KIND NAME`, of what it has from a Secret or ConfigMap: WHERE is a variable, a file or a directory
#
# It sources lock/lock.sh for
#   lock_take      takes the lock within QUIESCE_WAIT seconds, or fails; what it may have left then, lock_recover releases
#   lock_release   proves that it was held until now, and releases it. 1: it was not, and nothing is held any more. 2: it could not be
#                  released, and will be tried again
#   lock_recover   releases what a life before this one has left
# Each says in $reason why it fails, and takes a bounded time.
#
# What happens, one event a line of the pipe $QUIESCE_STATE/events:
#   hold ID SECONDS OWNER   from hold.sh; the owner is heard of more often than every so many seconds, or never where that is 0
#   renew ID OWNER          from renew.sh: the owner is heard of
#   release ID OWNER        from release.sh. All are answered on the pipe reply.ID; ID is <pid>-<time>
#   cancel ID          whoever asked waits no more
#   expired NUMBER     the time of the lock of that number is up
#   unheard NUMBER     since the owner was heard of, the number of these times, nothing came
#   lost NUMBER WHY    what held it is gone
#   recover            what a lock that was not had has left is still there
#   stop               the pod is stopped
set -u
umask 077
export LC_ALL=C.UTF-8 TZ=UTC
cd "$QUIESCE_STATE" || exit 1
# shellcheck source=lib/volumes/quiesce/session.sh
. "$QUIESCE_HOME/agent/session.sh"
# shellcheck source=lib/engines/mysql/quiesce/lock.sh
. "$QUIESCE_HOME/lock/lock.sh"

number=0 held='' asker='' owner='' since=0 watchdog='' heard=0 hearing='' times=0 reason='' last='none was taken since this container was started'

log() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }
now() { date +%s; }
alive() { kill -0 "${1%%-*}" 2>/dev/null; } # ID

answer() { # ID CODE TEXT
  log "$3"
  reply "$@"
}

reply() { # ID CODE TEXT
  # Opened to read as well: a pipe whose reader is gone would stop this process, or kill it.
  [ ! -p "reply.$1" ] || printf '%s %s\n' "$2" "$3" 1<>"reply.$1"
}

# What the lock needs and is not there, in $reason; 1: nothing.
lacks() {
  set -f
  # shellcheck disable=SC2086 # words
  set -- ${QUIESCE_REFERENCES:-}
  set +f
  while [ $# -ge 4 ]; do
    reason="it has no credentials: $3 $4 has no key $2, or"
    case $1:$2 in
      /*:-)
        reason="it has no credentials: $3 $4 is missing or empty. Create it: its files appear by themselves, within two minutes"
        [ -n "$(ls "$1" 2>/dev/null)" ] || return 0
        ;;
      /*)
        reason="$reason is missing. Create it: its file appears by itself, within two minutes"
        [ -e "$1" ] || return 0
        ;;
      *)
        reason="$reason was missing when the agent started. Create it, then restart the agent; the server keeps running: kubectl exec $(uname -n) -c quiesce -- sh -c 'kill 1'"
        eval "[ -n \"\${$1+set}\" ]" || return 0
        ;;
    esac
    shift 4
  done
  return 1
}

take() { # ID "SECONDS OWNER"
  set -- "$1" "${2#* }" "${2%% *}"
  if ! alive "$1"; then log "$2 asked for the lock, but is gone: nothing was done"; return; fi
  if [ -n "$held" ]; then
    answer "$1" 1 "$QUIESCE_NAME is already held, by $owner for $(($(now) - since)) s: that lock is kept"
    return
  fi
  if lacks; then answer "$1" 78 "$QUIESCE_NAME is not held: $reason"; return; fi
  number=$((number + 1)) reason='' began=$(now)
  if ! lock_take; then
    why=$reason
    recover
    answer "$1" 1 "$QUIESCE_NAME is not held: $why"
    return
  fi
  if [ "$QUIESCE_HOLDS" != yes ]; then
    answer "$1" 0 "$QUIESCE_NAME is prepared, after $(($(now) - began)) s"
    return
  fi
  held=$number asker=$1 owner=$2 since=$(now)
  printf '%s' "$owner" >held
  timer "$QUIESCE_LIMIT" events "expired $held"
  watchdog=$timer
  heard=$3
  listen
  if alive "$1"; then
    answer "$1" 0 "$QUIESCE_NAME is held, after $((since - began)) s, for $QUIESCE_LIMIT s at most"
  else
    let_go "the caller was gone before it was held"
  fi
}

# From now on it is waited for the next word of the owner.
listen() {
  untimer "$hearing"
  hearing=''
  [ "$heard" != 0 ] || return 0
  times=$((times + 1))
  timer "$heard" events "unheard $times"
  hearing=$timer
}

renew() { # ID OWNER
  if [ -z "$held" ]; then
    answer "$1" 1 "no lock is held: $last"
  elif [ "$owner" != "$2" ]; then
    answer "$1" 1 "the lock belongs to $owner; yours: $last"
  else
    listen
    reply "$1" 0 "$QUIESCE_NAME is held for $(($(now) - since)) s"
  fi
}

give_back() { # ID OWNER
  if [ -z "$held" ]; then
    answer "$1" 1 "no lock is held: $last"
  elif [ "$owner" != "$2" ]; then
    answer "$1" 1 "the lock belongs to $owner, and is kept; yours: $last"
  else
    seconds=$(($(now) - since))
    release && rc=0 || rc=$?
    last="it was released at $(date +%H:%M:%S)${reason:+, and had been lost: $reason}"
    case $rc in
      0) answer "$1" 0 "$QUIESCE_NAME was held for $seconds s, and goes on" ;;
      1) answer "$1" 1 "$QUIESCE_NAME was not held all the time, so do not rely on what was copied: $reason" ;;
      *) answer "$1" 1 "$QUIESCE_NAME could not be released; trying again: $reason" ;;
    esac
  fi
}

# Nobody waits for an answer.
let_go() { # WHY
  log "$QUIESCE_NAME is released: $1"
  last="$1 ($(date +%H:%M:%S))"
  release || log "$reason"
}

release() {
  reason=''
  lock_release && rc=0 || rc=$?
  untimer "$watchdog"
  untimer "$hearing"
  hearing=''
  if [ "$rc" = 2 ]; then
    log "$QUIESCE_NAME could not be released; trying again: $reason"
    timer 2 events "expired $held"
    watchdog=$timer
    return 2
  fi
  held='' watchdog=''
  rm -f held
  return "$rc"
}

recover() {
  lock_recover && return 0
  log "what is left could not be released; trying again: $reason"
  timer 2 events recover
}

stop() {
  # Who comes now is told at once.
  rm -f events
  tries=3
  while [ -n "$held" ] && [ "$tries" -gt 0 ]; do
    let_go 'the pod is stopped'
    tries=$((tries - 1))
  done
  log 'stopped'
  exit 0
}

# A life before this one has left its pipes, and perhaps more than that.
rm -f events.new reply.* session.*
# In one step: what is written to a name that is not there makes a file of it.
mkfifo events.new && mv -f events.new events || exit 1
exec 3<>events
trap 'echo stop >&3' TERM INT
until lock_recover; do
  log "what an earlier agent left could not be released; trying again: $reason"
  sleep 2
done
if [ -e held ]; then
  last="the container was started again while $(cat held) had it: the agent had been killed (out of memory, or by somebody)"
  log "$QUIESCE_NAME is released: $last"
  rm -f held
fi
log "$QUIESCE_NAME can be held, for $QUIESCE_LIMIT s at most"

while :; do
  # A signal ends the reading, and comes back as an event. Without the pipe nothing would.
  read -r event id rest <&3 || { [ -p events ] || exit 1; continue; }
  case $event in
    hold) take "$id" "$rest" ;;
    renew) renew "$id" "$rest" ;;
    release) give_back "$id" "$rest" ;;
    cancel) if [ -n "$held" ] && [ "$id" = "$asker" ]; then let_go 'the caller was killed'; fi ;;
    expired) if [ "$id" = "$held" ]; then let_go "nobody released it within $QUIESCE_LIMIT s"; fi ;;
    unheard) if [ -n "$held" ] && [ "$id" = "$times" ]; then let_go "$owner was not heard of for $heard s"; fi ;;
    lost) if [ "$id" = "$held" ]; then let_go "it was lost: $rest"; fi ;;
    recover) if [ -z "$held" ]; then recover; fi ;;
    stop) stop ;;
    *) log "not understood: $event $id $rest" ;;
  esac
done
