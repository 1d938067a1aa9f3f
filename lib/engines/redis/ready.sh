#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
answer=$(CLI_TIMEOUT=15 cli ping)
[ "$answer" = PONG ] || { echo "$answer" >&2; exit 1; }
