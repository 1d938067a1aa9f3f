#!/bin/sh
# Exit 0 while the log archive keeps up: the readiness of its pod.
#
# environment:
#   ARCHIVE_STALE   minutes after which what the server had written has to be stored
read -r healthy 2>/dev/null <"$SCRATCH/healthy" || exit 1
uptime=$(cut -d . -f 1 /proc/uptime)
# A machine that was started anew counts from zero.
[ "$healthy" -le "$uptime" ] && [ "$((uptime - healthy))" -lt "$((ARCHIVE_STALE * 60))" ]
