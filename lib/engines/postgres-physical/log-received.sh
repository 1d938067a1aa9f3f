#!/bin/sh
# Exit 0 when the spool holds what the server had written when this was called.
#
# environment, beside postgres.sh's:
#   SLOT               the replication slot: how far it is confirmed is what the spool holds
#   ARCHIVE_PATIENCE   seconds to wait for that. A receiver that has nothing to do confirms every ten seconds
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
written=$(ask -c "select case when pg_is_in_recovery() then coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) else pg_current_wal_flush_lsn() end")
patient_until=$(($(date +%s) + ARCHIVE_PATIENCE))
while :; do
  received=$(ask -v slot="$SLOT" -v written="$written" -f - <<'SQL'
select case when active and restart_lsn >= :'written' then 'all' when active then restart_lsn || ', received as slot ' || slot_name
  else restart_lsn || ', and nobody receives from slot ' || slot_name end from pg_replication_slots where slot_name = :'slot';
SQL
  )
  [ "$received" != all ] || exit 0
  [ "$(date +%s)" -lt "$patient_until" ] || break
  sleep 0.5
done
echo "the server was at $written, and the archive is at ${received:-no position: there is no slot $SLOT}" >&2
exit 1
