#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/shell/lib/refusals.sh
. "$BACKUP_HOME/shell/refusals.sh"
answer=$(ask -c 'select 1' 2>"$SCRATCH/ready.client") || {
  cat "$SCRATCH/ready.client" >&2
  ! psql_refused "$SCRATCH/ready.client" || exit 78
  exit 1
}
[ "$answer" = 1 ]
