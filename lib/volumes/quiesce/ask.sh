# shellcheck shell=sh
# How hold.sh and release.sh talk with the agent. A dead agent never blocks them: pipes are opened to read and to write.
set -u
cd "$QUIESCE_STATE" || exit 1
[ -p events ] || {
  echo "quiesce: the agent has not started yet, or cannot: see the log of container quiesce" >&2
  exit 1
}
id=$$-$(date +%s) code=1 text='' alarm=''
# Open before anything is asked: a pipe that nobody has open forgets what is written into it.
mkfifo "reply.$id"
exec 3<>"reply.$id"
trap 'end' EXIT

# By force, as session.sh ends its timers; and waited for, or bash tells whoever runs this that it was.
end() {
  if [ -n "$alarm" ]; then
    { kill -KILL "$alarm"; wait "$alarm"; kill "$(cat "nap.$id")"; } 2>/dev/null
  fi
  rm -f "reply.$id" "nap.$id"
}

ask() { printf '%s %s %s\n' "$1" "$id" "${2:-}" 1<>events; } # EVENT [OWNER]

# Waits for the answer; 1 when there is none.
hear() { # SECONDS
  # Its output is closed: whoever runs this waits until everybody has closed it.
  (
    sleep "$1" 3>&- &
    echo "$!" >"nap.$id"
    wait "$!"
    echo "1 silence" >&3
  ) >/dev/null 2>&1 &
  alarm=$!
  read -r code text <&3
  [ "$text" = silence ] || return 0
  text="the agent has not answered within $1 s: see the log of container quiesce"
  return 1
}

tell() {
  if [ "$code" = 0 ]; then echo "quiesce: $text"; else echo "quiesce: $text" >&2; fi
}
