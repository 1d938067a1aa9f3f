#!/bin/sh
# Asks the agent beside the server to let it go. What a backup tool runs after it has snapshotted, by `kubectl exec` or as a hook.
#
# usage: release.sh OWNER   who asked for the lock
#
# Ends with 0 when the server was held from the time when that owner asked for it until now. Otherwise with 1 and a reason on stderr: then the
# snapshot is not what it should be.
#
# environment: see agent.sh
# shellcheck source=lib/volumes/quiesce/ask.sh
. "$QUIESCE_HOME/agent/ask.sh"
ask release "$*"
hear 25 || :
tell
exit "${code:?}"
