#!/bin/sh
# Prints what was received and is not stored yet, 256 MiB at most: history, file, from, to, and `end` or `open`. Makes
# $SCRATCH/more when there is more than that.
#
# environment:
#   SPOOL   where log-follow.sh receives. Each history's `stored` says how much of each file is stored
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"
# shellcheck source=lib/shell/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"
cd "$SPOOL" 2>/dev/null || exit 0
room=$((256 * 1048576))
find . -mindepth 1 -maxdepth 1 -type d -name '[0-9]*-*' | sed 's|^\./||' | LC_ALL=C sort >"$SCRATCH/histories"
while read -r history; do
  in_order "$history" >"$SCRATCH/files"
  newest=$(tail -n 1 "$SCRATCH/files")
  touch "$history/stored"
  while read -r file; do
    size=$(wc -c <"$history/$file")
    stored=$(file=$file awk '$1 == ENVIRON["file"] { at = $2 } END { print at + 0 }' "$history/stored")
    state=open
    if [ "$file" != "$newest" ] && [ ! -e "$history/$file.cut" ]; then
      next=$(in_order "$history" | awk -v file="$file" 'found { print; exit } $0 == file { found = 1 }')
      # What was made this moment does not tell yet.
      [ "$(wc -c <"$history/$next")" -ge 256 ] || break
      if leads_to "$history/$file" "$history/$next"; then
        state=end
      else
        log_gap "$next does not go on where $file ends: the server's binary logs were reset meanwhile (RESET MASTER)"
        : >"$history/$file.cut"
      fi
    fi
    if [ "$state" = end ] && [ "$size" -lt "$stored" ]; then
      log_gap "of $file the server has $size bytes now, and $stored were received: it has lost transactions"
      : >"$history/$file.cut"
      state=open
    fi
    # A file that begins is no more than its first event.
    [ "$size" -ge 256 ] || continue
    [ "$size" -gt "$stored" ] || [ "$state" = end ] || continue
    to=$size
    if [ "$((to - stored))" -gt "$room" ]; then to=$((stored + room)) state=open; fi
    echo "$history $file $stored $to $state"
    room=$((room - (to - stored)))
    if [ "$to" != "$size" ] || [ "$room" -le 0 ]; then
      : >"$SCRATCH/more"
      exit 0
    fi
  done <"$SCRATCH/files"
done <"$SCRATCH/histories"
