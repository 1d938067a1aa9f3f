#!/bin/sh
# Exit 0 when the spool holds what the server had written when this was called.
#
# environment, beside postgres.sh's:
#   SLOT               the replication slot: how far it is confirmed is what the spool holds, where it is this pod that receives from it
#   SLOT_LIMIT         megabytes of log that the server may keep for the slot, at most: it may have been told otherwise since the slot was made
#   ARCHIVE_PATIENCE   seconds to wait for that. A receiver that has nothing to do confirms every ten seconds
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
unlimited_slot >"$SCRATCH/endangered"
written=$(ask -c "select case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_flush_lsn() end")
patient_until=$(($(date +%s) + ARCHIVE_PATIENCE))
while :; do
  received=$(ask -v slot="$SLOT" -v written="$written" -v receiver="$(receiver)" -f - <<'SQL'
select case when not active then restart_lsn || ', and nothing receives from slot ' || slot_name
    when application_name is distinct from :'receiver' then 'an unknown position: ' || coalesce(nullif(application_name, ''), 'another client')
      || ' receives from slot ' || slot_name || ', which has to be this archive''s alone (slot)'
    when restart_lsn >= :'written' then 'all' else restart_lsn || ', received as slot ' || slot_name end
  from pg_replication_slots left join pg_stat_replication on pid = active_pid where slot_name = :'slot';
SQL
  )
  [ "$received" != all ] || exit 0
  [ "$(date +%s)" -lt "$patient_until" ] || break
  sleep 0.5
done
echo "the server was at $written, and the archive was at ${received:-no position: there is no slot $SLOT}" >&2
exit 1
