#!/bin/sh
# Runs pg_basebackup while the session that calls this holds the log, and leaves a mark when it succeeded.
#
# The checkpoint is made at once: a spread one can take minutes in which nothing is copied. Uncompressed: what is compressed
# cannot be deduplicated, and pg_basebackup's gzip is several times slower than what the repository does with the stream.
set -eu
cd "$SCRATCH"
rm -f base.pipe base.failed backup_manifest
mkfifo base.pipe
# The manifest comes last in the tar; what follows it is read away, or the writer would find nobody listening.
manifest() {
  tar -xOf - backup_manifest || echo $? >base.failed
  cat >/dev/null
}
manifest <base.pipe >backup_manifest.new &
{
  pg_basebackup --pgdata=- --format=tar --wal-method=fetch --checkpoint=fast --no-password ${MAX_RATE:+--max-rate="$MAX_RATE"} \
    ${PARENT:+--incremental="$SCRATCH/parent_manifest"} 2>base.err && rc=0 || rc=$?
  cat base.err >&2
  [ "$rc" = 0 ] || {
    echo "$rc" >base.failed
    [ "$rc" -le 128 ] || echo "pg_basebackup failed: killed by signal $((rc - 128)), probably out of memory" >&2
  }
} | tee base.pipe
wait
[ ! -e base.failed ]
[ -s backup_manifest.new ]
mv backup_manifest.new backup_manifest
: >copied
