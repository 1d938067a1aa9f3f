#!/bin/sh
# Writes what the server sends to a replica to stdout, and what redis-check-rdb says of that very stream to $SCRATCH/checked.
#
# So there is no second copy of the data anywhere, and the facts are those of the dump while the application goes on writing.
# After the dump come forty bytes by which the server marks its end; no reader of a dump looks at them.
set -eu
# shellcheck source=lib/engines/redis/redis.sh
. "$BACKUP_HOME/engine/redis.sh"

rm -f "$SCRATCH"/rdb.* "$SCRATCH"/checked*
{
  { cli --rdb - || echo $? >"$SCRATCH/rdb.failed"; } |
    tee /dev/fd/3 |
    {
      "$PROGRAM-check-rdb" /dev/stdin >"$SCRATCH/checked" 2>&1 && : >"$SCRATCH/checked.good"
      # What follows the dump is read as well: a closed pipe would end the stream.
      cat >/dev/null
    }
} 3>&1

if [ -e "$SCRATCH/rdb.failed" ]; then
  rc=$(cat "$SCRATCH/rdb.failed")
  [ "$rc" -le 128 ] || echo "$PROGRAM-cli failed: killed by signal $((rc - 128))" >&2
  exit "$rc"
fi
[ -e "$SCRATCH/checked.good" ] || {
  echo "$PROGRAM-check-rdb failed: $(grep -v '^\[info\]' "$SCRATCH/checked" | without_keys | tail -n 3 | tr '\n' ' ')" >&2
  ! grep -q "Can't handle RDB format" "$SCRATCH/checked" || echo "error: this $PROGRAM is older than the server: set version to the server's" >&2
  exit 1
}
