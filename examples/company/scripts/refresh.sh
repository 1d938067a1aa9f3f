#!/bin/sh
# Loads the newest recovery point that a verification has proven into the staging server, in the place of what is there.
#
# environment: lib.sh's, and libpq's for the staging server (PGHOST, PGUSER)
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
open_point newest-verified
fetch orders.dump "$SCRATCH/orders.dump"
PGPASSWORD=$(cat /run/secrets/job/password/password)
export PGPASSWORD
attempt "loading $POINT" pg_restore --clean --if-exists --no-owner --exit-on-error --single-transaction --dbname=orders "$SCRATCH/orders.dump"
log "staging has $POINT"
