#!/bin/sh
# Stores the named segments as wal.tar, with all history files, so that the newest batch alone tells of every timeline.
#
# usage: log-pack.sh NAMES-FILE
# environment: SPOOL, as for log-choose.sh
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# Not on the spool, which would keep what it holds for ever once it is full.
batch=$SCRATCH/batch
rm -rf "$batch"
mkdir "$batch"
folder=$(sed -n '1s|[^/]*$||p' "$1")
: >"$SCRATCH/partial"
: >"$SCRATCH/inodes"
whole() { # NAME
  stat -c "%i $1" "$SPOOL/$1" >>"$SCRATCH/inodes" || die "$1 is no longer there: the next batch will hold it, wherever it is now"
  ln -s "$SPOOL/$1" "$batch/"
}
while read -r name; do
  case $name in
    # Still being written: what is stored has to be one state of it, and its checksum that state's.
    *.partial)
      if ! cp "$SPOOL/$name" "$batch/" 2>"$SCRATCH/cp.err"; then
        [ ! -e "$SPOOL/$name" ] || die "$name cannot be copied to the scratch volume: $(last_words "$SCRATCH/cp.err" 1)"
        # Finished meanwhile. Without it the batch would not hold all that was received.
        rm -f "$batch/${name##*/}"
        whole "${name%.partial}"
        continue
      fi
      printf '%s %s\n' "$name" "$(cksum <"$batch/${name##*/}")" >>"$SCRATCH/partial"
      ;;
    *) whole "$name" ;;
  esac
done <"$1"
ls "$batch" >"$SCRATCH/packed"
# A history file of a timeline of which nothing is stored yet would make a replay look for that.
known=$(find "$SPOOL" "$SPOOL/$folder" "$batch" -maxdepth 1 -name '????????????????????????*' | sed 's|.*/\(........\)[^/]*$|\1|' | LC_ALL=C sort | tail -n 1)
# That which a former history has of its own counts for its batches.
for history in "$SPOOL/$folder"????????.history "$SPOOL"/????????.history; do
  { [ -e "$history" ] && [ ! -e "$batch/${history##*/}" ]; } || continue
  [ "$(printf '%s\n%s\n' "$known" "$(basename "$history" .history)" | LC_ALL=C sort | tail -n 1)" != "$known" ] || ln -s "$history" "$batch/"
done
fact segments "$(grep -c '^[0-9A-F]*$' "$SCRATCH/packed" || :)"
about first "$(head -n 1 "$SCRATCH/packed")"
about last "$(tail -n 1 "$SCRATCH/packed")"
# What a restore can choose from.
while read -r name; do
  printf '%d\t%s\n' "0x$(printf %s "$name" | cut -c 1-8)" "${name%.partial}"
done <"$SCRATCH/packed" | awk -F '\t' '$1 != timeline { if (timeline) print timeline ":" first ":" last; timeline = $1; first = $2 } { last = $2 }
  END { if (timeline) print timeline ":" first ":" last }' >"$SCRATCH/timelines"
# What is being received is on the server's own timeline, whatever others there were.
current=$(find "$SPOOL" -maxdepth 1 -name '????????????????????????*' | sed 's|.*/\(........\)[^/]*$|\1|' | LC_ALL=C sort | tail -n 1)
[ -z "$current" ] || about timeline "$((0x$current))"
about timelines "$(tr '\n' ' ' <"$SCRATCH/timelines" | sed 's/ $//')"
put wal.tar tar -chf - -C "$batch" .
rm -rf "$batch"
