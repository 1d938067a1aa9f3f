#!/bin/sh
# Clears the spool of what is stored. The newest whole segment stays: from it pg_receivewal knows where to go on.
#
# usage: log-stored.sh NAMES-FILE
# environment: SPOOL, as for log-choose.sh. $SCRATCH/inodes and $SCRATCH/partial are log-pack.sh's
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
cd "$SPOOL"
# log-follow.sh moves them when it begins anew.
exec 9<"$SPOOL"
flock 9
# Where the receiver has begun anew meanwhile, another file may have the name.
while read -r inode name; do
  [ "$(stat -c %i "$name" 2>/dev/null)" != "$inode" ] || printf '%s\n' "$name"
done <"$SCRATCH/inodes" >"$SCRATCH/stored.now"
# On a volume that is full nothing can be noted before something is removed.
cat stored "$SCRATCH/stored.now" >"$SCRATCH/stored.all"
newest=$(find . -maxdepth 1 -type f -name '????????????????????????' | sed 's|^\./||' | LC_ALL=C sort | tail -n 1)
while read -r name; do
  [ "$name" = "$newest" ] || rm -f "$name"
done <"$SCRATCH/stored.all"
printf '%s\n' "$newest" | grep -xF -f - "$SCRATCH/stored.all" | tail -n 1 >"$SCRATCH/stored" || :
cp "$SCRATCH/stored" stored
# The unfinished segment of a timeline that is over stays as it is: what was stored of it before is not stored with every batch again.
while read -r name state; do
  [ ! -e "$name" ] || grep -qF "$name " "$SCRATCH/partial" || printf '%s %s\n' "$name" "$state"
done <stored.partial >"$SCRATCH/partial.before"
cat "$SCRATCH/partial" "$SCRATCH/partial.before" >stored.partial
while read -r name _; do
  case $name in former/*) rm -f "$name" ;; esac
done <stored.partial
# Of a former history that is stored nothing is left but what tells of it.
find former -mindepth 1 -maxdepth 1 -type d 2>/dev/null | while read -r former; do
  [ -n "$(find "$former" -type f -name '????????????????????????*')" ] || rm -rf "$former"
done
