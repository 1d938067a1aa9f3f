#!/bin/sh
# The recovering server's restore_command: puts the segment or history file that it asks for where it wants it. Exit 1 says
# that there is none, which the server takes for the end of the log.
#
# usage: fetch-wal.sh NAME PATH
#
# The log is unpacked batch by batch, as the server gets on; what it is done with goes. A segment that is not there though a
# later one of its timeline is, is a gap: named in $SCRATCH/gap, since the server itself would stop there without a word.
set -eu
wal=$SCRATCH/wal
name=$1

take() { # FILE
  cp "$1" "$2.part" && mv "$2.part" "$2"
}

# `later A B`: of one timeline, and A after B
later() { [ "$(printf %s "$1" | cut -c 1-8)" = "$(printf %s "$2" | cut -c 1-8)" ] && [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "$1" "$2" | LC_ALL=C sort | tail -n 1)" = "$1" ]; }

case $name in
  *.history)
    [ -e "$wal/$name" ] || exit 1
    take "$wal/$name" "$2"
    exit 0
    ;;
esac

while [ ! -e "$wal/$name" ]; do
  # A segment that was still being written when it was stored tells of those before it as well.
  for file in "$wal"/???????????????????????? "$wal"/????????????????????????.partial; do
    [ -e "$file" ] || continue
    stored=${file##*/}
    stored=${stored%.partial}
    if later "$stored" "$name"; then
      # What was written before the archive began came with the base backup; the server finds it itself.
      [ ! -e "${2%/*}/$name" ] || exit 1
      echo "the archived log has a gap: segment $name is missing, though $stored is there. A restore can go no further than before the gap (until: a time or lsn before it), or start from a recovery point after it" >"$SCRATCH/gap"
      exit 1
    fi
  done
  WAL_DIRECTORY=$wal sh "$BACKUP_HOME/shell/read-log.sh" next >&2 && rc=0 || rc=$?
  if [ "$rc" != 0 ]; then
    if [ -s "$SCRATCH/log/batches" ]; then
      echo "the archived log could not be read: $(cat "$SCRATCH/log/outcome/reason" 2>/dev/null)" >"$SCRATCH/gap"
      exit 1
    fi
    # The segment that was being written when the last batch was stored.
    [ -e "$wal/$name.partial" ] || exit 1
    take "$wal/$name.partial" "$2"
    exit 0
  fi
done
take "$wal/$name" "$2"
# What is before it is replayed.
for file in "$wal"/????????????????????????; do
  if later "$name" "${file##*/}"; then rm -f "$file" "$file.partial"; fi
done
