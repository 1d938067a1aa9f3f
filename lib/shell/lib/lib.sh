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

# shellcheck source=lib/shell/lib/outcome.sh
. "$BACKUP_HOME/shell/outcome.sh"
# shellcheck source=lib/shell/lib/server.sh
. "$BACKUP_HOME/shell/server.sh"
# shellcheck source=lib/shell/lib/manifest.sh
. "$BACKUP_HOME/shell/manifest.sh"
# shellcheck source=lib/shell/lib/choosing.sh
. "$BACKUP_HOME/shell/choosing.sh"

# Whoever asks for something must not get something else: a misspelt word is no reason to restore the newest recovery point.
check_request() {
  asked_key=''
  for asked in "${REQUEST:-/nowhere}"/*; do
    [ -e "$asked" ] || continue
    asked_key=${asked##*/}
    case " $REQUEST_WORDS " in
      *" $asked_key "*) ;;
      *) refuse "the request has the key '$asked_key', which this job does not know; it knows $(printf %s "$REQUEST_WORDS" | sed 's/ /, /g'). Nothing was changed" ;;
    esac
    asked_for=$(tr '[:cntrl:]' '?' <"$asked")
    [ "$(tr -d '[:cntrl:]' <"$asked" | wc -c)" -eq "$(wc -c <"$asked")" ] ||
      refuse "the request's $asked_key holds a line break or another invisible character ($asked_for): create it with --from-literal; nothing was changed"
    case $asked_for in
      ' '* | *' ') refuse "the request's $asked_key begins or ends with a blank ('$asked_for'): remove the blank; nothing was changed" ;;
    esac
    case " ${REQUEST_FLAGS:-} :$asked_for" in
      *" $asked_key "*:yes | *" $asked_key "*:no) ;;
      *" $asked_key "*) refuse "the request's $asked_key is '$asked_for': write yes or no; nothing was changed" ;;
    esac
    log "asked for: $asked_key=$asked_for"
  done
  [ -n "$asked_key" ] || log "no request: there is no ConfigMap $REQUEST_NAME, or it is empty"
}

# Why the repository's function that was called last has failed.
repository_reason() { cat "$SCRATCH/repository.reason" 2>/dev/null || echo 'the repository gave no reason'; }

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

# Notes where it outlives this pod that a run has begun, and tells of one before it that ended without a verdict, which nobody may have
# seen. run.sh takes the note back when it has given the verdict.
begin_run() { [ "$SAFETY" = yes ] || repository_begin_run; }

# shellcheck source=lib/shell/lib/origin.sh
[ -z "${MADE_FOR_NAMESPACE:-}${MADE_FOR_CLUSTER:-}" ] || . "$BACKUP_HOME/shell/origin.sh"
# shellcheck source=/dev/null # the repository's kind is mounted here
[ "${REPOSITORY_FOLDER:-}" = none ] || . "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/repository.sh"
