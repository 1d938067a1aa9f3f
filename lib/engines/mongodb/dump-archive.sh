#!/bin/sh
# Writes an archive of one database, or of all of them, to stdout; what mongodump says is in $SCRATCH/dump.log.
#
# usage: dump-archive.sh [DATABASE]
#
# environment, beside mongodb.sh's: SOURCE, the file for --config
#
# Uncompressed: what is compressed cannot be deduplicated, and the repository compresses what is not.
set -eu
# shellcheck source=lib/engines/mongodb/mongodb.sh
. "$BACKUP_HOME/engine/mongodb.sh"
if [ $# -gt 0 ]; then
  # Users and roles, which are the server's own collections there, are no documents to restore beside others.
  if [ "$1" = admin ]; then set -- --db=admin --excludeCollectionsWithPrefix=system.; else set -- "--db=$1"; fi
elif [ "$OPLOG" = yes ]; then
  set -- --oplog
fi
tool "$SCRATCH/dump.log" mongodump "--config=$SOURCE" --archive "$@" || {
  rc=$?
  [ "$rc" -le 128 ] || echo "mongodump failed: killed by signal $((rc - 128)), probably out of memory" >&2
  exit "$rc"
}
