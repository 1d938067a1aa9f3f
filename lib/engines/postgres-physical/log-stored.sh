#!/bin/sh
# Clears the spool of what is stored. The newest whole segment stays: from it pg_receivewal knows where to go on.
#
# usage: log-stored.sh NAMES-FILE
# environment: SPOOL, as for log-choose.sh
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
cd "$SPOOL"
grep -v '\.partial$' "$1" >>stored || :
# The unfinished segment of a timeline that is over stays as it is: what was stored of it before is not stored with every batch again.
while read -r name state; do
  [ ! -e "$name" ] || grep -qF "$name " "$SCRATCH/partial" || printf '%s %s\n' "$name" "$state"
done <stored.partial >"$SCRATCH/partial.before"
cat "$SCRATCH/partial" "$SCRATCH/partial.before" >stored.partial
newest=$(find . -maxdepth 1 -type f -name '????????????????????????' | sed 's|^\./||' | LC_ALL=C sort | tail -n 1)
while read -r name; do
  [ "$name" = "$newest" ] || rm -f "$name"
done <stored
printf '%s\n' "$newest" | grep -xF -f - stored >"$SCRATCH/stored" || :
cp "$SCRATCH/stored" stored
while read -r name _; do
  case $name in former/*) rm -f "$name" ;; esac
done <stored.partial
