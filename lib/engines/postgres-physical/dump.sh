#!/bin/sh
# Takes a base backup of the whole server, as a stream, with the write-ahead log that makes it consistent.
#
# environment, beside postgres.sh's:
#   PRIMARY          host of the primary when PGHOST is a replica that has to have caught up with it; else empty
#   REPLAY_TIMEOUT   seconds to wait for that
#   INCREMENTALS     how many incremental backups follow a full one; 0: every backup is a full one
#   MAX_RATE         kilobytes a second at most; empty: as fast as it goes
set -eu
# shellcheck source=lib/engines/postgres-physical/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"

attempt 'asking the server for its version' ask -c 'show server_version_num' >"$SCRATCH/version"
server=$(($(cat "$SCRATCH/version") / 10000))
client=$(pg_basebackup --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
# The files are the server's own: only a server of the same major version can bring them up, here and on the worst day.
[ "$client" = "$server" ] ||
  refuse "the image holds PostgreSQL $client, the server is PostgreSQL $server: a copy of files needs the same major version (set version: PostgresVersion.V$server)"
wal_level=$(ask -c 'show wal_level')
[ "$wal_level" != minimal ] || refuse 'wal_level is minimal on the server: a base backup needs replica or logical'
replicates=$(ask -c "select rolreplication or rolsuper from pg_roles where rolname = current_user")
[ "$replicates" = t ] ||
  refuse "role $PGUSER is not allowed to take base backups. Run: alter role $PGUSER replication"
tablespaces=$(ask -c "select string_agg(quote_ident(spcname), ', ') from pg_tablespace where spcname not in ('pg_default', 'pg_global')")
[ -z "$tablespaces" ] || refuse "the server has tablespaces ($tablespaces), which a stream cannot hold: use logical dumps (Engine.postgres), or move the data to the default tablespace"

# A replica that lags would be saved as it was a while ago.
if [ -n "$PRIMARY" ]; then
  replica=$(ask -c 'select pg_is_in_recovery()')
  [ "$replica" = t ] || log "WARNING: $PGHOST is not a replica"
  target=$(PGHOST=$PRIMARY attempt "asking the primary $PRIMARY for its position" ask -c 'select pg_current_wal_lsn()')
  caught_up_until=$(($(date +%s) + REPLAY_TIMEOUT))
  until [ "$(ask -c "select coalesce(pg_last_wal_replay_lsn() >= '$target', true)")" = t ]; do
    [ "$(date +%s)" -lt "$caught_up_until" ] ||
      die "the replica $PGHOST has not caught up with $target of $PRIMARY within $REPLAY_TIMEOUT s; it is at $(ask -c 'select pg_last_wal_replay_lsn()')"
    sleep 1
  done
  log "the replica has caught up with the primary's $target"
fi

server_version=$(ask -c 'show server_version')
about server "$server_version"
since() { ask -c "select to_char(pg_postmaster_start_time() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"; }
running_since=$(since)
about runningSince "$running_since"
about client "$(pg_basebackup --version)"
# The first superuser is the one that a copy of the server certainly has.
ask -F '	' -c "select 'superuser', rolname from pg_roles where oid = 10 union all select 'system', system_identifier::text from pg_control_system()
  union all select 'encoding', current_setting('server_encoding')
  union all select 'segment', setting from pg_settings where name = 'wal_segment_size'" >"$SCRATCH/server"

# Prints the recovery point that this one is incremental to, if it is to be incremental; its manifest is $SCRATCH/parent_manifest
# then, and what it builds on itself in $SCRATCH/parent.needs.
parent() {
  if [ "$INCREMENTALS" = 0 ] || [ "$SAFETY" = yes ]; then return 0; fi
  summarized=$(ask -c "select current_setting('summarize_wal')") || return 1
  if [ "$summarized" != on ]; then
    log 'WARNING: summarize_wal is off on the server, so this backup is a full one: alter system set summarize_wal = on'
    return 0
  fi
  parent_id=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  [ -n "$parent_id" ] || return 0
  if ! manifest_fetch "$parent_id" || ! repository_get "$parent_id" backup_manifest >"$SCRATCH/parent_manifest"; then
    log "WARNING: $parent_id cannot be read, so this backup is a full one: $(repository_reason)"
    return 0
  fi
  # Whoever puts older files under a server, as a restore does, has to start it: the numbers of timelines and the positions in the log can be
  # those of before then, and the server takes a history that it has left for its own.
  parent_since=$(manifest_about "$SCRATCH/manifest.json" | sed -n 's/^"runningSince":"\(.*\)"$/\1/p')
  if [ "$parent_since" != "$running_since" ]; then
    log "the server was started since $parent_id was made, so this backup is a full one"
    return 0
  fi
  manifest_field "$SCRATCH/manifest.json" needs | tr ' ' '\n' >"$SCRATCH/parent.needs"
  [ "$(grep -c . "$SCRATCH/parent.needs")" -ge "$INCREMENTALS" ] || printf %s "$parent_id"
}

lsn_bytes() { echo $((0x${1%/*} * 4294967296 + 0x${1#*/})); }

BACKUP_SLOT=backup_$(printf %s "$POINT" | tr '[:upper:]-' '[:lower:]_')
export BACKUP_SLOT
PARENT=$(parent)
export PARENT
if [ -n "$PARENT" ]; then
  log "incremental to $PARENT"
  if repository_put base.tar sh "$BACKUP_HOME/engine/dump-base.sh"; then
    running_now=$(since)
    [ "$running_now" = "$running_since" ] || die 'the server was restarted while the backup began: the recovery point that it builds on may not be from this server. Run the backup again'
    needs "$PARENT"
    grep . "$SCRATCH/parent.needs" >>"$SCRATCH/needs" || :
    about base "incremental to $PARENT"
  else
    # Whatever stood in its way, such as a summary of the log that the server lacks: a full backup needs none of it.
    log "WARNING: the incremental backup failed ($(cat "$SCRATCH/put.reason" 2>/dev/null)); a full one is made instead"
    PARENT=
    repository_begin 2>/dev/null || :
  fi
fi
if [ -z "$PARENT" ]; then
  put base.tar sh "$BACKUP_HOME/engine/dump-base.sh"
  about base full
fi
put backup_manifest cat "$SCRATCH/backup_manifest"
put server cat "$SCRATCH/server"
facts_of_manifest "$SCRATCH/backup_manifest"
sed -n 's/.*"Path": "\([^"]*\)".*/\1/p' "$SCRATCH/backup_manifest" | say_unlogged
say_skipped <"$SCRATCH/base.err"
slots=$(ask -c "select string_agg(quote_ident(slot_name) || ' in ' || quote_ident(database), ', ') from pg_replication_slots where database is not null and not temporary")
[ -z "$slots" ] || caveat "replication slots are left out, so their consumers must start over after a restore: $slots"
sed -n 's/.*"Timeline": \([0-9]*\), "Start-LSN": "\([0-9A-F\/]*\)", "End-LSN": "\([0-9A-F\/]*\)".*/\1 \2 \3/p' "$SCRATCH/backup_manifest" | tail -n 1 >"$SCRATCH/wal"
read -r timeline wal_from wal_to <"$SCRATCH/wal" || refuse "pg_basebackup's manifest did not report which log it copied"
about wal "timeline $timeline, from $wal_from to $wal_to"
about logBytes $(($(lsn_bytes "$wal_to") - $(lsn_bytes "$wal_from")))
