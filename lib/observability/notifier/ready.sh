#!/bin/sh
# Exit 0 while whoever is to be told can be told: the readiness of its pod. The API has been asked a moment ago, what was told is kept, and
# no channel has failed for longer than five minutes.
read -r looked 2>/dev/null <"$SCRATCH/looked" || exit 1
age=$(($(cut -d . -f 1 /proc/uptime) - looked))
[ "$age" -ge 0 ] && [ "$age" -lt $((3 * NOTIFIER_EVERY + 120)) ] || exit 1
[ ! -e "$SCRATCH/unsaved" ] || exit 1
[ -z "$(find "$SCRATCH/failing" -type f -mmin "+${NOTIFIER_PATIENCE:-4}")" ]
