#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
[ "$(sql "$MAINTENANCE_DATABASE" -c 'select 1')" = 1 ]
