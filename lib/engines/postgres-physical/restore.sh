#!/bin/sh
# Recovers the server's data directory on its own volume, while the server is stopped: beside the old one, which stays as it
# is until the new one has come up, and is put aside then.
#
# environment, beside postgres.sh's, copy.sh's and data-directory.sh's: nothing
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/engines/postgres-physical/copy.sh
. "$BACKUP_HOME/engine/copy.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

restore_started=$(date +%s)
choose_target
stage_data_directory
[ ! -L "$DATA_DIRECTORY/pg_wal" ] ||
  caveat "pg_wal of the old data directory is a link to $(readlink "$DATA_DIRECTORY/pg_wal"), but the restored data directory holds its log itself. To have it on its own volume again, move it into an empty directory there before you start the server"
recover_directory=$STAGING
discard() {
  pg_ctl -D "$STAGING" -m immediate stop >/dev/null 2>&1 || :
  rm -rf "$STAGING" "$STAGING.parts"
}
trap discard EXIT
unpack_base "$STAGING"
recover "$STAGING"
attempt 'asking the recovered server' ask -c 'select count(*) from pg_database' >/dev/null
stop_server || die 'the recovered server did not stop cleanly'
[ "$(control "$STAGING" 'Database cluster state')" = 'shut down' ] || die "the recovered server was not shut down cleanly: $(control "$STAGING" 'Database cluster state')"
mv "$SCRATCH/postgresql.auto.conf" "$STAGING/postgresql.auto.conf"
rm -f "$STAGING/backup_manifest" "$STAGING"/postmaster.opts
trap - EXIT
swap_data_directory
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log "the data directory is recovered. Start the server, then take a backup: its log begins a new timeline"
