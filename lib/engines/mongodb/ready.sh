#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use; 78 when it refuses them.
set -eu
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
use "$(host_uri)"
mongosh_script ready 2>"$SCRATCH/ready.client" && exit 0
cat "$SCRATCH/ready.client" >&2
! grep -qE 'Authentication failed|requires authentication|not authorized|certificate (verify|has expired)|self.signed certificate|unable to (verify|get)|altnames' "$SCRATCH/ready.client" || exit 78
exit 1
