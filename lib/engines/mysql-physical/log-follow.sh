#!/bin/sh
# Receives the binary log into the spool until it is told to stop.
#
# environment, beside physical.sh's:
#   SPOOL   the directory that it goes to: a directory per history of the server's log, named in `current`, which is left for
#           another when the server has begun anew, as after a restore
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"
# shellcheck source=lib/shell/lib/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"

log_bin=$(variable log_bin)
[ "$log_bin" = ON ] || refuse 'the server writes no binary log: set log_bin and server_id'
attempt 'asking for the binary log (the account needs BINLOG MONITOR and REPLICATION SLAVE)' sql 'show master status' >"$SCRATCH/status"
[ -z "$(cut -f 3-4 "$SCRATCH/status" | tr -d '\t')" ] ||
  refuse 'binlog_do_db or binlog_ignore_db is set on the server: no restore could bring back what these leave out of its log. Unset them'
# What a replica is sent, and a node of a cluster, is in its own log only when it is told to write it there.
log_slave_updates=$(variable log_slave_updates)
if [ "$log_slave_updates" != ON ]; then
  wsrep_on=$(variable wsrep_on)
  [ "$wsrep_on" != ON ] ||
    refuse 'log_slave_updates is off on the server, a node of a cluster: its log lacks what is written through other nodes. Set log_slave_updates to ON'
  attempt 'asking whether the server is a replica' sql "select count(*) from information_schema.global_status where variable_name = 'Slaves_running' and variable_value <> '0'" >"$SCRATCH/status"
  gtid_slave_pos=$(variable gtid_slave_pos)
  { [ "$(cat "$SCRATCH/status")" = 0 ] && [ -z "$gtid_slave_pos" ]; } ||
    refuse 'log_slave_updates is off on the server, a replica: its log lacks what its primary sends, and no restore could bring that back. Set log_slave_updates to ON, or name the primary as host. If it is no longer a replica: reset slave all; set global gtid_slave_pos = ""'
fi
# The server keeps nothing for us. Two hours are what it takes to notice and to mend.
expiry=$(sql 'select floor(case when @@binlog_expire_logs_seconds > 0 then @@binlog_expire_logs_seconds else @@expire_logs_days * 86400 end)')
if [ "$expiry" != 0 ] && [ "$expiry" -lt 7200 ]; then
  refuse "the server removes its binary logs after $expiry s: an archive that is down that long loses them. Set binlog_expire_logs_seconds to a day or more"
fi
[ "$expiry" = 0 ] || [ "$expiry" -ge 86400 ] || log "WARNING: the server removes its binary logs after $expiry s, even if they are not archived yet"
format=$(variable binlog_format)
[ "$format" != STATEMENT ] || log 'WARNING: binlog_format is STATEMENT: a replay repeats statements, and some have a different effect then. Set it to ROW or MIXED'
time_zone=$(variable time_zone)
system_time_zone=$(variable system_time_zone)
if [ "$format" != ROW ] && [ "$time_zone" = SYSTEM ] && [ "$system_time_zone" != UTC ]; then
  log "WARNING: the server uses the time zone of its machine, $system_time_zone, which its log does not record: a replay takes the times in statements for UTC. Set default_time_zone, or set binlog_format to ROW"
fi

attempt 'listing the binary logs' sql 'show binary logs' >"$SCRATCH/status"
cut -f 1,2 "$SCRATCH/status" >"$SCRATCH/logs"
oldest=$(head -n 1 "$SCRATCH/logs" | cut -f 1)
listed() { cut -f 1 "$SCRATCH/logs" | grep -qxF -e "$1"; } # FILE
mkdir -p "$SPOOL"
cd "$SPOOL"
history=$(cat current 2>/dev/null || :)
# The last file of which enough is there to know it by, and its birth.
known='' known_birth='' any=''
if [ -n "$history" ]; then
  all_in_order "$history" >"$SCRATCH/files"
  while read -r file; do
    any=yes
    path=$(longer_of "$history/$file")
    [ "$(size_of "$path")" -lt 13 ] || { known=$file known_birth=$(birth "$path"); }
  done <"$SCRATCH/files"
fi
in_spool=$known
[ -n "$known" ] || [ -z "$any" ] || read -r known known_birth 2>/dev/null <"$history/born" || :
first='' same='' before_listed=''
if [ -n "$known" ] && [ ! -e "$history/left" ]; then
  if listed "$known"; then
    # By itself, so that a failure is one.
    born=$(remote_birth "$known")
    [ "$known_birth" != "$born" ] || same=yes
  elif [ -n "$in_spool" ] && [ "${oldest%.*}" = "${known%.*}" ] && [ "$(number "$oldest")" -gt "$(number "$known")" ]; then
    log_gap "the server removed binary logs before they were received, from $known to the one before $oldest"
    # What is there of it may not be all: it never counts as complete.
    while read -r file; do
      [ "$(number "$file")" -lt "$(number "$known")" ] || [ "$(number "$file")" -ge "$(number "$oldest")" ] || : >"$history/$file.cut"
    done <"$SCRATCH/files"
    first=$oldest
  fi
fi
# A file is not written in part: what was received of the first that is not whole is received again, as of the newest, and what comes after it.
if [ -n "$same" ]; then
  before=
  while read -r file; do
    if [ -n "$before" ] && [ ! -e "$history/$before.cut" ] && ! whole "$history/$before" "$history/$file" "$SCRATCH/logs"; then
      if listed "$before"; then
        first=$before
        break
      fi
      log_gap "the server removed $before before all of it was received"
      : >"$history/$before.cut"
    fi
    ! listed "$file" || before_listed=$file
    before=$file
  done <"$SCRATCH/files"
  [ -n "$first" ] || first=$before_listed
fi
[ -z "$any" ] || [ -n "$first" ] || [ -e "$history/left" ] || log_gap 'the server has started a new binary log, as after a restore, and so does the archive'
if [ -z "$first" ]; then
  first=$oldest
  born=$(remote_birth "$oldest")
  history=$born-$(date +%s)
  mkdir -p "$history"
  printf '%s\n' "$history" >current
else
  # The server may be gone before it has sent as much again. The last one goes first: nothing is left that seems to follow on the first.
  sed '1!G;h;$!d' "$SCRATCH/files" >"$SCRATCH/aside"
  while read -r file; do
    if [ "$(number "$file")" -lt "$(number "$first")" ]; then
      # Nobody sends it again.
      [ -e "$history/$file" ] || mv "$history/$file.kept" "$history/$file"
    elif [ ! -e "$history/$file" ]; then
      continue
    elif [ -s "$history/$file.hole" ] && [ ! -e "$history/$file.kept" ]; then
      truncate -s "$(cat "$history/$file.hole")" "$history/$file"
      mv "$history/$file" "$history/$file.kept"
    elif [ "$(longer_of "$history/$file")" = "$history/$file" ]; then
      mv "$history/$file" "$history/$file.kept"
    else
      rm -f "$history/$file"
    fi
    rm -f "$history/$file.hole"
  done <"$SCRATCH/aside"
fi

trap : TERM INT
log "receiving the binary log from $first on"
# Its own reconnecting would go on in whatever the server has then.
mariadb-binlog --defaults-file="$SCRATCH/client.cnf" --read-from-remote-server --raw --stop-never \
  --stop-never-slave-server-id="$REPLICA_ID" --result-file="$SPOOL/$history/" "$first" 2>"$SCRATCH/receive.err" && rc=0 || rc=$?
! grep -qiE 'same server[_ ](id|uuid)|zombie' "$SCRATCH/receive.err" ||
  die "another replica, or another archive of this server, also has the number $REPLICA_ID, and the server disconnects the older of the two: give one of them another number (replicaId)"
[ "$rc" = 0 ] || [ "$rc" = 143 ] || [ "$rc" = 130 ] || die "receiving the binary log ended: $(last_words "$SCRATCH/receive.err" "$rc")"
exit "$rc"
