#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
[ "$(sql 'select 1')" = 1 ]
