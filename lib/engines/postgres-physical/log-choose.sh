#!/bin/sh
# Prints the names of what was received and is not stored yet: whole segments, 64 at most, and the one that is being written
# when it has changed. Makes $SCRATCH/more when there is more than that.
#
# environment:
#   SPOOL   where log-follow.sh receives. Beside the segments it holds `stored` (their names), `stored.partial` (the checksums of
#           unfinished ones) and former/<number>/ (what is of a history that the server has left)
# Histories have segments of the same names: a batch holds those of one.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
cd "$SPOOL" 2>/dev/null || exit 0
touch stored stored.partial
choose() { # FOLDER, with a slash at its end
  find "./$1" -maxdepth 1 -type f -name '????????????????????????' | sed 's|^\./||' | LC_ALL=C sort >"$SCRATCH/present"
  awk 'FILENAME == ARGV[1] { stored[$0]; next } !($0 in stored)' stored "$SCRATCH/present" >"$SCRATCH/new"
  head -n 64 "$SCRATCH/new"
  # Whoever reads an unfinished one takes those before it that have not come for missing.
  if [ "$(wc -l <"$SCRATCH/new")" -gt 64 ]; then
    : >"$SCRATCH/more"
    return
  fi
  for partial in "$1"????????????????????????.partial; do
    [ -e "$partial" ] || continue
    # One that was only made holds nothing; on a volume that was full it may be shorter than a segment.
    [ "$(head -c 64 "$partial" | tr -d '\000' | head -c 1 | wc -c)" != 0 ] || continue
    grep -qxF -e "$partial $(cksum <"$partial")" stored.partial || printf '%s\n' "$partial"
  done
}
for former in $(find former -mindepth 1 -maxdepth 1 -type d 2>/dev/null | sort -t / -k 2n); do
  choose "$former/" >"$SCRATCH/of-former"
  [ -s "$SCRATCH/of-former" ] || continue
  cat "$SCRATCH/of-former"
  : >"$SCRATCH/more"
  exit 0
done
choose ''
