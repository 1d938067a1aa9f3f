#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"
answer=$(CLI_TIMEOUT=15 cli ping 2>"$SCRATCH/ready.client") || :
[ "$answer" != PONG ] || exit 0
said=$(cat "$SCRATCH/ready.client")${answer:+ $answer}
printf '%s\n' "$said" >&2
case $said in
  *NOAUTH* | *WRONGPASS* | *NOPERM* | *'invalid password'* | *'certificate verify failed'* | *'certificate required'*) exit 78 ;;
  *) exit 1 ;;
esac
