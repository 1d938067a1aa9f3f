#!/bin/sh
# Reads every file of a volume of which nothing is known but that it has a file system.
#
# environment, beside shell/check.sh's, which has found it not to be empty:
#   CHOSEN   `no`: nobody has said that this is check enough
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

find "$DATA_DIRECTORY" -type f >"$SCRATCH/files"
[ -s "$SCRATCH/files" ] || die 'there is no file in the volume, only directories and links: the snapshot holds no data'
# shellcheck disable=SC2016 # the inner shell's
attempt 'reading the files' find "$DATA_DIRECTORY" -type f -exec cat {} + >/dev/null
[ "$CHOSEN" != no ] ||
  caveat 'its files could be read, but their content was not checked: name the claim in a check, or set VolumeCheck.files() if reading is enough'
log "read $(wc -l <"$SCRATCH/files" | tr -d ' ') files"
