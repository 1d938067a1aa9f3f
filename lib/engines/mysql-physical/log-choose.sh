#!/bin/sh
# Prints what was received and is not stored yet, 256 MiB at most: history, file, from, to, and `end` or `open`. Makes
# $SCRATCH/more when there is more than that.
#
# environment:
#   SPOOL   where log-follow.sh receives. Each history's `stored` says how much of each file is stored
# $SCRATCH/short names what log-received.sh has found to be received in part. A history gets a file `left` where log-follow.sh has to begin another.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"
# shellcheck source=lib/shell/lib/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"
cd "$SPOOL" 2>/dev/null || exit 0
# Once only: nobody may ask the server the next time.
cat "$SCRATCH/short" >"$SCRATCH/short.now" 2>/dev/null || :
rm -f "$SCRATCH/short"

# What was put aside goes when the server has sent as much again, or when it is stored: then its checksum stays. Fails where the server
# sends something else, or has sent something else before: a volume that was full may have left out what is in the middle.
judge_kept() { # PATH STORED
  [ "$(size_of "$1")" -ge 13 ] || return 0
  if [ -s "$1.sum" ]; then
    read -r sum kept <"$1.sum"
    if [ "$(size_of "$1")" -ge "$kept" ]; then
      [ "$(head -c "$kept" "$1" | cksum)" = "$sum $kept" ] || return 1
      rm -f "$1.sum"
    fi
  fi
  [ -e "$1.kept" ] || return 0
  kept=$(size_of "$1.kept")
  if [ "$(size_of "$1")" -ge "$kept" ]; then
    [ "$(head -c "$kept" "$1" | cksum)" = "$(cksum <"$1.kept")" ] || return 1
    rm -f "$1.kept"
  elif [ "$kept" -ge 13 ]; then
    [ "$(birth "$1")" = "$(birth "$1.kept")" ] || return 1
    if [ "$kept" -le "$2" ]; then
      cksum <"$1.kept" >"$1.sum.new"
      mv "$1.sum.new" "$1.sum"
      rm -f "$1.kept"
    fi
  fi
}
current=$(cat current 2>/dev/null || :)
room=$((256 * 1048576))
find . -mindepth 1 -maxdepth 1 -type d -name '[0-9]*-*' | sed 's|^\./||' | LC_ALL=C sort >"$SCRATCH/histories"
while read -r history; do
  all_in_order "$history" >"$SCRATCH/files"
  cp "$SCRATCH/files" "$SCRATCH/later"
  newest=$(in_order "$history" | tail -n 1)
  touch "$history/stored"
  again=
  while read -r file; do
    # What comes after a file of which the server has not sent all yet is sent anew, too.
    [ -z "$again" ] || break
    if [ "$history" = "$current" ] && grep -qxF -e "$file" "$SCRATCH/short.now"; then break; fi
    stored=$(stored_of "$history" "$file")
    if ! judge_kept "$history/$file" "$stored"; then
      log_gap "the server now sends a different $file from the one received before: it has started a new log, as after a restore, and so does the archive"
      : >"$history/left"
      # What the server sends now is not among what is chosen.
      : >"$SCRATCH/more"
      : >"$history/$file.cut"
      [ "$history" != "$current" ] || : >"$SCRATCH/anew"
      rm -f "$history/$file" "$history/$file.sum"
      [ ! -e "$history/$file.kept" ] || mv "$history/$file.kept" "$history/$file"
      # These are of what the server has begun anew, and come again in its own history.
      while read -r later; do
        [ "$(number "$later")" -le "$(number "$file")" ] || rm -f "$history/$later" "$history/$later.kept"
      done <"$SCRATCH/later"
      again=yes
    fi
    [ -e "$history/$file" ] || [ -e "$history/$file.kept" ] || break
    size=$(size_of "$(longer_of "$history/$file")")
    state=open
    if [ "$file" = "$newest" ] || [ ! -e "$history/$file" ]; then
      [ "$history" != "$current" ] || again=yes
    elif [ ! -e "$history/$file.cut" ]; then
      next=$(in_order "$history" | awk -v file="$file" 'found { print; exit } $0 == file { found = 1 }')
      if [ "$(size_of "$history/$next")" -lt 256 ] && [ ! -e "$history/$next.cut" ] && [ "$history" = "$current" ]; then
        # What was made this moment does not tell yet; what came before it is stored all the same.
        again=yes
      elif leads_to "$history/$file" "$history/$next"; then
        state=end
      else
        log_gap "$next does not continue where $file ends: the server's binary logs have been reset (RESET MASTER)"
        : >"$history/$file.cut"
      fi
    fi
    had=$stored
    [ "$size" -le "$had" ] || had=$size
    if [ "$state" = end ] && [ "$(size_of "$history/$file")" -lt "$had" ]; then
      log_gap "the server now has $(size_of "$history/$file") bytes of $file, and $had were received: it has lost transactions"
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
