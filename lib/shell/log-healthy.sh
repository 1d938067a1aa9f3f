#!/bin/sh
# Exit 0 while the log archive keeps up: the readiness of its pod.
#
# environment:
#   ARCHIVE_STALE   minutes after which what the server had written has to be stored
[ -n "$(find "$SCRATCH/healthy" -mmin "-$ARCHIVE_STALE" 2>/dev/null)" ]
