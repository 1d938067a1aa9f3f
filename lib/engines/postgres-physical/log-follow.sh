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
# shellcheck source=lib/shell/lib/log-gap.sh
. "$BACKUP_HOME/shell/log-gap.sh"

# A slot of that name that somebody else has made is not this archive's to drop.
kind=$(ask -v slot="$SLOT" -f - <<'SQL'
select slot_type from pg_replication_slots where slot_name = :'slot';
SQL
)
case $kind in
  '' | physical) ;;
  *) refuse "the server has a $kind replication slot named $SLOT, and a log archive needs a slot of its own: choose another name (slot)" ;;
esac

# Where there is a slot already, the disk fills unless somebody receives.
unlimited=$(unlimited_slot)
[ -z "$unlimited" ] || [ -n "$kind" ] || refuse "$unlimited"
[ -z "$unlimited" ] || log "WARNING: $unlimited"

mkdir -p "$SPOOL"
replication() { psql -XAtq --no-password -v ON_ERROR_STOP=1 -d 'replication=true' -c "$1"; } # COMMAND
drop_slot() {
  printf "select pg_drop_replication_slot(:'slot');" | attempt "dropping the slot $SLOT, which has lost its log" ask -v slot="$SLOT" -f - >/dev/null
}

# What a slot has lost it never gets again: a new one begins where the log is now, and only a new base backup closes the gap.
lost=$(ask -v slot="$SLOT" -f - <<'SQL'
select count(*) from pg_replication_slots where slot_name = :'slot' and wal_status = 'lost';
SQL
)
if [ "$lost" != 0 ]; then
  log_gap "the server recycled log that slot $SLOT had not received (max_slot_wal_keep_size)"
  drop_slot
  start_anew=yes
fi

# What was received by the slot before, and not stored, went with the volume on which it was.
if [ -n "$kind" ] && [ ! -s "$SPOOL/system" ]; then
  log_gap "what slot $SLOT received before is lost"
fi

# The spool tells where to go on. After a restore, or with another server, it tells of a history that is not this server's.
attempt 'asking the server for its identity' replication IDENTIFY_SYSTEM >"$SCRATCH/identity"
IFS='|' read -r system timeline _ <"$SCRATCH/identity"
if [ -s "$SPOOL/system" ] && [ "$(cat "$SPOOL/system")" != "$system" ]; then
  log_gap "this is not the server whose log was received before: its system identifier is $system"
  start_anew=yes
fi

: >"$SCRATCH/history"
[ "$timeline" = 1 ] || attempt "asking the server how it came to timeline $timeline" replication "TIMELINE_HISTORY $timeline" >"$SCRATCH/history"
sed -i '1s/^[^|]*|//' "$SCRATCH/history"

# Two servers that were promoted each by itself give one number to two timelines. pg_receivewal asks for a history only where it has none.
history=$(printf '%08X.history' "$timeline")
if [ -s "$SPOOL/$history" ] && [ "$(cat "$SCRATCH/history")" != "$(cat "$SPOOL/$history")" ]; then
  log_gap "timeline $timeline of the server is not the one that was received before: two servers were promoted independently"
  start_anew=yes
  other_history=$history
fi
spooled=$(find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????*' | sed 's|.*/\(........\)[^/]*$|\1|' | LC_ALL=C sort | tail -n 1)
spooled=${spooled:+$((0x$spooled))}
if [ -z "${start_anew:-}" ] && [ "${spooled:-$timeline}" != "$timeline" ] && ! grep -q "^[[:space:]]*${spooled}[[:space:]]" "$SCRATCH/history"; then
  log_gap "the server is on timeline $timeline, to which the received timeline $spooled does not lead: the archive starts over"
  start_anew=yes
fi

told_to_stop=
trap 'told_to_stop=yes' TERM INT
# So that log-received.sh can tell who receives.
PGAPPNAME=$(receiver)
export PGAPPNAME
receive() {
  pg_receivewal --directory="$SPOOL" --slot="$SLOT" --create-slot --if-not-exists --no-password 2>"$SCRATCH/receive.err" || {
    cat "$SCRATCH/receive.err" >&2
    die "pg_receivewal: $(last_words "$SCRATCH/receive.err" 1)"
  }
  pg_receivewal --directory="$SPOOL" --slot="$SLOT" --synchronous --no-loop --no-password 2>"$SCRATCH/receive.err"
}
begin_anew() {
  # log-stored.sh looks at the same files.
  exec 9<"$SPOOL"
  flock 9
  # What is there is stored with the next batch, under the timeline that it is of, and then removed. Before that it may happen again, with
  # segments of the same names.
  former=1
  while [ -e "$SPOOL/former/$former" ]; do former=$((former + 1)); done
  mkdir -p "$SPOOL/former/$former"
  [ -z "${other_history:-}" ] || mv "$SPOOL/$other_history" "$SPOOL/former/$former/"
  # A server that was made anew has segments of the same names, of which nothing is stored.
  for moved in stored stored.partial; do
    [ -e "$SPOOL/$moved" ] || continue
    sed "s|^\([^/]*\)\$|former/$former/\1|" "$SPOOL/$moved" >"$SPOOL/$moved.moved"
    mv "$SPOOL/$moved.moved" "$SPOOL/$moved"
  done
  find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????*' -exec mv {} "$SPOOL/former/$former/" \;
  exec 9<&-
}

# Files that were put back to what they were before, as from a volume's snapshot, go on under the same name, and are another history. What was
# received last tells: unless the server sends the same once more, it is not its own.
segment_bytes=$(ask -c "select setting from pg_settings where name = 'wal_segment_size'")
was_put_back() {
  was_newest=$(find "$SPOOL" -maxdepth 1 -type f -name "$(printf '%08X' "$timeline")????????????????*" -size "$segment_bytes"c | LC_ALL=C sort | tail -n 1)
  [ -n "$was_newest" ] || return 1
  was_name=$(basename "$was_newest" .partial)
  was_number=$((0x$(printf %s "$was_name" | cut -c 9-16) * (4294967296 / segment_bytes) + 0x$(printf %s "$was_name" | cut -c 17-24)))
  [ "$was_number" -gt 0 ] || return 1
  used_bytes "$was_newest"
  # How much of the segment the server has. A standby sends what it has received, or replayed.
  ask -F ' ' -v first="$((was_number * segment_bytes))" -v bytes="$segment_bytes" -f - >"$SCRATCH/has" <<'SQL'
select least(lsn - ('0/0'::pg_lsn + :first), :bytes), '0/0'::pg_lsn + :first + least(lsn - ('0/0'::pg_lsn + :first), :bytes) - 1, standby
  from (select pg_is_in_recovery() as standby, coalesce(case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
    else pg_current_wal_flush_lsn() end, '0/0') as lsn) as server;
SQL
  read -r was_has was_until was_standby <"$SCRATCH/has"
  if [ "$was_has" -lt "$used" ]; then
    # It has never written what was received of it. A standby may only be behind.
    [ "$was_standby" = f ]
    return
  fi
  [ "$used" -gt 0 ] || return 1
  rm -rf "$SCRATCH/again"
  mkdir "$SCRATCH/again"
  # pg_receivewal goes on after the segment before.
  was_before=$((was_number - 1))
  truncate -s "$segment_bytes" "$SCRATCH/again/$(printf '%08X%08X%08X' "$timeline" "$((was_before * segment_bytes / 4294967296))" "$((was_before % (4294967296 / segment_bytes)))")"
  # What it cannot send again is no proof. It stops when it is beyond the position. (PostgreSQL's source, pg_receivewal.c, stop_streaming.)
  timeout 30 pg_receivewal --directory="$SCRATCH/again" --endpos="$was_until" --no-loop --no-password >&2 || return 1
  was_again=$(find "$SCRATCH/again" -type f -name "$was_name*" | head -n 1)
  [ -n "$was_again" ] || return 1
  was_differs=no
  [ "$(head -c "$used" "$was_newest" | cksum)" = "$(head -c "$used" "$was_again" | cksum)" ] || was_differs=yes
  rm -rf "$SCRATCH/again"
  [ "$was_differs" = yes ]
}
# What was not received yet is zeros.
used_bytes() { # SEGMENT
  used=0 used_high=$segment_bytes
  while [ "$used" -lt "$used_high" ]; do
    used_middle=$(((used + used_high) / 2))
    if [ "$(tail -c "+$((used_middle + 1))" "$1" | tr -d '\000' | head -c 1 | wc -c)" = 0 ]; then used_high=$used_middle; else used=$((used_middle + 1)); fi
  done
}
if [ -z "${start_anew:-}" ] && was_put_back; then
  log_gap 'the log of the server differs from the log received under the same name: its files were reset to an earlier state'
  start_anew=yes
fi
[ -z "${start_anew:-}" ] || begin_anew
printf '%s\n' "$system" >"$SPOOL/system"
# Where the spool tells nothing, the slot says where to begin. A slot that is made during a checkpoint, as after a promotion, may ask for log that
# the checkpoint removes, and the server calls it reserved.
from_slot=yes
[ -z "$(find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????*')" ] || from_slot=
# The server says it in its own language: what it has removed it names by the segment alone, and what is not in its history, or ahead of it, by
# a position. (PostgreSQL's source, walsender.c.)
server_said() { sed -nE 's/.*(could not send replication command "START_REPLICATION"|unexpected termination of replication stream)//p' "$SCRATCH/receive.err"; }
has_removed() { server_said | grep -qE '^[^0-9/]*[0-9A-F]{24}[^0-9/]*$'; }
is_elsewhere() { server_said | grep -qE '[^[:alnum:]_/][0-9A-F]+/[0-9A-F]+([^[:alnum:]_/.]|$)'; }
# A volume that was full leaves a file behind that is shorter than what it was to become, and holds nothing yet; pg_receivewal goes no further
# then. (PostgreSQL's source, receivelog.c, open_walfile.)
find "$SPOOL" -maxdepth 1 -type f -name '????????????????????????.partial' ! -size "$segment_bytes"c -exec rm -f {} +
[ -z "$told_to_stop" ] || exit 0
receive && rc=0 || rc=$?
cat "$SCRATCH/receive.err" >&2
if [ -n "$from_slot" ] && has_removed; then
  drop_slot
  log_gap "the server recycled log that its slot $SLOT starts with: the archive starts over, with a new slot"
elif has_removed || is_elsewhere; then
  log_gap 'the server cannot continue where the spool ends: the archive starts over'
  begin_anew
fi
[ "$rc" = 0 ] || die "receiving the log ended: $(last_words "$SCRATCH/receive.err" "$rc")"
