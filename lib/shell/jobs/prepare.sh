#!/bin/sh
# The step before an engine's own steps: programs that have no shell find what they need in the scratch volume, and what can be
# found out without them has been found out, with a verdict.
#
# environment, beside lib.sh's and the operation's own (backup.sh, verify.sh, restore.sh): none
# The engine's fetch script stores what its steps need of the recovery point $POINT in $SCRATCH. A restore's may refuse, too. Its
# examine script looks at the server that the steps of a backup are about to ask.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

if [ "$OPERATION" = backup ]; then
  wait_until_ready
  # A first run makes the repository, which takes its time: what the steps bring must not grow old meanwhile.
  repository_open write || die "$(repository_reason)"
  engine examine || exit $?
else
  [ "$OPERATION" != restore ] || check_request
  [ "$OPERATION" != restore ] || [ -z "${DATA_DIRECTORY:-}" ] || refuse_running_server
  open_point "${RECOVERY_POINT:-newest}"
  engine fetch || exit $?
  printf '%s\n' "$POINT" >"$SCRATCH/prepared"
fi
