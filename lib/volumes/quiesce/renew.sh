#!/bin/sh
# Tells the agent beside the server that whoever has asked for the lock still needs it.
#
# usage: renew.sh OWNER   who asked for the lock
#
# Ends with 0 when the server is held for that owner, and with 1 and a reason on stderr when it is not.
#
# environment: see agent.sh
# shellcheck source=lib/volumes/quiesce/ask.sh
. "$QUIESCE_HOME/agent/ask.sh"
ask renew "$*"
hear 5 || :
tell
exit "${code:?}"
