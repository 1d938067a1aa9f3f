#!/bin/sh
# Exit 0 when the broker answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/rabbitmq/rabbitmq.sh
. "$BACKUP_HOME/engine/rabbitmq.sh"
definitions ready 2>"$SCRATCH/ready.client" && exit 0
cat "$SCRATCH/ready.client" >&2
! grep -qE ' answers (401|403): |not allowed to export definitions|unknown_ca|hostname_check_failed|cert_expired|handshake_failure' "$SCRATCH/ready.client" || exit 78
exit 1
