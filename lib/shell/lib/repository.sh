# shellcheck shell=sh
# The repository as the workbench sees it: by way of the container that has it. There is no other, and nothing of it can be written.
#
# environment, beside lib.sh's:
#   RELAY      the directory that the two containers share, which only the other one can write
#   PATIENCE   seconds after the end of an answer in which the other one has to say how it ended (60 unless set): who was to say it may
#              have been killed
#
# workbench.sh tells who the two containers are, and broker.sh answers. A request is a line of the pipe $RELAY/request:
#   ID open SERIES | ID list SERIES | ID get SERIES POINT NAME      the answer can be read from the pipe $RELAY/ID.answer
#   ID end CODE                                                     what is said of it can be written to that pipe
# $RELAY/ID.code holds how it ended, as soon as that is known, and $RELAY/ID.reason why it failed.

# Waits for something that the other container makes. When that has ended, nobody needs an answer any more.
relay_wait() { # -p|-s PATH [SECONDS]
  relay_tries=0
  until test "$1" "$2"; do
    [ ! -e "$RELAY/over" ] || exit 1
    [ -z "${3:-}" ] || [ "$relay_tries" -lt $(($3 * 10)) ] || return 1
    relay_tries=$((relay_tries + 1))
    sleep 0.1
  done
}

relay() { # read|write REQUEST...
  relay_direction=$1
  shift
  [ ! -e "$RELAY/over" ] || exit 1
  relay_mark=$(mktemp "$SCRATCH/relay.XXXXXX")
  relay_id=${relay_mark##*.}
  printf '%s\n' "$relay_id $*" >"$RELAY/request"
  relay_wait -p "$RELAY/$relay_id.answer"
  relay_rc=0
  if [ "$relay_direction" = read ]; then cat "$RELAY/$relay_id.answer"; else cat >"$RELAY/$relay_id.answer"; fi || relay_rc=$?
  rm -f "$relay_mark"
  # What reads from here went away.
  [ "$relay_rc" != 141 ] || return 141
  if [ "$relay_direction" = write ]; then
    relay_wait -s "$RELAY/$relay_id.code"
  else
    relay_wait -s "$RELAY/$relay_id.code" "${PATIENCE:-60}" ||
      because "the container that has the repository did not say how the answer to '$*' ended: the process that answered was killed, perhaps because it ran out of memory" || return 1
  fi
  for relay_word in reason hopeless; do
    [ ! -s "$RELAY/$relay_id.$relay_word" ] || cp "$RELAY/$relay_id.$relay_word" "$SCRATCH/repository.$relay_word"
  done
  read -r relay_code <"$RELAY/$relay_id.code"
  [ "$relay_rc" = 0 ] || return "$relay_rc"
  return "$relay_code"
}

because() { printf '%s' "$*" >"$SCRATCH/repository.reason"; return 1; }

repository_open() { # read; 10 when nothing of the series was ever written
  [ "$1" = read ] || because 'nothing can be written to the repository from here' || return 1
  relay read open "$SERIES"
}
repository_list() { relay read list "$SERIES"; }
repository_get() { relay read get "$SERIES" "$1" "$2"; } # ID NAME
