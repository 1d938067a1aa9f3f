#!/bin/sh
# The recovering server's restore_command: puts the segment or history file that it asks for where it wants it. Exit 1 says
# that there is none, which the server takes for the end of the log.
#
# usage: fetch-wal.sh NAME PATH
#
# The log is unpacked batch by batch, as the server gets on; what it is done with goes, and so does what is of a timeline that the
# replay does not follow. A segment that is not there though a later one on the way is, is a gap: named in $SCRATCH/gap, since the
# server itself would stop there without a word.
set -eu
wal=$SCRATCH/wal
name=$1

# Files that were put back to an earlier state go on under the same names. Records of one history can fit behind those of another.
refuse_second_history() {
  [ -s "$SCRATCH/delivered.sums" ] || return 0
  while read -r sum bytes delivered; do
    [ -e "$wal/$delivered" ] || continue
    [ "$(cksum <"$wal/$delivered")" != "$sum $bytes" ] || continue
    echo "the archived log holds segment $delivered twice, with different content: the server's files were reset to an earlier state, and it continued from there. A restore can go no further than the end of what it had written before (until: gap), or must start from a recovery point after it" >"$SCRATCH/gap"
    exit 1
  done <"$SCRATCH/delivered.sums"
}

take() { # FILE
  cp "$1" "$2.part" && mv "$2.part" "$2"
}

# Of the files that are unpacked: `ours` where the replay needs the one that is asked for from its timeline, `later FILE` for the
# first that comes after it on the way, `done FILE` for what comes before it, and `drop FILE` for what the replay has no use for.
look() {
  find "$wal" -type f -name '????????????????????????*' | sed 's|.*/||' | LC_ALL=C sort -k 1.9 | awk -v name="$name" -v path="$SCRATCH/path" -F '\t' '
    BEGIN {
      while ((getline line <path) > 0) { split(line, field, "\t"); timeline[++n] = sprintf("%08X", field[1]); from[n] = "x" field[3] }
      asked = "x" substr(name, 9, 16)
      if (substr(name, 1, 8) == of(asked)) print "ours"
    }
    # The segment in which a timeline begins holds what its parent wrote before that, too.
    function of(segment,  i) { for (i = 1; i <= n; i++) if (from[i] <= segment) return timeline[i]; return "" }
    { segment = "x" substr($0, 9, 16) }
    substr($0, 1, 8) != of(segment) { print "drop " $0; next }
    segment < asked { print "done " $0 }
    segment > asked && !later { later = 1; sub(/\.partial$/, ""); print "later " $0 }'
}

# A server that was made anew, by initdb, writes segments of the same names, and the archive's pod goes on with it. In the header of each is
# whose it is. (PostgreSQL's source, XLogLongPageHeaderData.)
drop_other_servers() {
  [ -e "$SCRATCH/server" ] || return 0
  system=$(sed -n 's/^system	//p' "$SCRATCH/server")
  for file in "$wal"/????????????????????????*; do
    [ -s "$file" ] || continue
    [ "$(od -A n -t u8 -j 24 -N 8 "$file" | tr -d ' ')" = "$system" ] || { rm -f "$file" && : >"$SCRATCH/other-server"; }
  done
}

case $name in
  *.history)
    number=$((0x${name%.history}))
    if [ -e "$wal/$name" ]; then
      take "$wal/$name" "$2"
      exit 0
    fi
    # A server that takes writes asks for the first number that is free: those below one that is taken are not.
    ! cut -f 1 "$SCRATCH/path" 2>/dev/null | grep -qx "$number" || exit 1
    for history in "$wal"/????????.history; do
      [ -e "$history" ] || break
      if [ $((0x$(basename "$history" .history))) -gt "$number" ]; then
        take "$history" "$2"
        exit 0
      fi
    done
    exit 1
    ;;
esac

# Without a log there is what came with the base backup.
[ -s "$SCRATCH/path" ] || exit 1
look >"$SCRATCH/look"
grep -q '^ours$' "$SCRATCH/look" || exit 1
while [ ! -e "$wal/$name" ]; do
  sed -n 's/^drop //p' "$SCRATCH/look" | while read -r file; do rm -f "$wal/$file"; done
  # A segment that was still being written when it was stored tells of those before it as well.
  stored=$(sed -n 's/^later //p' "$SCRATCH/look" | head -n 1)
  if [ -n "$stored" ]; then
    # What was written before the archive began came with the base backup; the server finds it itself.
    [ ! -e "${2%/*}/$name" ] || exit 1
    echo "the archived log has a gap: segment $name is missing, although $stored is there. A restore can go no further than the gap (until: gap), or must start from a recovery point after it" >"$SCRATCH/gap"
    exit 1
  fi
  WAL_DIRECTORY=$wal sh "$BACKUP_HOME/shell/read-log.sh" next >&2 && rc=0 || rc=$?
  if [ "$rc" != 0 ]; then
    if [ -s "$SCRATCH/log/batches" ]; then
      echo "the archived log could not be read: $(cat "$SCRATCH/log/outcome/reason" 2>/dev/null)" >"$SCRATCH/gap"
      exit 1
    fi
    # The segment that was being written when the last batch was stored.
    [ -e "$wal/$name.partial" ] || exit 1
    mv "$wal/$name.partial" "$wal/$name"
  fi
  drop_other_servers
  refuse_second_history
  look >"$SCRATCH/look"
done
sed -n 's/^drop //p' "$SCRATCH/look" | while read -r file; do rm -f "$wal/$file"; done
take "$wal/$name" "$2"
grep -q " $name$" "$SCRATCH/delivered.sums" 2>/dev/null || printf '%s %s\n' "$(cksum <"$wal/$name")" "$name" >>"$SCRATCH/delivered.sums"
# Once it has come to the end, the server reads the last record again, which may begin in the segment before.
previous=$(cat "$SCRATCH/delivered" 2>/dev/null) || previous=
[ -n "$previous" ] && [ "$(printf '%s\n%s\n' "$previous" "$name" | LC_ALL=C sort -k 1.9 | tail -n 1)" = "$previous" ] || echo "$name" >"$SCRATCH/delivered"

# When the first transaction of a timeline ended.
timeline=$((0x$(printf %s "$name" | cut -c 1-8)))
begin=$(sed -n "s/^$timeline	\([^	]*\)	.*/\1/p" "$SCRATCH/path")
if [ "$begin" != 0000000000000000 ] && [ ! -s "$SCRATCH/committed.$timeline" ]; then
  # From there, or from the beginning of a later segment, to the end of this one, which is no more than it is asked for.
  from=
  [ "$(sed -n "s/^$timeline	[^	]*	//p" "$SCRATCH/path")" != "$(printf %s "$name" | cut -c 9-24)" ] ||
    from=$(printf '%X/%X' "0x$(printf %s "$begin" | cut -c 1-8)" "0x$(printf %s "$begin" | cut -c 9-16)")
  pg_waldump ${from:+--start="$from"} --rmgr=Transaction "$wal/$name" 2>/dev/null |
    sed -n 's/.*desc: \(COMMIT\|ABORT\)[A-Z_]* \([0-9: .-]*\) UTC.*/\2/p' | head -n 1 | sed -e 's/ *$//' -e 's/ /T/' -e 's/$/Z/' >"$SCRATCH/committed.$timeline" || :
fi

# What is before it is replayed.
sed -n 's/^done //p' "$SCRATCH/look" | while read -r file; do [ "$file" = "$previous" ] || rm -f "$wal/$file"; done
