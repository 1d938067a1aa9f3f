#!/bin/sh
# Runs an engine's script in a container that has no keys, no credentials and no repository: the workbench.
#
# A recovery point holds code of the data's owner: constraints, triggers, views, events. A server that brings it up runs that code,
# as this container's user. So two containers share the work. The one that gives the verdict has the repository, and answers here
# for it (broker.sh); this one has the server, and asks for what it needs (repository.sh). What they say to each other goes
# through pipes in a volume that this container cannot write: what runs here can put nothing in the way of the other one.
#
# environment, beside lib.sh's and the engine's:
#   RELAY            the volume that they share
#   OPERATION        verify or restore: which script of the engine is run
#   PATIENCE         seconds without a sign of life of the other container after which this one ends (60 unless set)
#   WORKBENCH_WAIT   seconds to wait for its first one (600 unless set)
# The log goes to the other container, as does the outcome. This one ends well whenever it could be handed over.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# The other one may be killed without a word: then nobody waits for this one.
watch() {
  silent=0 heard='' patience=${WORKBENCH_WAIT:-600}
  while [ "$silent" -lt "$patience" ]; do
    sleep 1
    now=$(cat "$RELAY/alive" 2>/dev/null) || :
    if [ "$now" = "$heard" ]; then silent=$((silent + 1)); else silent=0 patience=${PATIENCE:-60}; fi
    heard=$now
  done
  outcome reason 'the container that has the repository and gives the verdict is gone; its own message says why'
  kill -TERM 0
}

leave() {
  kill "$watcher" 2>/dev/null || :
  exit 0
}
# The one that failed before it had anything to ask of this one has said why (run.sh notes that it is over).
unless_over() { [ ! -e "$RELAY/over" ] || leave; }

watch >/dev/null 2>&1 &
watcher=$!
begin_wait 'the container that has the repository to start' "${WORKBENCH_WAIT:-600}"
until [ -p "$RELAY/log" ]; do
  unless_over
  may_wait || :
  sleep 0.1
done
# By this the other one knows that this one has started. To read as well, until it is there: else whoever opens a pipe that nobody reads
# any more waits.
exec 7<>"$RELAY/log"
exec >"$RELAY/log" 2>&1
until [ -e "$RELAY/ready" ]; do
  unless_over
  sleep 0.1
done
exec 7>&-

POINT=$(cat "$RELAY/ready")
export POINT
rc=0
(
  manifest_fetch "$POINT" || die "recovery point $POINT cannot be read: $(repository_reason)"
  manifest_facts "$SCRATCH/manifest.json" >"$SCRATCH/facts.expected"
  : >"$SCRATCH/facts"
) && engine "$OPERATION" || rc=$?
{
  for said in reason restoreSeconds caveats; do
    [ ! -s "$SCRATCH/outcome/$said" ] || sed "s/^/$said /" "$SCRATCH/outcome/$said"
    # A last line without an end would run into the next.
    echo
  done
  [ ! -s "$SCRATCH/facts" ] || sed 's/^/fact /' "$SCRATCH/facts"
} >"$SCRATCH/end"
relay write end "$rc" <"$SCRATCH/end"
leave
