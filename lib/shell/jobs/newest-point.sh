#!/bin/sh
# Prints the id of the newest recovery point of a series; nothing where there is none.
#
# environment: lib.sh's
set -eu
mkdir -p "$SCRATCH/outcome"
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
repository_open read && rc=0 || rc=$?
[ "$rc" != 10 ] || exit 0
[ "$rc" = 0 ] || die "the repository cannot be opened: $(repository_reason)"
list_all_points
tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1
