#!/bin/sh
# Receives the write-ahead log into the spool until it is told to stop, through a slot that keeps the server from recycling
# what was not received.
#
# environment, beside postgres.sh's:
#   SPOOL        the directory that segments go to
#   SLOT         the replication slot's name
#   SLOT_LIMIT   megabytes of log that the server may keep for the slot, at most
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

# An archive that is down for long would otherwise fill the server's disk and stop it.
# (PostgreSQL's documentation, "max_slot_wal_keep_size": -1 is unlimited, and the default.)
limit=$(ask -c "select setting from pg_settings where name = 'max_slot_wal_keep_size'")
if [ "$limit" -lt 0 ] || [ "$limit" -gt "$SLOT_LIMIT" ]; then
  refuse "max_slot_wal_keep_size is $limit MB on the server (-1: unlimited): a log archive that is down would fill its disk. Run: alter system set max_slot_wal_keep_size = '${SLOT_LIMIT}MB'; select pg_reload_conf(); or raise slotLimit"
fi

mkdir -p "$SPOOL"
drop_slot() {
  printf "select pg_drop_replication_slot(:'slot');" | attempt "dropping the slot $SLOT, which has lost its log" ask -v slot="$SLOT" -f - >/dev/null
}

# What a slot has lost it never gets again: a new one begins where the log is now, and only a new base backup closes the gap.
lost=$(ask -v slot="$SLOT" -f - <<'SQL'
select count(*) from pg_replication_slots where slot_name = :'slot' and wal_status = 'lost';
SQL
)
if [ "$lost" != 0 ]; then
  log "WARNING: the server has recycled log that slot $SLOT had not received (max_slot_wal_keep_size): the archive has a gap; take a backup now"
  drop_slot
  start_anew=yes
fi

# The spool tells where to go on. After a restore, or with another server, it tells of a history that is not this server's.
system=$(ask -c 'select system_identifier from pg_control_system()')
[ ! -s "$SPOOL/system" ] || [ "$(cat "$SPOOL/system")" = "$system" ] || start_anew=yes

trap : TERM INT
receive() {
  pg_receivewal --directory="$SPOOL" --slot="$SLOT" --create-slot --if-not-exists --no-password 2>"$SCRATCH/receive.err" || {
    cat "$SCRATCH/receive.err" >&2
    die "pg_receivewal: $(last_words "$SCRATCH/receive.err" 1)"
  }
  pg_receivewal --directory="$SPOOL" --slot="$SLOT" --synchronous --no-loop --no-password 2>"$SCRATCH/receive.err"
}
begin_anew() {
  # What is there is stored with the next batch, under the timeline that it is of, and then removed.
  mkdir -p "$SPOOL/former"
  find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????*' -exec mv {} "$SPOOL/former/" \;
  # A server that was made anew has segments of the same names, of which nothing is stored.
  [ ! -e "$SPOOL/stored" ] || {
    sed 's|^\([0-9A-F]*\)$|former/\1|' "$SPOOL/stored" >"$SPOOL/stored.moved"
    mv "$SPOOL/stored.moved" "$SPOOL/stored"
  }
}
[ -z "${start_anew:-}" ] || begin_anew
printf '%s\n' "$system" >"$SPOOL/system"
# Where the spool tells nothing, the slot says where to begin. A slot that is made during a checkpoint, as after a promotion, may ask for log that
# the checkpoint removes, and the server calls it reserved.
from_slot=yes
[ -z "$(find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????*')" ] || from_slot=
receive && rc=0 || rc=$?
cat "$SCRATCH/receive.err" >&2
if [ -n "$from_slot" ] && grep -q 'has already been removed' "$SCRATCH/receive.err"; then
  drop_slot
  log "WARNING: the server has recycled log that its slot $SLOT begins with: the archive begins anew, with a new slot; take a backup now"
elif grep -qE "is not in this server's history|has already been removed|ahead of the WAL flush position" "$SCRATCH/receive.err"; then
  log "WARNING: the server cannot go on where the spool ends: the archive begins anew; take a backup now"
  begin_anew
fi
[ "$rc" = 0 ] || die "receiving the log ended: $(last_words "$SCRATCH/receive.err" "$rc")"
