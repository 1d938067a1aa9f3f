#!/bin/sh
# Runs pg_dump in the snapshot of the session that calls this, and leaves a mark when it succeeded.
#
# Uncompressed: what is compressed cannot be deduplicated, and gzip in pg_dump is several times slower than what the
# repository does with the stream. One job: pg_dump writes a stream only with one.
set -eu
# shellcheck disable=SC2086 # one option or none
pg_dump --format=custom --compress=0 --no-password --lock-wait-timeout="${LOCK_TIMEOUT}s" --snapshot="$SNAPSHOT" $STANDBY -d "$DUMP_DATABASE" || {
  rc=$?
  [ "$rc" -le 128 ] || echo "pg_dump failed: killed by signal $((rc - 128)), as happens when memory runs out" >&2
  exit "$rc"
}
: >"$SCRATCH/dumped"
