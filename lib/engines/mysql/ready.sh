#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
[ "$(sql information_schema -e 'select 1')" = 1 ]
