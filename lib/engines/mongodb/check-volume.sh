#!/bin/sh
# Starts a server on a volume of another one, where it recovers as after a crash, and checks it.
#
# A member of a replica set is started as a server of its own: it shows its last checkpoint, which is a minute old at most. What
# came after it, in the journal, the member itself replays from its oplog when it joins its set again.
#
# environment, beside mongodb.sh's:
#   DATA_DIRECTORY   the data directory; it may be written, and is thrown away
#   ALLOW_EMPTY      `yes`: a server without a collection is no reason to fail
set -eu
unset MONGODB_HOST MONGODB_PORT MONGODB_USERNAME MONGODB_PASSWORD MONGODB_TLS_CA || :
DATABASES=
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

[ -e "$DATA_DIRECTORY/WiredTiger" ] ||
  refuse "there is no file WiredTiger, so this is not a data directory of MongoDB; it holds: $(held_names 10). If the data is in a directory of the volume, set path to it"

trap stop_scratch_server EXIT
restore_started=$(date +%s)
volume_data=$DATA_DIRECTORY
start_scratch_server
outcome restoreSeconds "$(($(date +%s) - restore_started))"

use "$SCRATCH_URI"
export DATABASES
attempt 'validating the collections' mongosh_script catalog COUNT=yes >"$SCRATCH/catalog"
collections=$(grep -c '^"documents/' "$SCRATCH/catalog") || :
[ "$collections" != 0 ] || [ "$ALLOW_EMPTY" = yes ] || die 'the server holds no collection of a user (if that is right, set allowEmpty)'
log "validate found nothing wrong in $collections collections of $(awk -F '":' '/^"documents\// { sum += $2 } END { printf "%.0f", sum }' "$SCRATCH/catalog") documents"

# Asked last: an assertion is the user's own expression, and may do anything to this server.
check_assertions ask
