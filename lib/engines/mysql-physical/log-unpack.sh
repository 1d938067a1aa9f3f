#!/bin/sh
# Appends batch $POINT of the log to the files in $LOG_DIRECTORY: <history>/<file>, beside it <file>.from (the offset from which
# on it is not empty), <file>.end when it is complete, and <file>.gap when something between is missing. $LOG_DIRECTORY.written says as far as
# where the server had written, of which history, when a batch was stored that said so.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
batch=$LOG_DIRECTORY.batch
rm -rf "$batch" "$SCRATCH/get.failed"
mkdir "$batch"
unpack_rc=0
{ get binlog.tar || echo $? >"$SCRATCH/get.failed"; } | tar -xf - -C "$batch" || unpack_rc=$?
[ ! -e "$SCRATCH/get.failed" ] || die "$(repository_reason)"
[ "$unpack_rc" = 0 ] || die "batch $POINT of the log is not a readable tar"
find "$batch" -type f -name '[0-9]*' | while read -r part; do
  from=${part##*/}
  folder=${part%/*}
  file=$LOG_DIRECTORY/${folder#"$batch/"}
  mkdir -p "${file%/*}"
  if [ ! -e "$file" ]; then
    echo "$from" >"$file.from"
    head -c "$from" "$folder/head" >"$file"
  elif [ "$(wc -c <"$file")" -lt "$from" ]; then
    [ -e "$file.gap" ] || echo "bytes $(wc -c <"$file") to $from" >"$file.gap"
  fi
  truncate -s "$from" "$file"
  cat "$part" >>"$file"
  [ ! -e "$folder/end" ] || : >"$file.end"
done
manifest_about "$SCRATCH/manifest.json" | sed -n 's/^"written":"\(.*\)"$/\1/p' >"$batch.written"
[ ! -s "$batch.written" ] || mv "$batch.written" "$LOG_DIRECTORY.written"
rm -rf "$batch"
