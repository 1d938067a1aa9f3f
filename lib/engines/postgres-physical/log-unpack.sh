#!/bin/sh
# Unpacks batch $POINT of the log to $WAL_DIRECTORY.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
rm -f "$SCRATCH/get.failed"
unpack_rc=0
{ get wal.tar || echo $? >"$SCRATCH/get.failed"; } | tar -xf - -C "$WAL_DIRECTORY" || unpack_rc=$?
[ ! -e "$SCRATCH/get.failed" ] || die "$(repository_reason)"
[ "$unpack_rc" = 0 ] || die "batch $POINT of the log is not a readable tar"
