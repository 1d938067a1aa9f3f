#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
# shellcheck source=lib/shell/lib/refusals.sh
. "$BACKUP_HOME/shell/refusals.sh"
use "$(host_uri)"
mongosh_script ready 2>"$SCRATCH/ready.client" && exit 0
cat "$SCRATCH/ready.client" >&2
! mongodb_refused "$SCRATCH/ready.client" || exit 78
exit 1
