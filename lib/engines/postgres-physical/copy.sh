# shellcheck shell=sh
# Bringing a base backup up: what a verification and a restore share. postgres.sh is sourced before.
#
#   UNTIL   how far the log is replayed: `latest`, `gap` (as far as it leads: to its end, or to where something of it is missing), `base` (no
#           further than the base backup itself needs), a time in UTC such as
#           2026-08-01T00:00:00Z, `lsn:0/30000A8`, or `name:<restore point>`; empty: the time of RECOVERY_POINT if it is one,
#           else latest
#   TIMELINE  the number of the timeline that is followed; empty: the newest that the archive knows

# shellcheck source=lib/engines/postgres-physical/server.sh
. "$BACKUP_HOME/engine/server.sh"
# shellcheck source=lib/engines/postgres-physical/timelines.sh
. "$BACKUP_HOME/engine/timelines.sh"

# Unpacks the recovery point's base backup, and compares every file with the manifest. An incremental one is put together with
# those that it builds on, which takes their size once more, beside DIRECTORY.
unpack_base() { # DIRECTORY
  manifest_field "$SCRATCH/manifest.json" needs | tr ' ' '\n' | grep . >"$SCRATCH/chain" || :
  if [ ! -s "$SCRATCH/chain" ]; then
    unpack "$1"
    facts_of_manifest "$1/backup_manifest"
  else
    LC_ALL=C sort "$SCRATCH/chain" >"$SCRATCH/chain.oldest-first"
    chain_head=$POINT parts=
    rm -rf "$1.parts"
    mkdir "$1.parts"
    while read -r POINT; do
      manifest_fetch "$POINT" || die "recovery point $POINT, which $chain_head builds on, cannot be read: $(repository_reason)"
      mkdir "$1.parts/$POINT"
      unpack "$1.parts/$POINT" </dev/null
      parts="$parts $1.parts/$POINT"
    done <"$SCRATCH/chain.oldest-first"
    POINT=$chain_head
    manifest_fetch "$POINT" || die "recovery point $POINT cannot be read: $(repository_reason)"
    mkdir "$1.parts/$POINT"
    unpack "$1.parts/$POINT"
    facts_of_manifest "$1.parts/$POINT/backup_manifest"
    # It makes the directory itself.
    rmdir "$1"
    # shellcheck disable=SC2086 # a list of paths without spaces
    attempt 'pg_combinebackup' pg_combinebackup --output="$1" $parts "$1.parts/$POINT" >&2
    rm -rf "$1.parts"
    attempt 'pg_verifybackup of the combined backup' pg_verifybackup --quiet "$1" >&2
    log "combined from $(wc -l <"$SCRATCH/chain" | tr -d ' ') recovery points and $POINT"
  fi
  compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
}

unpack() { # DIRECTORY
  chmod 700 "$1"
  rm -f "$SCRATCH/get.failed" "$SCRATCH/unpack.err"
  unpack_rc=0
  # Kept in memory: what it says may be that the volume is full.
  { unpack_said=$({ get base.tar || echo $? >"$SCRATCH/get.failed"; } 2>&3 | tar -xf - -C "$1" 2>&1) || unpack_rc=$?; } 3>&2
  [ "$unpack_rc" = 0 ] || rm -f "$SCRATCH/reserve"
  [ -z "$unpack_said" ] || printf '%s\n' "$unpack_said" | tee "$SCRATCH/unpack.err" >&2
  if [ -e "$SCRATCH/get.failed" ] && [ "$(cat "$SCRATCH/get.failed")" != 141 ]; then die "$(repository_reason)"; fi
  [ "$unpack_rc" = 0 ] || die "unpacking base.tar failed: $(last_words "$SCRATCH/unpack.err" "$unpack_rc")"
  # The manifest beside the tar is the one that was noted; the one within it could have changed together with the files.
  get backup_manifest >"$1/backup_manifest" || die "backup_manifest of $POINT: $(repository_reason)"
  attempt 'pg_verifybackup' pg_verifybackup --quiet "$1" >&2
}

# Decides how far to go, and looks whether there is a log to go on.
choose_target() {
  : "${TIMELINE:=}"
  if [ -z "$UNTIL" ]; then
    case ${RECOVERY_POINT:-} in ????-??-??T*Z) UNTIL=$RECOVERY_POINT ;; *) UNTIL=latest ;; esac
  fi
  get server >"$SCRATCH/server" || die "server of $POINT: $(repository_reason)"
  BATCHES=0
  [ "$UNTIL" = base ] || BATCHES=$(sh "$BACKUP_HOME/shell/read-log.sh" begin) || exit $?
  case $UNTIL in
    latest | gap | base) target= ;;
    lsn:*[!0-9A-Fa-f/]*) refuse "until is '$UNTIL': write an LSN such as lsn:0/30000A8" ;;
    lsn:?*/?*) target="recovery_target_lsn = '${UNTIL#lsn:}'" ;;
    name:*\'* | name:) refuse "until is '$UNTIL': write the name of a restore point such as name:before-release" ;;
    name:*) target="recovery_target_name = '${UNTIL#name:}'" ;;
    [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*Z) target="recovery_target_time = '${UNTIL%Z}+00'" ;;
    *) refuse "until is '$UNTIL': write latest, gap, base, a time in UTC such as 2026-08-01T00:00:00Z, lsn:<position> or name:<restore point>" ;;
  esac
  # The server would stop at the first commit after its base backup, and call that the moment.
  case $UNTIL in
    [0-9]*) ! is_after "$(manifest_field "$SCRATCH/manifest.json" finished)" "$UNTIL" ||
      refuse "recovery point $POINT ends after $UNTIL: set recoveryPoint to an older one, or to the time itself" ;;
  esac
  [ -z "$target" ] || [ "$BATCHES" -gt 0 ] || refuse "no log has been archived since recovery point $POINT, so nothing can be replayed up to $UNTIL. Set until to base; for later restores, call addLogArchive() on the backup"
  mkdir -p "$SCRATCH/wal"
  if [ "$BATCHES" -gt 0 ]; then
    # History files say which timelines there are, before the first segment is asked for; every batch holds all of its time.
    WAL_DIRECTORY=$SCRATCH/wal sh "$BACKUP_HOME/shell/read-log.sh" newest || exit $?
    find "$SCRATCH/wal" -type f ! -name '*.history' -exec rm -f {} +
    choose_timeline
  fi
}

# Starts a server on DIRECTORY. It replays the log as far as UNTIL says, and then takes writes, on a timeline of its own.
recover() { # DIRECTORY SETTINGS...
  recover_directory=$1
  shift
  rm -f "$recover_directory"/standby.signal "$SCRATCH/gap" "$SCRATCH/other-server" "$SCRATCH/delivered" "$SCRATCH/delivered.sums" "$SCRATCH"/committed.*
  : >"$recover_directory/recovery.signal"
  [ "$UNTIL" != base ] || set -- "$@" 'recovery_target = immediate'
  # Two servers that were promoted each by itself give one number to two timelines.
  for history in "$recover_directory"/pg_wal/????????.history; do
    { [ -e "$history" ] && [ -e "$SCRATCH/wal/${history##*/}" ]; } || continue
    [ "$(cat "$history")" = "$(cat "$SCRATCH/wal/${history##*/}")" ] ||
      refuse "timeline $((0x$(basename "$history" .history))) of the archived log is not the one of recovery point $POINT: two servers were promoted independently. Set until to base, or restore a recovery point of the other server. Then take a backup"
  done
  if [ "$BATCHES" = 0 ] || [ "$timeline" = "$base_timeline" ]; then
    set -- "$@" 'recovery_target_timeline = current'
  else
    set -- "$@" "recovery_target_timeline = '$timeline'"
  fi
  start_server "$recover_directory" "restore_command = 'sh $BACKUP_HOME/engine/fetch-wal.sh %f %p'" 'recovery_target_action = promote' "$target" "$@"
  # A gap is found when the server asks for what is missing; without a target it would be content with less than there is.
  # Where it has stopped at its target before, nothing is missing.
  if [ -s "$SCRATCH/gap" ] && ! { [ "$server_rc" = 0 ] && [ -n "$target" ] && grep -q 'recovery stopping' "$SCRATCH/server.log"; }; then
    if [ "$server_rc" != 0 ] || [ "$UNTIL" != gap ]; then
      [ "$server_rc" != 0 ] || stop_server
      die "$(cat "$SCRATCH/gap")"
    fi
    caveat "nothing that the server wrote later comes back: $(sed 's/\. A restore can go no further.*//' "$SCRATCH/gap")"
  fi
  if [ "$server_rc" != 0 ]; then
    if grep -q 'recovery ended before configured recovery target was reached' "$SCRATCH/server.log"; then
      refuse "the archived log ends before $UNTIL: $(sed -n 's/.*LOG:  *//p' "$SCRATCH/server.log" | grep 'last completed transaction' | tail -n 1). The archive has $(timelines_there). Choose an earlier time, another timeline, or set until to latest"
    fi
    if grep -q 'requested recovery stop point is before consistent recovery point' "$SCRATCH/server.log"; then
      refuse "recovery point $POINT ends after $UNTIL: set recoveryPoint to an older one, or to the time itself"
    fi
    die "the server did not recover: $(last_words "$SCRATCH/server.log" "$server_rc")"
  fi
  refuse_moment_beyond_fork
  # Where no target was set, all of the log has been asked for, unless something in it made the server stop.
  case $UNTIL in
    latest | gap)
      stopped=
      if [ "$BATCHES" = 0 ] || [ -s "$SCRATCH/gap" ]; then
        :
      elif not_asked=$(not_asked_for); then
        stopped="the server stopped replaying before the end of the archived log: $(sed -n 's/.*LOG:  *//p' "$SCRATCH/server.log" | grep -E 'invalid|incorrect|unexpected|mismatch|redo done' | tail -n 2 | tr '\n' ';'); $not_asked"
      elif [ -s "$SCRATCH/log/missing" ]; then
        stopped="the archived log has a gap: the repository lacks batch $(cat "$SCRATCH/log/missing"), and no later batch says what was in it"
      fi
      if [ -n "$stopped" ]; then
        if [ "$UNTIL" = latest ]; then
          stop_server
          die "$stopped. A restore can go no further (until: gap), or must start from a recovery point after it"
        fi
        caveat "nothing that the server wrote later comes back: $stopped"
      fi
      ;;
  esac
  log_recovery
  [ ! -e "$SCRATCH/other-server" ] ||
    caveat "the archived log also holds the log of another server, with another system identifier, to which recovery point $POINT does not lead: nothing that it wrote is restored"
  ask_server "$(server_fact superuser)"
}

# Names what the server could have gone on with.
not_asked_for() {
  if [ -s "$SCRATCH/log/batches" ]; then
    echo "batches from $(head -n 1 "$SCRATCH/log/batches") on were not needed"
    return 0
  fi
  # What is before the end of the base backup need not be asked for.
  reached=$(cut -c 9-24 "$SCRATCH/delivered" 2>/dev/null) || reached=
  base_segment=$(segment_of "$base_end")
  if [ -z "$reached" ] || not_before "$base_segment" "$reached"; then reached=$base_segment; fi
  for file in "$SCRATCH"/wal/????????????????????????*; do
    [ -e "$file" ] || continue
    file=${file##*/}
    not_before "$reached" "$(printf %s "$file" | cut -c 9-24)" || { echo "segment ${file%.partial} was not needed"; return 0; }
  done
  return 1
}
