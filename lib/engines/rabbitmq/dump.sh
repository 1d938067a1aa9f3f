#!/bin/sh
# Exports the definitions of the whole broker.
#
# environment, beside rabbitmq.sh's:
#   ALLOW_EMPTY   `yes`: a broker without a queue and an exchange of its own is no reason to fail
set -eu
# shellcheck source=lib/engines/rabbitmq/rabbitmq.sh
. "$BACKUP_HOME/engine/rabbitmq.sh"

# A document of some megabytes at most, which is whole before any of it is stored.
attempt 'exporting the definitions' definitions export "$SCRATCH/definitions.json"
facts_of "$SCRATCH/definitions.json" "$SCRATCH/definitions.json" exact
attempt 'asking for the nodes of the cluster' definitions doubts "$SCRATCH/definitions.json" >"$SCRATCH/doubts"
while IFS= read -r doubt; do caveat "$doubt"; done <"$SCRATCH/doubts"
if [ "$(grep -c -e '^"queues":0$' -e '^"exchanges":0$' "$SCRATCH/facts")" = 2 ] && [ "$ALLOW_EMPTY" != yes ] && [ "$SAFETY" != yes ]; then
  refuse 'the broker has neither a queue nor an exchange: an empty backup is rarely intended; if this one is, set allowEmpty'
fi
about server "$(sed -n 's/.*"rabbit_version":"\([^"]*\)".*/\1/p' "$SCRATCH/definitions.json" | head -n 1)"
put definitions.json cat "$SCRATCH/definitions.json"
