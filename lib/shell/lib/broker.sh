# shellcheck shell=sh
# The half of a verification, or of a restore, that has the repository. lib.sh is sourced before. workbench.sh tells of the other half.
#
# environment:
#   RELAY            the directory that the two containers share, which only this one can write; empty: there is one container, which
#                    does everything itself
#   WORKBENCH_WAIT   seconds to wait for the other container to start (600 unless set)
#
# What comes from the workbench is not trusted: of it are read lines of known words, never a name of a file to write.

broker_helpers=

# From here on the workbench knows that this container lives, however long it takes until there is something to do.
open_relay() {
  # shellcheck disable=SC2086 # a list of numbers
  trap 'kill $broker_helpers 2>/dev/null || :' EXIT
  rm -f "$RELAY"/*
  mkfifo "$RELAY/request" "$RELAY/log"
  # An answer is read at once; a long log makes more of them than the volume holds. An image without find has none to be replayed.
  (
    while date +%s >"$RELAY/alive.new" && mv "$RELAY/alive.new" "$RELAY/alive"; do
      find "$RELAY" -name '*.*' -type f ! -name 'alive*' ! -name 'ready*' -mmin +10 -exec rm -f {} + || :
      sleep 5
    done
  ) >/dev/null 2>&1 &
  broker_helpers=$!
  # Both ways, so that it neither waits for a writer nor ends with one.
  exec 6<>"$RELAY/request"
  # When the last process of the workbench is gone, so is its log.
  (
    exec 6>&- <"$RELAY/log"
    : >"$SCRATCH/workbench-is-there"
    cat >&2 || :
    # Nor does anybody read, or write, what it has asked for.
    echo 'log gone' >"$RELAY/request"
    # Again and again: what was asked for may be about to get its pipe.
    while :; do
      for pipe in "$RELAY"/*.answer; do [ ! -p "$pipe" ] || : <>"$pipe"; done
      sleep 1
    done
  ) >/dev/null &
  broker_helpers="$broker_helpers $!"
}

# Runs the engine's script, on the workbench where there is one, for the recovery point that is open.
engine_on_workbench() { # SCRIPT
  if [ -z "${RELAY:-}" ]; then
    engine "$1"
    return
  fi
  begin_wait 'the container workbench to start' "${WORKBENCH_WAIT:-600}"
  until [ -e "$SCRATCH/workbench-is-there" ]; do
    may_wait || die "the container workbench did not start within ${WORKBENCH_WAIT:-600} s: kubectl describe pod ${POD_NAME:-} shows its state, and the events that say why"
    sleep 0.1
  done
  printf '%s\n' "$POINT" >"$RELAY/ready.new"
  mv "$RELAY/ready.new" "$RELAY/ready"
  log "restoring $POINT on the workbench, a container without keys"
  while read -r request_id request_what request_series request_point request_name <&6; do
    case $request_id in *[!A-Za-z0-9]*) continue ;; esac
    case $request_id:$request_what:$request_series in
      log:gone:*)
        die "the container workbench ended without an outcome. If kubectl describe says OOMKilled, raise memoryLimit; otherwise its own message says why"
        ;;
      *:open:* | *:list:* | *:get:*)
        answer "$request_id" "$request_what" "$request_series" "$request_point" "$request_name" &
        ;;
      *:end:*)
        take_end "$request_id" "$request_series"
        return
        ;;
    esac
  done
}

# A process of its own for each request: a reader may ask for something else before it has read everything.
answer() { # ID WHAT SERIES POINT NAME
  exec 6>&-
  answer_to=$RELAY/$1
  answer_scratch=$SCRATCH
  [ "$3" = "$SERIES" ] || answer_scratch=$SCRATCH/log
  mkdir -p "$answer_scratch/outcome"
  rm -f "$answer_scratch/repository.reason"
  mkfifo "$answer_to.answer"
  answer_rc=0
  if is_for_the_workbench "$3" "$4$5"; then
    SERIES=$3 SCRATCH=$answer_scratch sh "$BACKUP_HOME/shell/answer.sh" "$2" "$4" "$5" >"$answer_to.answer" || answer_rc=$?
  else
    : >"$answer_to.answer"
    answer_rc=1
  fi
  for answer_word in reason hopeless; do
    [ ! -s "$answer_scratch/repository.$answer_word" ] || cp "$answer_scratch/repository.$answer_word" "$answer_to.$answer_word"
  done
  answer_code "$1" "$answer_rc"
}

# Nothing else of the repository is this backup's, and names of recovery points and members are plain.
is_for_the_workbench() { # SERIES NAMES
  case $2 in *[!A-Za-z0-9._-]*) return 1 ;; esac
  [ "$1" = "$SERIES" ] || [ "$1" = "$SERIES-log" ]
}

answer_code() { # ID CODE
  printf '%s\n' "$2" >"$RELAY/$1.new"
  mv "$RELAY/$1.new" "$RELAY/$1.code"
  rm -f "$RELAY/$1.answer"
}

# How the engine's script ended there, and what it noted.
take_end() { # ID CODE
  case $2 in '' | *[!0-9]* | ????*) set -- "$1" 1 ;; esac
  # An exit code has eight bits: of 256 none would be left.
  [ "$2" -le 255 ] || set -- "$1" 1
  mkfifo "$RELAY/$1.answer"
  head -c 100000000 "$RELAY/$1.answer" >"$SCRATCH/end"
  sed -n 's/^fact //p' "$SCRATCH/end" >"$SCRATCH/facts"
  for end_word in reason restoreSeconds caveats; do
    sed -n "s/^$end_word //p" "$SCRATCH/end" >"$SCRATCH/end.word"
    [ ! -s "$SCRATCH/end.word" ] || cat "$SCRATCH/end.word" >>"$SCRATCH/outcome/$end_word"
  done
  case $(cat "$SCRATCH/outcome/restoreSeconds" 2>/dev/null) in '' | 0?* | *[!0-9]*) rm -f "$SCRATCH/outcome/restoreSeconds" ;; esac
  answer_code "$1" 0
  [ "$2" = 0 ] || return "$2"
  # Who has the keys has the last word: a script that was made to end well there has no facts to show.
  [ "$OPERATION" != verify ] || compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
}

[ -z "${RELAY:-}" ] || open_relay
