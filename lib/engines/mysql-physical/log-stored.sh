#!/bin/sh
# Notes what is stored, and clears the spool of files that are stored to their end. The newest stays: from it the follower knows
# where to go on.
#
# usage: log-stored.sh CHOSEN
# environment: SPOOL, as for log-choose.sh
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"
cd "$SPOOL"
while read -r history file _ to state; do
  if [ "$state" = end ]; then
    born="$file $(birth "$history/$file")"
    rm -f "$history/$file" "$history/$file.kept" "$history/$file.sum"
    # The follower knows the server's log by it where nothing is left that tells.
    printf '%s\n' "$born" >"$history/born.new"
    mv "$history/born.new" "$history/born"
    file=$file awk '$1 != ENVIRON["file"]' "$history/stored" >"$SCRATCH/stored"
  else
    { file=$file awk '$1 != ENVIRON["file"]' "$history/stored"; echo "$file $to"; } >"$SCRATCH/stored"
  fi
  cp "$SCRATCH/stored" "$history/stored.new"
  mv "$history/stored.new" "$history/stored"
done <"$1"
# A history that the server has left goes when all that was received of it is stored.
current=$(cat current)
find . -mindepth 1 -maxdepth 1 -type d -name '[0-9]*-*' ! -name "$current" | while read -r history; do
  all_in_order "$history" >"$SCRATCH/files"
  left=no
  while read -r file; do
    size=$(size_of "$(longer_of "$history/$file")")
    [ "$size" -lt 256 ] || grep -qxF -e "$file $size" "$history/stored" || left=yes
  done <"$SCRATCH/files"
  [ "$left" = yes ] || rm -rf "$history"
done
