# shellcheck shell=sh
# What every script sources: strict mode, words for log and outcome, and the repository's functions.
#
# environment, for every operation:
#   BACKUP_HOME       where the scripts are mounted: shell/, engine/, repository/
#   SCRATCH           a writable directory that dies with the pod; scripts run in it
#   SERIES            the name under which recovery points are kept
#   REPOSITORY_WAIT   seconds to wait for a repository that is locked by another run, or does not answer
#   HAS_LOG           `yes`: the engine's log is archived beside the recovery points, as series <series>-log
#   REPOSITORY_FOLDER where the repository's scripts are below BACKUP_HOME, where it is not `repository`; `none`: there is none
#   REQUEST           where a request for something other than the job's own settings is mounted; it may be empty, or unset
#   REQUEST_NAME      the ConfigMap that it is, for messages; <series>-restore-request where nothing is said
#   REQUEST_WORDS     the words that a request may have
#   REQUEST_FLAGS     those of them that are yes or no
#   SAFETY            `yes` in a safety backup before a restore: dump whatever is there, and miss nothing
#   CLOCK_TOLERANCE   seconds by which clocks of two nodes may differ: what is further ahead is of the future
# For engine scripts this file gives
#   put NAME COMMAND  store the command's standard output as member NAME of the recovery point being made (a program, not a
#                     function: some repositories run it themselves)
#   get NAME          write member NAME of the recovery point $POINT to stdout
#   fetch NAME FILE   write it to a file of the scratch or the data volume, and say so when that is full
#   fact KEY NUMBER   note something countable about the data, which a restore must reproduce
#   needs ID...       note recovery points that this one builds on
#   caveat TEXT       say what a good verdict does not cover: what was left out, not seen or not compared. It goes into the log, the
#                     manifest of a recovery point that is being made, and the reason beside the verdict
#   about KEY TEXT    note something worth knowing about the run (versions, sizes); of `about logBytes N`, how many bytes of
#                     what was stored are at most the log of the meantime, the check of sizes takes account
# Member names are of [a-z0-9._-]; everything that a name must carry beyond that goes into a member.
set -eu
umask 077
cd "$SCRATCH"
: "${SAFETY:=no}" "${REQUEST_NAME:=${SERIES:-}-restore-request}" "${HAS_LOG:=no}" "${CLOCK_TOLERANCE:=3600}" "${CLOCK_IS_WRONG:=no}"

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

fact() { printf '%s:%s\n' "$(json_string "$1")" "$2" >>"$SCRATCH/facts"; }
# Notes recovery points without which this one cannot be restored: pruning keeps them as long as it keeps this one.
needs() { printf '%s\n' "$@" >>"$SCRATCH/needs"; }
about() { printf '%s:%s\n' "$(json_string "$1")" "$(json_string "$2")" >>"$SCRATCH/about"; }

# Whoever asks for something must not get something else: a misspelt word is no reason to restore the newest recovery point.
check_request() {
  asked_key=''
  for asked in "${REQUEST:-/nowhere}"/*; do
    [ -e "$asked" ] || continue
    asked_key=${asked##*/}
    case " $REQUEST_WORDS " in
      *" $asked_key "*) ;;
      *) refuse "the request says '$asked_key', which nothing here reads: it may say $(printf %s "$REQUEST_WORDS" | sed 's/ /, /g'); nothing was changed" ;;
    esac
    asked_for=$(tr '[:cntrl:]' '?' <"$asked")
    [ "$(tr -d '[:cntrl:]' <"$asked" | wc -c)" -eq "$(wc -c <"$asked")" ] ||
      refuse "what the request says of $asked_key holds a line break or another character that cannot be seen ($asked_for): write it with --from-literal; nothing was changed"
    case $asked_for in
      ' '* | *' ') refuse "what the request says of $asked_key begins or ends with a blank ('$asked_for'); nothing was changed" ;;
    esac
    case " ${REQUEST_FLAGS:-} :$asked_for" in
      *" $asked_key "*:yes | *" $asked_key "*:no) ;;
      *" $asked_key "*) refuse "the request says '$asked_for' of $asked_key: write yes or no; nothing was changed" ;;
    esac
    log "asked for: $asked_key=$asked_for"
  done
  [ -n "$asked_key" ] || log "no request: there is no ConfigMap $REQUEST_NAME, or it is empty"
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

# The engine's `ready` ends with 0 when the server answers as it should; with 78 when it answers, and no wait can mend what it says: it
# refuses these credentials, or this way of connecting. Each try may bring an account nearer to its lock, so there is no other.
wait_until_ready() {
  begin_wait "the $ENGINE server" "$READY_TIMEOUT"
  while :; do
    engine ready 2>"$SCRATCH/ready.err" && return 0 || ready_rc=$?
    ready_words=$(last_words "$SCRATCH/ready.err" "$ready_rc")
    [ "$ready_rc" != 78 ] ||
      refuse "the $ENGINE server refuses this job, which no wait and no retry can mend: $ready_words. Look at the Secret with its credentials, and at what the server allows them"
    may_wait "$ready_words" || die "the $ENGINE server was not ready within $READY_TIMEOUT s: $ready_words"
    sleep 2
  done
}

# Files that a running server has open must not be replaced under it. The engine's script `running` tells: exit 0 when something
# answers at the server's address, whatever it says, or has the files open; 1 when nobody does; 2 when that cannot be told. It says
# on stderr what it saw.
#
# environment: SERVER_IS_DOWN   `yes`: somebody has made sure of what cannot be told from here
refuse_running_server() {
  running_rc=0 running_said=
  if [ -e "$BACKUP_HOME/engine/running.sh" ]; then
    running_said=$(engine running 2>&1) || running_rc=$?
  else
    # What such an engine's server does not do when asked is taken for a sign that it is stopped.
    engine ready 2>/dev/null || { [ $? = 78 ] || running_rc=1; }
  fi
  running_said=$(printf '%s' "$running_said" | tr '\n\t' '  ')
  case $running_rc:${SERVER_IS_DOWN:-no} in
    0:*) refuse "the $ENGINE server is running: scale it to zero first; nothing was changed${running_said:+ ($running_said)}" ;;
    1:*) ;;
    *:yes) log "WARNING: whether the $ENGINE server runs cannot be told ($running_said); the request says that it is down" ;;
    *) refuse "whether the $ENGINE server runs cannot be told: $running_said. Nothing was changed. Make sure that no pod has its volume, then set serverIsDown to yes in ConfigMap $REQUEST_NAME" ;;
  esac
  [ "$SAFETY_BACKUP" != yes ] ||
    refuse 'a safety backup asks the running server, and this restore needs it stopped: set safetyBackup to no. What the data directory holds is put aside, not deleted'
}

# What a connection that failed says of the server, for the engine's `running`: exit 1 when nobody listens there, or the name leads
# nowhere, as that of a headless Service does when its pods are scaled to zero; 2 when nothing came back, or no word of a server's; 0
# otherwise: whoever refuses a login is there. Lines that begin with a blank are hints.
connection_tells() { # TEXT
  printf '%s\n' "$1" | grep -v '^[[:space:]]' | grep . >"$SCRATCH/connection" || return 2
  tail -n 1 "$SCRATCH/connection" >&2
  nowhere='connection refused|name or service not known|no address associated with hostname|name does not resolve|name has no usable address|no such host'
  silence='timed out|time-?out|no route to host|unreachable|temporary failure in name resolution|try again|closed the connection|connection reset|connection closed|lost connection|not permitted'
  if ! grep -qivE "$nowhere" "$SCRATCH/connection"; then return 1; fi
  if grep -ivE "$nowhere" "$SCRATCH/connection" | grep -qivE "$silence"; then return 0; fi
  return 2
}

# Why the repository's function that was called last has failed.
repository_reason() { cat "$SCRATCH/repository.reason" 2>/dev/null || echo 'the repository does not say why'; }

engine() { # SCRIPT ARGUMENTS...: runs a script of the engine's folder
  engine_script=$1
  shift
  sh "$BACKUP_HOME/engine/$engine_script.sh" "$@"
}

put() {
  repository_put "$@" || die "storing $1 failed: $(cat "$SCRATCH/put.reason" 2>/dev/null)"
  log "stored $1: $(tail -n 1 "$SCRATCH/members" | cut -f 2) bytes"
}
get() { repository_get "$POINT" "$1"; }

# Writes a member into a file. Nothing is noted in the scratch volume meanwhile: that it is full may be what there is to say.
fetch() { # NAME FILE
  fetch_words=$({ get "$1" >"$2"; } 2>&1) && return 0
  rm -f "$2"
  fetch_words=$(printf '%s' "$fetch_words" | grep . | head -n 1) || :
  fetch_reason=$(repository_reason)
  die "$1 of $POINT cannot be fetched: $fetch_reason${fetch_words:+${fetch_reason:+, }$fetch_words}"
}

# Notes a stored member; repositories call it. DIGEST is how the repository itself will know the bytes again.
member() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$SCRATCH/members"; } # NAME BYTES DIGEST

# ---- the manifest: one entry a line, so that a shell without jq reads it as surely as it writes it ------------------
manifest_write() { # FILE
  {
    printf '{\n"format":1,\n"id":"%s",\n"series":"%s",\n"engine":"%s",\n' "$POINT" "$SERIES" "$ENGINE"
    printf '"started":"%s",\n"finished":"%s",\n"bytes":%s,\n' "$STARTED" "${FINISHED:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}" "$(members_bytes)"
    [ ! -s "$SCRATCH/needs" ] || printf '"needs":"%s",\n' "$(tr '\n' ' ' <"$SCRATCH/needs" | sed 's/ $//')"
    [ -z "${ORIGIN:-}" ] || printf '"origin":"%s",\n' "$ORIGIN"
    [ -z "${AFTER:-}" ] || printf '"after":"%s",\n' "$AFTER"
    # Sizes are compared by jobs without a key, too, to whom nothing of what follows may be readable.
    sed -n 's/^"logBytes":"\([0-9]*\)"$/"logBytes":\1,/p' "$SCRATCH/about"
    printf '"about":{\n'
    comma_lines "$SCRATCH/about"
    printf '},\n"caveats":[\n'
    [ ! -s "$SCRATCH/caveats" ] || while IFS= read -r manifest_caveat; do
      printf '%s\n' "$(json_string "$manifest_caveat")"
    done <"$SCRATCH/caveats" | comma_lines -
    printf '],\n"members":[\n'
    awk -F '\t' '{ printf "{\"name\":\"%s\",\"bytes\":%s,\"digest\":\"%s\"}\n", $1, $2, $3 }' "$SCRATCH/members" | comma_lines -
    printf '],\n"facts":{\n'
    LC_ALL=C sort "$SCRATCH/facts" | comma_lines -
    printf '}\n}\n'
  } >"$1" || :
  manifest_whole "$1" "$POINT" || die "the manifest of $POINT could not be written whole: is the scratch volume full?"
}
members_bytes() { awk -F '\t' '{ sum += $2 } END { printf "%.0f", sum }' "$SCRATCH/members"; }
comma_lines() { sed '$!s/$/,/' "$1"; }

manifest_field() { sed -n "s/^\"$2\":\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1; } # FILE FIELD
manifest_members() {                                                                                    # FILE: name, bytes, digest; tab-separated
  sed -n 's/^{"name":"\([^"]*\)","bytes":\([0-9]*\),"digest":"\([^"]*\)"},\{0,1\}$/\1\t\2\t\3/p' "$1"
}
manifest_facts() { sed -n '/^"facts":{$/,/^}$/{ /^"facts":{$/d; /^}$/d; s/,$//; p; }' "$1"; } # FILE
manifest_about() { sed -n '/^"about":{$/,/^},$/{ /^"about":{$/d; /^},$/d; s/,$//; p; }' "$1"; }   # FILE
manifest_caveats() { # FILE: a text a line
  sed -n '/^"caveats":\[$/,/^\],$/{ /^"caveats":\[$/d; /^\],$/d; s/,$//; s/^"//; s/"$//; s/\\\(.\)/\1/g; p; }' "$1"
}
manifest_whole() { [ "$(tail -n 1 "$1")" = '}' ] && [ "$(manifest_field "$1" id)" = "$2" ] && [ -n "$(manifest_members "$1")" ]; } # FILE ID

# A directory that was copied or renamed by hand is none, and would be the newest or be counted.
is_id() { # NAME
  case $1 in
    [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-[a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9]) ;;
    *) return 1 ;;
  esac
}

# Fetches the manifest of the recovery point to $SCRATCH/manifest.json.
manifest_fetch() { # ID
  # It is there already where it was the last one to be fetched.
  ! manifest_whole "$SCRATCH/manifest.json" "$1" 2>/dev/null || return 0
  repository_get "$1" manifest.json >"$SCRATCH/manifest.json" || return 1
  manifest_whole "$SCRATCH/manifest.json" "$1" || { echo 'its manifest is damaged' >"$SCRATCH/repository.reason"; return 1; }
}

# Where the recovery points that this pod makes come from; origin.sh tells why.
own_origin() { printf '%s%s' "${POD_NAMESPACE:-}" "${MADE_FOR_CLUSTER:+@$MADE_FOR_CLUSTER}"; }

# Begins a recovery point that is being made.
begin_point() {
  # Ids of one pod differ by their second.
  while [ "$(date +%s)" = "$(cat "$SCRATCH/second" 2>/dev/null)" ]; do sleep 0.2; done
  date +%s >"$SCRATCH/second"
  STARTED=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  POINT=$(date -u +%Y%m%dT%H%M%SZ)-$(printf %s "${POD_NAME:-00000}" | tr -cd 'a-z0-9' | sed 's/.*\(.\{5\}\)$/\1/')
  ORIGIN=$(own_origin)
  export STARTED POINT ORIGIN
  outcome id "$POINT"
  : >"$SCRATCH/members"
  : >"$SCRATCH/facts"
  : >"$SCRATCH/about"
  : >"$SCRATCH/needs"
  : >"$SCRATCH/caveats"
}

# Recovery points, oldest first: all of them to $SCRATCH/points.all, those of the future to $SCRATCH/points.future, and all others to
# $SCRATCH/points. Whoever looks for the newest looks there: one that a wrong clock has made would be the newest until its day comes.
list_points() {
  list_all_points
  cut -d ' ' -f 1 "$SCRATCH/points.future" >"$SCRATCH/future"
  name_future "$SCRATCH/future"
}
name_future() { # FILE with ids
  [ ! -s "$1" ] ||
    remark "this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), by which these recovery points of series $SERIES are of the future: $(some_of "$1"). They count for nothing, and are restored by their ids only. Set the clock that is wrong; what one that was ahead has made has to be removed by hand before its day comes"
}
list_all_points() {
  judge_clock
  repository_list >"$SCRATCH/points.unsorted" || die "the recovery points of series $SERIES could not be listed: $(repository_reason)"
  LC_ALL=C sort "$SCRATCH/points.unsorted" >"$SCRATCH/points.all"
  tell_future "$SCRATCH/points.all" "$SCRATCH/points" "$SCRATCH/points.future"
}

# The time after which everything is of the future, as in an id.
future_begins() { date -u -d "@$(($(date +%s) + CLOCK_TOLERANCE))" +%Y%m%dT%H%M%SZ; }
tell_future() { # FILE PRESENT FUTURE
  awk -v begins="$(future_begins)" 'substr($1, 1, 16) "" <= begins ""' "$1" >"$2"
  awk -v begins="$(future_begins)" 'substr($1, 1, 16) "" > begins ""' "$1" >"$3"
}

some_of() { # FILE: its lines in one, not too many of them
  awk '{ if (NR < 21) printf "%s%s", (NR > 1 ? " " : ""), $0 } END { if (NR > 20) printf " and %d more", NR - 20 }' "$1"
}

# A pod of a CronJob is called after the minute for which its run was due, by the clock of the control plane
# (kubernetes pkg/controller/cronjob/utils.go, getJobName). Whoever publishes under a time that is over publishes what pruning removes.
judge_clock() {
  due=$(printf %s "${POD_NAME:-}" | sed -n 's/.*-\([0-9]\{8\}\)-\{0,1\}[a-z0-9]\{5\}$/\1/p')
  # What somebody has named after a day is no minute of these years.
  [ "${due:-0}" -gt 26300000 ] || return 0
  clock=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  ahead=$(($(date +%s) - due * 60))
  [ "$ahead" -ge "-$CLOCK_TOLERANCE" ] ||
    die "the clock of this node is behind: it says $clock, and this run was due for $(date -u -d "@$((due * 60))" +%Y-%m-%dT%H:%M:%SZ). Set it; nothing was done"
  [ "$ahead" -le 604800 ] ||
    ahead_of "the clock of this node is ahead: it says $clock, and this run was due for $(date -u -d "@$((due * 60))" +%Y-%m-%dT%H:%M:%SZ). Set it"
}
ahead_of() { # WORDS: data is rather saved under a wrong time than not; all else can wait for a right one
  case ${OPERATION:-} in
    backup | snapshot | restore) caveat "$1. A recovery point of the future is restored by its id only; nothing is pruned" ;;
    *) die "$1; nothing was done" ;;
  esac
  CLOCK_IS_WRONG=yes
}

# Some that there are, the newest first, in words.
newest_points() {
  [ -s "$SCRATCH/points.all" ] || echo none
  tail -n 10 "$SCRATCH/points.all" | LC_ALL=C sort -r | tr '\n' ',' | sed -e 's/,$//' -e 's/,/, /g'
}

# Which recovery point: an id, `newest`, `newest-verified` (the newest verified one, else the newest), or a time such as
# 2026-08-01T00:00:00Z (the newest that was there by then).
choose_point() { # WANTED
  list_points
  # What was prepared for is what it is, though a newer one may have come since.
  [ ! -s "$SCRATCH/prepared" ] || set -- "$(cat "$SCRATCH/prepared")"
  case $1 in
    newest | newest-verified) ;;
    *) is_id "$1" || is_time "$1" ||
      refuse "recoveryPoint is '$1': write newest, newest-verified, an id such as 20260801T023000Z-x7k2p, or a time in UTC such as 2026-08-01T00:00:00Z; nothing was changed. Series $SERIES has: $(newest_points)" ;;
  esac
  [ -s "$SCRATCH/points.all" ] || refuse "series $SERIES has no recovery point in this repository"
  case $1 in
    [0-9]*[!Z]) ;;
    *) [ -s "$SCRATCH/points" ] || refuse "series $SERIES has no recovery point but of the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ): set the clock that is wrong, or name one by its id: $(some_of "$SCRATCH/future")" ;;
  esac
  case $1 in
    newest) POINT=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1) ;;
    newest-verified) choose_newest_verified ;;
    *T*Z) choose_point_at "$1" ;;
    *)
      POINT=$1
      cut -d ' ' -f 1 "$SCRATCH/points.all" | grep -qxF -e "$POINT" ||
        refuse "series $SERIES has no recovery point $POINT; it has: $(newest_points)"
      ;;
  esac
  export POINT
  outcome id "$POINT"
}

choose_newest_verified() {
  newest_point=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  POINT=$(grep ' verified$' "$SCRATCH/points" | tail -n 1 | cut -d ' ' -f 1)
  if [ -z "$POINT" ]; then
    POINT=$newest_point
    remark "no recovery point of series $SERIES is verified: the newest is taken, $POINT, of $(age_in_words "$POINT") ago"
  elif [ "$POINT" != "$newest_point" ]; then
    remark "the newest verified recovery point is taken, $POINT, of $(age_in_words "$POINT") ago; the newest is $newest_point, of $(age_in_words "$newest_point") ago, and no verification has restored it. What was written in between is not in what is taken"
  fi
}

seconds_of() { # ID: since 1970
  date -u -d "$(printf %s "$1" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z.*/\1-\2-\3 \4:\5:\6/')" +%s
}
age_of() { echo $(($(date +%s) - $(seconds_of "$1"))); } # ID
age_in_words() { in_words "$(age_of "$1")"; }            # ID
in_words() { # SECONDS
  if [ "$1" -lt 7200 ]; then echo "$(($1 / 60)) minutes"; elif [ "$1" -lt 172800 ]; then echo "$(($1 / 3600)) hours"; else echo "$(($1 / 86400)) days"; fi
}

# A dump shows the database as it was when the run began; a copy of files is consistent when the run has ended.
choose_point_at() { # TIME
  POINT=
  at=$(printf %s "${1%Z}" | tr -d :- | cut -d . -f 1)Z
  LC_ALL=C sort -r "$SCRATCH/points" >"$SCRATCH/points.newest-first"
  while read -r candidate _; do
    first_later=$(printf '%s\n%s\n' "${candidate%-*}" "$at" | LC_ALL=C sort | tail -n 1)
    [ "${candidate%-*}" = "$at" ] || [ "$first_later" = "$at" ] || continue
    if [ "$HAS_LOG" = yes ]; then
      manifest_fetch "$candidate" || die "recovery point $candidate cannot be read: $(repository_reason)"
      finished=$(manifest_field "$SCRATCH/manifest.json" finished)
      is_after "$finished" "$1" && continue
    fi
    POINT=$candidate
    break
  done <"$SCRATCH/points.newest-first"
  [ -n "$POINT" ] ||
    refuse "series $SERIES has no recovery point that was there at $1; the oldest is $(head -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)"
  ! is_after "$1" "$(date -u -d "@$(($(date +%s) + CLOCK_TOLERANCE))" +%Y-%m-%dT%H:%M:%SZ)" ||
    remark "$1 has not come yet, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ): what is taken is $POINT, of $(age_in_words "$POINT") ago"
}

# Whether it is a time in UTC such as 2026-08-01T00:00:00.5Z: 9:30 of a day would otherwise sort after its evening.
is_time() { # TEXT
  case ${1#????-??-??T??:??:??} in
    Z) ;;
    .*[!0-9]*Z | .Z) return 1 ;;
    .*Z) ;;
    *) return 1 ;;
  esac
  time_words=$(printf %.19s "$1" | tr T ' ')
  [ "$(date -u -d "$time_words" '+%Y-%m-%d %H:%M:%S' 2>/dev/null)" = "$time_words" ]
}

# Of two times such as 2026-08-01T00:00:00.5Z, whether the first is after the second.
is_after() { [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "${1%Z}" "${2%Z}" | LC_ALL=C sort | tail -n 1)" = "${1%Z}" ]; }

# Notes where it outlives this pod that a run has begun, and tells of one before it that ended without a verdict, which nobody may have
# seen. run.sh takes the note back when it has given the verdict.
begin_run() { [ "$SAFETY" = yes ] || repository_begin_run; }

# Opens the repository, chooses a recovery point, and leaves its manifest and its facts in $SCRATCH.
open_point() { # WANTED
  repository_open read || die "$(repository_reason)"
  choose_point "$1"
  manifest_fetch "$POINT" || die "recovery point $POINT cannot be read: $(repository_reason)"
  outcome bytes "$(manifest_field "$SCRATCH/manifest.json" bytes)"
  manifest_facts "$SCRATCH/manifest.json" >"$SCRATCH/facts.expected"
  : >"$SCRATCH/facts"
  # What it does not hold is nothing that a verification or a restore of it could be good about.
  manifest_caveats "$SCRATCH/manifest.json" >"$SCRATCH/caveats.of-point"
  while IFS= read -r open_caveat; do caveat "recovery point $POINT: $open_caveat"; done <"$SCRATCH/caveats.of-point"
}

# Compares the facts of the manifest with the facts found after a restore.
compare_facts() { # EXPECTED FOUND: files
  [ -s "$1" ] || die "the manifest of $POINT holds no facts to compare with"
  awk 'FILENAME == ARGV[1] { expected[$0]; next } { found[$0] } !($0 in expected) { print $0 " was found" }
    END { for (line in expected) if (!(line in found)) print line " was expected" }' "$1" "$2" | LC_ALL=C sort >"$SCRATCH/facts.difference"
  [ ! -s "$SCRATCH/facts.difference" ] ||
    die "what came back is not what was backed up, in $(wc -l <"$SCRATCH/facts.difference" | tr -d ' ') facts: $(head -n 4 "$SCRATCH/facts.difference" | tr '\n' ';')"
}

# shellcheck source=lib/shell/origin.sh
[ -z "${MADE_FOR_NAMESPACE:-}${MADE_FOR_CLUSTER:-}" ] || . "$BACKUP_HOME/shell/origin.sh"
# shellcheck source=/dev/null # the repository's kind is mounted here
[ "${REPOSITORY_FOLDER:-}" = none ] || . "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/repository.sh"
