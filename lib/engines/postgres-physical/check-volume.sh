#!/bin/sh
# Starts a server on a volume of another one, where it recovers as after a crash, and checks it.
#
# environment, beside postgres.sh's and server.sh's:
#   DATA_DIRECTORY   the data directory; it may be written, and is thrown away
set -eu
MAINTENANCE_DATABASE=template1
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/engines/postgres-physical/server.sh
. "$BACKUP_HOME/engine/server.sh"
# shellcheck source=lib/shell/lib/data-directory.sh
. "$BACKUP_HOME/shell/data-directory.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"
data=$DATA_DIRECTORY

# ---- whose files are they? ------------------------------------------------------------------------------------------
[ -f "$data/PG_VERSION" ] ||
  refuse "there is no file PG_VERSION, so this is not a data directory of PostgreSQL; it holds: $(held_names 10). If the data is in a directory of the volume, set path to it"
held_version=$(cat "$data/PG_VERSION")
image_version=$(postgres --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
[ "$held_version" = "$image_version" ] ||
  refuse "the data directory is from PostgreSQL $held_version, but the image holds PostgreSQL $image_version: set version to the server's"
# Neither can be checked without the other volume, nor restored without it.
[ ! -L "$data/pg_wal" ] || refuse 'pg_wal is a link to another volume: without that log the files are not consistent'
elsewhere=$(find "$data/pg_tblspc" -type l 2>/dev/null | head -n 1)
[ -z "$elsewhere" ] || refuse "the server has tablespaces on other volumes ($(readlink "$elsewhere")), which this snapshot does not hold"

# ---- is it whole? ---------------------------------------------------------------------------------------------------
attempt 'reading global/pg_control' pg_controldata -D "$data" >"$SCRATCH/control"
! grep -q '^WARNING' "$SCRATCH/control" || die "global/pg_control is damaged: $(grep -A 1 '^WARNING' "$SCRATCH/control" | tr '\n' ' ')"
log "the snapshot was cut while the server was: $(control "$data" 'Database cluster state')"
# A server reads a torn file of its log up to where it is torn, and takes that for the end.
segment=$(control "$data" 'Bytes per WAL segment')
find "$data/pg_wal" -type f >"$SCRATCH/wal"
while IFS= read -r file; do
  case ${file##*/} in *[!0-9A-F]* | '') continue ;; esac
  [ "$(wc -c <"$file")" -eq "$segment" ] || die "file pg_wal/${file##*/} has $(wc -c <"$file" | tr -d ' ') bytes of $segment: the log is torn"
done <"$SCRATCH/wal"

# ---- does it come up? -----------------------------------------------------------------------------------------------
# A replica's volume is recovered to the end of its own log, as if it took the primary's place.
if [ -e "$data/standby.signal" ] || [ -e "$data/recovery.signal" ]; then
  rm -f "$data/standby.signal"
  : >"$data/recovery.signal"
  replica="restore_command = 'false'"
fi
# Whoever they were for would keep the log here, and they may ask for settings that this server does not have.
rm -rf "$data"/pg_replslot/*
trap 'pg_ctl -D "$data" -m immediate stop >/dev/null 2>&1 || :' EXIT

bring_up() {
  start_server "$data" "$throw_away" "${replica:-}"
  [ "$server_rc" = 0 ] || die "the server did not start on this volume: $(last_words "$SCRATCH/server.log" "$server_rc")"
}

# The first superuser may have any name; without one there is nobody to ask but a server without users.
find_superuser() {
  ask_server postgres
  ! ask -c 'select 1' >/dev/null 2>&1 || return 0
  stop_server
  echo 'select rolname from pg_roles where oid = 10' | postgres --single -D "$data" template1 >"$SCRATCH/single" 2>&1 || :
  superuser=$(sed -n 's/.* rolname = "\(.*\)"	(typeid.*/\1/p' "$SCRATCH/single")
  [ -n "$superuser" ] || die "the name of the server's superuser could not be read: $(last_words "$SCRATCH/single" 1)"
  bring_up
  ask_server "$superuser"
}

restore_started=$(date +%s)
bring_up
outcome restoreSeconds "$(($(date +%s) - restore_started))"
log_recovery
find_superuser

(cd "$data" && find base -name '*_init') | say_unlogged
check_server
attempt 'listing the databases' ask -F ' ' -c 'select datname, pg_size_pretty(pg_database_size(oid)) from pg_database order by 1' >"$SCRATCH/databases"
log "pg_amcheck found nothing wrong in: $(tr '\n' ',' <"$SCRATCH/databases" | sed -e 's/,$//' -e 's/,/, /g')"

# An assertion is the user's own statement, and may do anything to this server.
check_assertions query

# What pg_amcheck does not read: other kinds of indexes, sequences, the free space.
attempt 'stopping the server' stop_server
trap - EXIT
if [ "$(control "$data" 'Data page checksum version')" != 0 ]; then
  attempt 'pg_checksums' pg_checksums --check --no-sync -D "$data" >&2
else
  caveat 'the server has no data checksums: a row that the disk changed shows up only where an index or an assertion reads it'
fi
