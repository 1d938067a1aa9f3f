# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment: MANAGEMENT_URL, MANAGEMENT_USERNAME, MANAGEMENT_PASSWORD, TLS_AUTHORITY: where the broker is; not in a verification
#
# A recovery point has one member, definitions.json: what the management interface exports. Its facts are of that document: how
# many objects of each kind it holds.
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# RabbitMQ's own libraries are beside its scripts.
LIBRARIES=$(dirname "$(dirname "$(readlink -f "$(command -v rabbitmq-server)")")")/plugins
export LIBRARIES ERL_CRASH_DUMP=/dev/null

definitions() { escript "$BACKUP_HOME/engine/definitions.escript" "$@"; }

# Notes as facts how many of the wanted objects are there.
facts_of() { # WANTED FOUND exact|kept
  attempt 'counting the definitions' definitions count "$@" >"$SCRATCH/counted"
  while read -r kind number; do fact "$kind" "$number"; done <"$SCRATCH/counted"
}
