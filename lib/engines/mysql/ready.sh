#!/bin/sh
# Exit 0 when the server answers a query, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/mysql/mysql.sh
. "$BACKUP_HOME/engine/mysql.sh"
# shellcheck source=lib/shell/lib/refusals.sh
. "$BACKUP_HOME/shell/refusals.sh"
answer=$(sql information_schema -e 'select 1' 2>"$SCRATCH/ready.client") || {
  cat "$SCRATCH/ready.client" >&2
  # The two products have other ways to log in, and neither's client knows all of the other's.
  ! grep -qiE 'plugin.*(cannot|could not) be loaded' "$SCRATCH/ready.client" ||
    echo "ERROR: the server demands an authentication method that the programs of $product do not support: is it a $product server?" >&2
  ! mysql_refused "$SCRATCH/ready.client" || exit 78
  exit 1
}
[ "$answer" = 1 ]
