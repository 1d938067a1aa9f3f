#!/bin/sh
# Asks the agent beside the server to hold it still. What a backup tool runs before it snapshots, by `kubectl exec` or as a hook.
#
# usage: hold.sh OWNER   who asks; nobody else can release it
#
# Ends with 0 when the server is held (or prepared, where nothing is held), and with 1 and a reason on stderr when it is not. 78: the
# agent has no credentials, and no retry gives them to it.
#
# environment, beside agent.sh's:
#   QUIESCE_HEARD   seconds; who asks says by renew.sh, more often than that, that the lock is still needed, or it is let go. 0: nobody does
# shellcheck source=lib/volumes/quiesce/ask.sh
. "$QUIESCE_HOME/agent/ask.sh"
trap 'ask cancel; exit 143' TERM INT HUP
trap '' PIPE
ask hold "${QUIESCE_HEARD:-0} $*"
hear "$((QUIESCE_WAIT + 4))" || ask cancel
# Nobody hears that it is held: then nobody will release it.
tell || { ask cancel; exit 1; }
exit "${code:?}"
