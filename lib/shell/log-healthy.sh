#!/bin/sh
# Exit 0 while the log archive keeps up: the readiness of its pod.
#
# environment:
#   ARCHIVE_STALE   minutes after which a log archive that has not stored everything is no longer ready
[ -n "$(find "$SCRATCH/healthy" -mmin "-$ARCHIVE_STALE" 2>/dev/null)" ]
