#!/bin/sh
# Exit 0 while the log archive keeps up: the readiness of its pod.
#
# environment:
#   ARCHIVE_STALE   minutes after which what the server had written has to be stored
read -r healthy boot 2>/dev/null <"$SCRATCH/healthy" || exit 1
# A machine that was started anew counts from zero.
[ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ] && [ "$(($(cut -d . -f 1 /proc/uptime) - healthy))" -lt "$((ARCHIVE_STALE * 60))" ]
