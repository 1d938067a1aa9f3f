#!/bin/sh
# Restores the newest recovery point into a throw-away server inside this pod and checks what came back.
#
# environment, beside lib.sh's, broker.sh's and the engine's:
#   CHECK_REPOSITORY   `yes`: look at the older recovery points too, whether they are intact
#   CHECK_DATA_OVER    in how many verifications a repository that can be read in parts is read as a whole; empty or unset: it is not read
#   MAXIMUM_AGE        seconds since the newest recovery point was begun, above which the verification fails; empty or unset: none
# No address and no credential of the production server is here, and nothing of the repository where the server is: see workbench.sh.
# The engine's verify script brings the data up, notes its facts and compares them with $SCRATCH/facts.expected, checks the
# server's own consistency, and answers the assertions in $BACKUP_HOME/assertions.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/broker.sh
. "$BACKUP_HOME/shell/broker.sh"

open_point newest
age=$(age_of "$POINT")
begin_run
engine_on_workbench verify || exit $?

restore_seconds=$(cat "$SCRATCH/outcome/restoreSeconds" 2>/dev/null || echo null)
printf '{\n"id":"%s",\n"verified":"%s",\n"restoreSeconds":%s\n}\n' "$POINT" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$restore_seconds" >"$SCRATCH/verified.json"
repository_mark "$POINT" "$SCRATCH/verified.json" ||
  die "recovery point $POINT is good, but this could not be noted in the repository: $(repository_reason)"
log "verified $POINT"

if [ "$CHECK_REPOSITORY" = yes ]; then
  repository_check && check_rc=0 || check_rc=$?
  case $check_rc in
    0) log 'the repository is intact' ;;
    3) ;;
    4) die "recovery point $POINT is good, but $(repository_reason)" ;;
    *) die "the newest recovery point $POINT is good, but the repository is not: $(repository_reason)" ;;
  esac
fi
# Backups that have stopped go on being verified, by the last one.
[ -z "${MAXIMUM_AGE:-}" ] || [ "$age" -le "$MAXIMUM_AGE" ] ||
  refuse "recovery point $POINT is good, but it is the newest, and was started $(in_words "$age") ago; at most $(in_words "$MAXIMUM_AGE") are allowed (maximumAge): backups have stopped, or the job that copies them here has. Check their last runs"
