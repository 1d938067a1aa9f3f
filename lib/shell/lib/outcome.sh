# shellcheck shell=sh
# What a run says: its log, how it ends, and why. lib.sh sources it.

log() { printf '%s %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# As `caveat`, of the run and not of the recovery point that it makes.
remark() {
  log "WARNING: $*"
  printf '%s\n' "$(printf %s "$*" | tr '\n\t' '  ')" >>"$SCRATCH/outcome/caveats"
}

caveat() {
  remark "$@"
  tail -n 1 "$SCRATCH/outcome/caveats" >>"$SCRATCH/caveats"
}

outcome() { printf '%s' "$2" >"$SCRATCH/outcome/$1"; } # NAME VALUE: goes into the result line

# Room for the last words. What failed may not have been able to say that there was none.
give_reserve() {
  case $(df -Pk "$SCRATCH" 2>/dev/null | awk 'NR == 2 { print ($4 < 8) }') in
    1) rm -f "$SCRATCH/reserve" && outcome full yes ;;
    *) rm -f "$SCRATCH/reserve" ;;
  esac
}

# The first reason stays: what fails because of a failure is not the news.
die() {
  give_reserve
  log "ERROR: $*"
  [ -s "$SCRATCH/outcome/reason" ] || outcome reason "$*"
  # Some failures come again however often they are tried: a key that does not fit.
  hopeless=$(cat "$SCRATCH/repository.hopeless" 2>/dev/null) || :
  case ${hopeless:+$*} in '') exit 1 ;; *"$hopeless"*) exit 78 ;; esac
  exit 1
}

# A failure that no retry can mend.
refuse() {
  give_reserve
  log "REFUSED: $*"
  [ -s "$SCRATCH/outcome/reason" ] || outcome reason "$*"
  exit 78
}

# Notes why a program failed, without data: the reason of a run that ends of it and gives no other. One that goes on takes it back.
unexplained() { # PROGRAM WORDS
  outcome unexplained "after $1 failed: $(printf '%s\n' "$2" | grep -v '^[[:space:]]*$' | tail -n 2 | tr -s '\n\t' '  ' | sed 's/ $//')" 2>/dev/null || :
}
# Runs a client; what it says when it fails is the reason of a run that ends of it. Its answer has to be kept before it is looked at: within
# a test or a pipe the shell goes on when there is none, and takes silence for an answer.
asking() { # PROGRAM COMMAND...
  asking_program=$1
  shift
  # Kept in memory: what it says may be that the scratch volume is full.
  { asking_said=$("$@" 2>&1 >&3 3>&-) && asking_rc=0 || asking_rc=$?; } 3>&1
  [ -z "$asking_said" ] || printf '%s\n' "$asking_said" >&2
  if [ "$asking_rc" = 0 ]; then explained; else unexplained "$asking_program" "$asking_said"; fi
  return "$asking_rc"
}
explained() { [ ! -e "$SCRATCH/outcome/unexplained" ] || rm -f "$SCRATCH/outcome/unexplained"; }

# Runs a command; when it fails, the last thing it said on stderr becomes the reason.
attempt() { # WHAT COMMAND...
  attempt_what=$1
  shift
  # Kept in memory: what it says may be that the scratch volume is full.
  { attempt_said=$("$@" 2>&1 >&3 3>&-) && attempt_rc=0 || attempt_rc=$?; } 3>&1
  [ -z "$attempt_said" ] || printf '%s\n' "$attempt_said" >&2
  [ "$attempt_rc" != 0 ] || return 0
  give_reserve
  printf '%s\n' "$attempt_said" >"$SCRATCH/attempt.err"
  die "$attempt_what failed: $(last_words "$SCRATCH/attempt.err" "$attempt_rc")"
}

# What a command said in the end. Lines that call themselves errors go before hints and contexts that follow them.
last_words() { # FILE EXIT-CODE
  # tar's last line only says that there were others.
  words=$(grep -iE 'error|fatal|panic|failed|no space left' "$1" 2>/dev/null | grep -v 'due to previous errors' | tail -n 2 | tr '\n' ' ')
  [ -n "$words" ] || words=$(grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 2 | tr '\n' ' ')
  if [ "$2" -gt 128 ] 2>/dev/null; then words="$words(killed by signal $(($2 - 128)))"; fi
  words=${words% }
  printf %s "${words:-exit code $2}"
}

json_string() { # TEXT, as a JSON string
  printf '"%s"' "$(printf %s "$1" | tr -d '\000-\037\177' | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g')"
}

# A wait, of which the log says after some seconds, and then once a minute, what it is for, since when, and until when.
begin_wait() { # WHAT SECONDS
  wait_what=$1
  wait_began=$(date +%s)
  wait_until=$((wait_began + $2))
  wait_said=$((wait_began - 55))
}
may_wait() { # [WHY]: false when the time is over
  wait_now=$(date +%s)
  [ "$wait_now" -lt "$wait_until" ] || return 1
  [ $((wait_now - wait_said)) -ge 60 ] || return 0
  wait_said=$wait_now
  log "waiting for $wait_what since $(date -u -d "@$wait_began" +%H:%M:%S), until $(date -u -d "@$wait_until" +%H:%M:%S) at most${1:+: $1}"
}
