#!/bin/sh
# Stores the named segments as wal.tar, with all history files, so that the newest batch alone tells of every timeline.
#
# usage: log-pack.sh NAMES-FILE
# environment: SPOOL, as for log-choose.sh
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
batch=$SPOOL/batch
rm -rf "$batch"
mkdir "$batch"
: >"$SCRATCH/partial"
while read -r name; do
  case $name in
    # Still being written: what is stored has to be one state of it, and its checksum that state's.
    *.partial)
      cp "$SPOOL/$name" "$batch/" 2>/dev/null || continue # finished meanwhile: it comes whole with the next batch
      printf '%s %s\n' "$name" "$(cksum <"$batch/${name##*/}")" >>"$SCRATCH/partial"
      ;;
    *) ln "$SPOOL/$name" "$batch/" ;;
  esac
done <"$1"
find "$SPOOL" -maxdepth 1 -name '????????.history' -exec ln {} "$batch/" \;
ls "$batch" >"$SCRATCH/packed"
fact segments "$(grep -c '^[0-9A-F]*$' "$SCRATCH/packed" || :)"
about first "$(grep -v history "$SCRATCH/packed" | head -n 1)"
about last "$(grep -v history "$SCRATCH/packed" | tail -n 1)"
put wal.tar tar -cf - -C "$batch" .
rm -rf "$batch"
