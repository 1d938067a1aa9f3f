#!/bin/sh
# Checks a volume that was made from a snapshot: starts the server on it that it was a server's, and looks at what it holds.
#
# environment, beside lib.sh's and the engine's:
#   DATA_DIRECTORY   the server's data directory on that volume, which is this job's alone and is thrown away after it
# No address and no credential of the production server is here.
# The engine's script check-volume.sh starts the server, waits until it has recovered, runs its consistency checks, and answers the
# assertions in $BACKUP_HOME/assertions.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

if [ ! -d "$DATA_DIRECTORY" ]; then
  DATA_DIRECTORY=$data_volume
  held=$(held_names 10)
  refuse "the volume has no directory at that path; it holds: ${held:-nothing}"
fi
{ [ -r "$DATA_DIRECTORY" ] && [ -w "$DATA_DIRECTORY" ] && [ -x "$DATA_DIRECTORY" ]; } ||
  refuse "user $(id -u) of this check is not allowed to read and write the data directory ($(stat -c '%A, of user %u' "$DATA_DIRECTORY")): set imageUser to the user that the server runs as"
[ -n "$(data_held)" ] || refuse 'the data directory is empty: either the snapshot holds no server data, or path has to name the directory of the volume that holds it'
# A server works on its own files only.
if [ "$ENGINE" != files ]; then
  close_to_group
  foreign=$(find "$DATA_DIRECTORY" -mindepth 1 -name lost+found -prune -o ! -user "$(id -u)" -print | head -n 1)
  [ -z "$foreign" ] ||
    refuse "files in the data directory belong to user $(stat -c %u "$foreign"), and this check runs as user $(id -u): set imageUser to the user that the server runs as"
fi
outcome bytes "$(du -s -k "$DATA_DIRECTORY" | awk '{ printf "%.0f", $1 * 1024 }')"

engine check-volume || exit $?
log 'the volume is good'
