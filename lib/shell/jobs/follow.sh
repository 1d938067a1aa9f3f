#!/bin/sh
# Receives the server's log into the spool until it is told to stop.
#
# environment, beside lib.sh's and the engine's:
#   SPOOL           the directory that the log goes to
#   READY_TIMEOUT   seconds to wait for the server to accept connections
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"
log_gap_room
# Being told to stop is how it ends well: the program that receives hears it too.
trap : TERM INT
outcome quiet yes
wait_until_ready
engine log-follow || exit $?
