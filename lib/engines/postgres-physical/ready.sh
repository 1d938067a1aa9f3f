#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
[ "$(ask -c 'select 1')" = 1 ]
