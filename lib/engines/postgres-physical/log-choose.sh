#!/bin/sh
# Prints the names of what was received and is not stored yet: whole segments, 64 at most, and the one that is being written
# when it has changed. Makes $SCRATCH/more when there is more than that.
#
# environment:
#   SPOOL   where log-follow.sh receives. Beside the segments it holds `stored` (their names), `stored.partial` (the checksums of
#           unfinished ones) and former/ (what is of a history that the server has left)
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
cd "$SPOOL" 2>/dev/null || exit 0
touch stored stored.partial
find . former -maxdepth 1 -type f -name '????????????????????????' 2>/dev/null | sed 's|^\./||' | LC_ALL=C sort >"$SCRATCH/present"
awk 'FILENAME == ARGV[1] { stored[$0]; next } !($0 in stored)' stored "$SCRATCH/present" >"$SCRATCH/new"
[ "$(wc -l <"$SCRATCH/new")" -le 64 ] || : >"$SCRATCH/more"
head -n 64 "$SCRATCH/new"
for partial in ????????????????????????.partial former/????????????????????????.partial; do
  [ -e "$partial" ] || continue
  grep -qxF -e "$partial $(cksum <"$partial")" stored.partial || printf '%s\n' "$partial"
done
