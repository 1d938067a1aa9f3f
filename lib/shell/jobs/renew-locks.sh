#!/bin/sh
# Locks anew what the repository holds, before the locks of its store end.
#
# environment: lib.sh's, and the repository's
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

repository_renew_locks || die "object locks were not renewed: $(repository_reason)"
