#!/bin/sh
# Runs pg_dump in the snapshot of the session that calls this, and leaves a mark when it succeeded.
#
# Uncompressed: what is compressed cannot be deduplicated, and gzip in pg_dump is several times slower than what the
# repository does with the stream. One job: pg_dump writes a stream only with one.
set -eu
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
if [ -n "$CHANGED" ]; then
  : >"$SCRATCH/dump.overtaken"
  echo "backup: error: $CHANGED was emptied, rewritten or replaced while the dump began" >&2
  exit 1
fi
# The caller holds the locks that pg_dump asks for, so only somebody who queued up for one of them in between can make it wait: forever, as that one waits
# for the caller. Nothing is written yet at that point, and the caller begins anew.
lock_wait=5
[ "$LOCK_TIMEOUT" -gt "$lock_wait" ] || lock_wait=$LOCK_TIMEOUT
# In the encoding of the database: what cannot be converted is data, too.
unset PGCLIENTENCODING
# shellcheck disable=SC2086 # one option or none
client pg_dump --format=custom --compress=0 --no-password --lock-wait-timeout="${lock_wait}s" --snapshot="$SNAPSHOT" $UNLOGGED -d "$DUMP_DATABASE" || {
  rc=$?
  case $client_said in *'Query was: LOCK TABLE'*) : >"$SCRATCH/dump.overtaken" ;; esac
  [ "$rc" -le 128 ] || echo "backup: error: pg_dump failed: killed by signal $((rc - 128)), probably out of memory" >&2
  exit "$rc"
}
: >"$SCRATCH/dumped"
