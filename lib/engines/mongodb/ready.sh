#!/bin/sh
# Exit 0 when the server answers, with the credentials the job will use.
set -eu
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
use "$(host_uri)"
mongosh_script ready
