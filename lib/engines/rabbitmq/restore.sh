#!/bin/sh
# Imports what the broker lacks of the recovery point, after a look at what is there already.
#
# An import adds and overwrites, object by object, and deletes nothing; queues and exchanges that exist are never changed by it.
# So everything that could go wrong half way is refused before: see definitions.escript, plan.
#
# environment, beside rabbitmq.sh's:
#   REPLACE         `yes`: policies, permissions and parameters that differ from the recovery point's may be overwritten
#   SAFETY_BACKUP   `yes`: restore.sh has backed up the definitions before
#   MOVE_MESSAGES   `yes`: shovels and upstreams of federations that the broker lacks are imported, too, and begin to move messages
set -eu
: "${MOVE_MESSAGES:=no}"
export MOVE_MESSAGES
# shellcheck source=lib/engines/rabbitmq/rabbitmq.sh
. "$BACKUP_HOME/engine/rabbitmq.sh"

restore_started=$(date +%s)
fetch definitions.json "$SCRATCH/wanted.json"
attempt 'exporting the definitions of the broker' definitions export "$SCRATCH/present.json"
attempt 'comparing the definitions' definitions plan "$SCRATCH/wanted.json" "$SCRATCH/present.json" "$SCRATCH/import.json" >"$SCRATCH/conflicts"
some() { sed -n "s/^$1 //p" "$SCRATCH/conflicts" | head -n 3 | tr '\n' ',' | sed -e 's/ ,$//' -e 's/ ,/, /g'; }
[ -z "$(some fixed)" ] ||
  refuse "the broker has other properties for $(some fixed): nothing was changed. An import cannot change an existing queue or exchange: delete it first"
if [ -n "$(some differs)" ]; then
  [ "$REPLACE" = yes ] || refuse "the broker has other values for $(some differs): nothing was changed. Set replace to yes in ConfigMap $REQUEST_NAME to overwrite them"
  [ "$SAFETY_BACKUP" = yes ] ||
    refuse "the broker has other values for $(some differs), and no backup would keep those: nothing was changed. Set safetyBackup to yes, too"
fi

attempt 'importing the definitions' definitions import "$SCRATCH/import.json"
attempt 'exporting the definitions of the broker' definitions export "$SCRATCH/found.json"
facts_of "$SCRATCH/wanted.json" "$SCRATCH/found.json" kept
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
held=$(grep -c '^held ' "$SCRATCH/conflicts") || :
[ "$held" = 0 ] || caveat "$held shovels and upstreams of federations were not imported ($(some held)), as they would start to move messages, which is wrong while the original still does. If it does not, set moveMessages to yes"
kept=$(grep -c '^kept ' "$SCRATCH/conflicts") || :
[ "$kept" = 0 ] || caveat "$kept users, virtual hosts and global parameters that the broker already had keep its passwords and settings, which differ from the recovery point's ($(some kept))"
outcome restoreSeconds "$(($(date +%s) - restore_started))"
