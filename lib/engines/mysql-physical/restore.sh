#!/bin/sh
# Makes a data directory from the recovery point beside the old one, starts a server over it once, and puts it in the old one's
# place.
#
# environment, beside physical.sh's: see data-directory.sh
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
# shellcheck source=lib/engines/mysql-physical/replay.sh
. "$BACKUP_HOME/engine/replay.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"

choose_target
stage_data_directory
# Where the old files had it, the server looks for it.
if [ -e "$DATA_DIRECTORY/ibdata1" ] && [ ! -e "$DATA_DIRECTORY/ib_logfile0" ] && [ ! -d "$DATA_DIRECTORY/#innodb_redo" ]; then
  caveat 'the old data directory had no redo log in it. If the server keeps its redo log elsewhere (innodb_log_group_home_dir), empty that directory before you start it; otherwise it applies the old log to the restored files'
fi
cleanup() {
  kill_scratch_server
  [ -z "$STAGING" ] || rm -rf "$STAGING"
}
trap cleanup EXIT
restore_started=$(date +%s)
unpack "$STAGING"
start_scratch_server "$STAGING"
compare_scratch_server
replay
check_scratch_server
stop_scratch_server
# The tool's own notes; where the binary log stood is worth keeping.
rm -f "$STAGING/backup-my.cnf" "$STAGING"/*_checkpoints "$STAGING"/xtrabackup_logfile "$STAGING"/xtrabackup_tablespaces
swap_data_directory
STAGING=
# MariaDB takes every directory of its own for a database, whatever its name, and then mariadb-upgrade and dumps of all databases
# stop at one that is none. In the directory of a database it looks for no others.
if [ "$DIALECT" = mariadb ] && [ -n "$OLD" ] && [ "${OLD%/*}" = "$DATA_DIRECTORY" ]; then
  mv "$OLD" "$DATA_DIRECTORY/mysql/" || die "the server is restored, but takes $OLD for a database: move it away by hand"
  log "the server would take that directory for a database, so it is now $DATA_DIRECTORY/mysql/${OLD##*/}"
fi
outcome restoreSeconds "$(($(date +%s) - restore_started))"
# The copy has none of them, and a server that finds some goes on with them.
binlog_directory=$(manifest_about "$SCRATCH/manifest.json" | sed -n 's/^"binlogDirectory":"\(.*\)"$/\1/p')
[ -z "$binlog_directory" ] || caveat "the server keeps its binary logs in $binlog_directory, outside its data directory, and they date from before this restore. Remove them before you start the server; otherwise the log archive and replicas take what it writes for their continuation"
