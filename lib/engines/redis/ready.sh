#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
# shellcheck source=lib/shell/lib/refusals.sh
. "$BACKUP_HOME/shell/refusals.sh"
answer=$(CLI_TIMEOUT=15 cli ping 2>"$SCRATCH/ready.client") || :
[ "$answer" != PONG ] || exit 0
printf '%s\n' "$answer" >>"$SCRATCH/ready.client"
cat "$SCRATCH/ready.client" >&2
! redis_refused "$SCRATCH/ready.client" || exit 78
exit 1
