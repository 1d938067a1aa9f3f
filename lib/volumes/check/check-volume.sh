#!/bin/sh
# Reads every file of a volume of which nothing is known but that it has a file system.
#
# environment: see shell/check.sh, which has found it not to be empty
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

find "$DATA_DIRECTORY" -type f >"$SCRATCH/files"
# shellcheck disable=SC2016 # the inner shell's
attempt 'reading the files' find "$DATA_DIRECTORY" -type f -exec cat {} + >/dev/null
log "read $(wc -l <"$SCRATCH/files" | tr -d ' ') files"
