# shellcheck shell=sh
# Replaying the archived binary log over a recovery point, in the server in this pod. physical.sh is sourced before.
#
#   UNTIL   how far: `latest`, `gap` (as far as the log leads: to its end, or to where something of it is missing), `base` (not at all), a time in UTC such as 2026-08-01T00:00:00Z, or `binlog:<file>:<position>`;
#           empty: the time of RECOVERY_POINT if it is one, else latest
#   TIMELINE  the history of the log that is replayed, as the archive calls it; empty: the newest, which has to be the recovery point's
#
# A time is looked up in the log, whose events tell the second in which their statement began; of a transaction of several
# statements that is its COMMIT. The replay ends before the first event of that second or a later one.
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"

LOG_DIRECTORY=$SCRATCH/binlog
export LOG_DIRECTORY

# Decides how far to go, before anything is unpacked.
choose_target() {
  # Without a log there is but one way to go.
  [ "$HAS_LOG" = yes ] || UNTIL=base
  if [ -z "${UNTIL:-}" ]; then
    case ${RECOVERY_POINT:-} in ????-??-??T*Z) UNTIL=$RECOVERY_POINT ;; *) UNTIL=latest ;; esac
  fi
  case $UNTIL in
    latest | gap | base) ;;
    binlog:?*.[0-9]*:[0-9]*) case ${UNTIL##*:} in *[!0-9]*) refuse "until is '$UNTIL': write a position such as binlog:binlog.000007:1234" ;; esac ;;
    [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z)
      ! is_after "$(manifest_field "$SCRATCH/manifest.json" finished)" "$UNTIL" ||
        refuse "recovery point $POINT ends after $UNTIL: set recoveryPoint to an older one, or to the time itself"
      # mariadb-binlog takes a time that it cannot count to, such as of the year 2999, for the beginning of time.
      ! is_after "$UNTIL" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" || refuse "until is '$UNTIL', which is still in the future: the archived log ends before it"
      ;;
    [0-9]*.[0-9]*Z) refuse "until is '$UNTIL': the binary log records whole seconds only; write a time without a fraction" ;;
    *) refuse "until is '$UNTIL': write latest, gap, base, a time in UTC such as 2026-08-01T00:00:00Z, or binlog:<file>:<position>" ;;
  esac
  BATCHES=0
  [ "$UNTIL" = base ] || BATCHES=$(sh "$BACKUP_HOME/shell/read-log.sh" begin) || exit $?
  case $UNTIL in latest | gap | base) ;; *) [ "$BATCHES" -gt 0 ] || refuse "no log has been archived since recovery point $POINT, so nothing can be replayed up to $UNTIL. Set until to base; for later restores, call addLogArchive() on the backup" ;; esac
  [ "$BATCHES" -gt 0 ] || return 0
  # The manifest that was read last is the newest batch's.
  newest_history=$(manifest_about "$SCRATCH/log/manifest.json" | sed -n 's/^"history":"\(.*\)"$/\1/p')
  manifest_members "$SCRATCH/manifest.json" | grep -q '^binlog	' || {
    case $UNTIL in latest | gap) ;; *) refuse "recovery point $POINT does not record a position in the binary log: no log can be replayed onto it" ;; esac
    caveat "nothing of the archived log is replayed: recovery point $POINT does not record a position in the binary log. The account of the backup needs REPLICATION SLAVE"
    BATCHES=0
    return 0
  }
  say_log_settings
  fetch binlog "$SCRATCH/position"
  read -r start_file start_position start_birth <"$SCRATCH/position"
  case $UNTIL in
    binlog:*)
      stop_file=${UNTIL#binlog:} stop_position=${UNTIL##*:}
      stop_file=${stop_file%:*}
      [ "${stop_file%.*}" = "${start_file%.*}" ] || refuse "until is '$UNTIL': the server's binary logs are called ${start_file%.*}.<number>"
      if [ "$(number "$stop_file")" -lt "$(number "$start_file")" ] || { [ "$stop_file" = "$start_file" ] && [ "$stop_position" -lt "$start_position" ]; }; then
        refuse "recovery point $POINT ends after $UNTIL, at $start_file:$start_position: set recoveryPoint to an older one"
      fi
      ;;
  esac
}

# What the archive has, in words. The name of a history tells when its oldest file was begun, by which server, and when the archive
# began to receive it.
histories_there() {
  sh "$BACKUP_HOME/shell/read-log.sh" about histories >"$SCRATCH/spans" || exit $?
  awk -F '\t' '{ n = split($3, each, " "); for (i = 1; i <= n; i++) { split(each[i], span, ","); h = span[1]
      if (!(h in first)) { order[++count] = h; first[h] = span[2] }
      last[h] = span[3]; stored[h] = $2 } }
    END { for (i = 1; i <= count; i++) { h = order[i]; split(h, part, "-")
      printf "%s%s (server %s, from %s to %s, stored until %s)", (i > 1 ? "; " : ""), h, part[2], first[h], last[h], stored[h] } }' "$SCRATCH/spans"
}

# The positions of one history say nothing in another, though their files have the same names.
judge_history() {
  ours=$(basename "$folder_of_ours")
  [ -z "${TIMELINE:-}" ] || [ "$TIMELINE" = "$ours" ] ||
    refused "recovery point $POINT belongs to history $ours of the log, which does not lead to timeline '$TIMELINE'; the archive has: $(histories_there)"
  case $UNTIL in
    latest | binlog:*)
      [ -n "${TIMELINE:-}" ] || [ "$newest_history" = "$ours" ] ||
        refused "the archived log continues in another history, $newest_history, to which recovery point $POINT does not lead: the server has been restored or replaced, or its logs were reset. Take a backup now. To replay the log of this recovery point, set timeline to $ours. The archive has: $(histories_there)"
      ;;
    gap) [ "$newest_history" = "$ours" ] || printf '%s\n' "the archived log continues in another history, $newest_history, to which recovery point $POINT does not lead" >"$SCRATCH/replay.gap" ;;
  esac
}

# Words for why the replay cannot go on; the parent shell says them, unless the server's own refusal came first.
broken() { printf '%s\n' "$*" >"$SCRATCH/replay.broken"; exit 1; }
refused() { printf '%s\n' "$*" >"$SCRATCH/replay.refused"; exit 1; }
gap() {
  [ "$UNTIL" = gap ] || broken "the archived log has a gap: $*. A restore can go no further than the gap (until: gap), or must start from a recovery point after it"
  printf '%s\n' "the archived log has a gap: $*" >"$SCRATCH/replay.gap"
  : >"$SCRATCH/ended"
  exit 0
}

next_batch() {
  [ -s "$SCRATCH/log/batches" ] || return 1
  sh "$BACKUP_HOME/shell/read-log.sh" next >&2 || {
    unreadable=$(cat "$SCRATCH/log/outcome/reason" 2>/dev/null) || :
    [ "$UNTIL" = gap ] || broken "the archived log could not be read: $unreadable"
    # As far as it leads is to what comes before that.
    : >"$SCRATCH/log/batches"
    rm -f "$SCRATCH/log/outcome/reason"
    return 1
  }
  # What is of another history, or before the recovery point, takes no room.
  for folder in "$LOG_DIRECTORY"/*/; do
    if [ -n "$folder_of_ours" ]; then
      [ "$folder" = "$folder_of_ours" ] || rm -rf "$folder"
    elif [ -n "$chosen_history" ] && [ "$(basename "$folder")" != "$chosen_history" ]; then
      rm -rf "$folder"
    elif [ -e "$folder$file" ] && [ "$(birth "$folder$file")" = "$start_birth" ]; then
      folder_of_ours=$folder
    fi
  done
}
later_file() { in_order "$folder_of_ours" | awk -v n="$1" '{ f = $0; sub(/.*\./, "", f); if (f + 0 > n) { print; exit } }'; } # NUMBER

# An event tells its session's own time: one that has set it to the future (SET timestamp) ends a replay long before the moment
# that was meant. Transactions that took long are late in the log, too; a minute is for them.
judge_times() { # POSITION where the replay ends
  before=$(date -u -d "@$(($(date -u -d "$(printf %s "${UNTIL%Z}" | tr T ' ')" +%s) - 60))" '+%y%m%d %H:%M:%S')
  mariadb-binlog --local-load="$SCRATCH/load" --start-position="$1" "$folder_of_ours$file" 2>/dev/null | LC_ALL=C grep -aE '^# at [0-9]+$|^#[0-9]{6} .*	GTID ' |
    awk -v begin="$1" -v before="$before" '
      /^# at / { at = $3; next }
      at >= begin { time = substr($1, 2) " " (length($2) < 8 ? "0" : "") $2 }
      at >= begin && time "" < before "" { if (!count++) first = at; last = at }
      END { if (count) print count, first, last }' >"$SCRATCH/later"
  [ -s "$SCRATCH/later" ] || return 0
  read -r later_count later_first later_last <"$SCRATCH/later"
  caveat "the replay ended before $file:$1, the first event dated $UNTIL or later. But $later_count transactions after it in that file are dated more than a minute earlier (from $file:$later_first to $file:$later_last): a session had set its own time, the clock was set, or they took long. They are not restored; to include them, name the end by its position (until: binlog:$file:<position>)"
}

# A statement can fail and have had an effect, as DROP TABLE of two tables of which one is not there, or an INSERT of several rows into a
# table without transactions. The log holds it with the error, which it has to meet here again. Where it was interrupted half way, as by KILL,
# it does not, and has done more here than it did there.
note_failed() { # RANGE...
  mariadb-binlog --local-load="$SCRATCH/load" "$@" "$folder_of_ours$file" 2>/dev/null | LC_ALL=C grep -aE '^# at [0-9]+$|^#[0-9]{6} .*	error_code=[1-9]' |
    awk -v file="$file" '/^# at / { at = $3; next } { sub(/.*\terror_code=/, ""); print $1 + 0, file ":" at }' >>"$SCRATCH/failed.noted"
}
# Reads what the client says of statements that fail, and prints the first error that the log does not note.
judge_failed() {
  LC_ALL=C awk -v noted="$SCRATCH/failed.noted" '
    # Of a file its errors are noted before it is replayed.
    function next_noted(  i) {
      close(noted)
      for (i = 0; i <= met; i++) if ((getline line <noted) < 1) return 0
      split(line, of, " ")
      return 1
    }
    !match($0, /^ERROR [0-9]+ \([0-9A-Z]+\)( at line [0-9]+)?/) { next }
    {
      error = substr($0, RSTART, RLENGTH)
      split(error, word, " ")
      noted_one = next_noted()
      if (noted_one && word[2] == of[1]) { met++; next }
      # Of tables and sequences that were not there to be dropped the log does not note the error.
      if (word[2] == 1051 || word[2] == 4091) next
      print error (noted_one ? ", and not the error " of[1] " that it records at " of[2] : "")
      wrong = 1
      exit
    }
    END { if (!wrong && next_noted()) print "no error where the log records error " of[1] ", at " of[2] ": the statement was interrupted half way there, and has done more here. A restore can go no further than the point before it (until: binlog:" of[2] "), or must start from a recovery point after it" }'
  # What comes after it is read away, or the client would find nobody listening.
  cat >/dev/null
}

# Prints the statements of one file from POSITION on, as far as UNTIL says.
play() { # POSITION
  [ ! -s "$SCRATCH/replay.err" ] || exit 1
  set -- --start-position="$1"
  # A file that is whole has its server's word for it; the newest one ends where the archive was last told to store.
  size=$(wc -c <"$folder_of_ours$file")
  case $UNTIL in
    binlog:*)
      if [ "$file" = "$stop_file" ]; then
        [ "$size" -ge "$stop_position" ] || { echo "$file:$size" >"$SCRATCH/replayed"; return 0; }
        set -- "$@" --stop-position="$stop_position"
        size=$stop_position
        : >"$SCRATCH/reached"
      fi
      ;;
    [0-9]*)
      first=$(printf %s "${UNTIL%Z}" | tr T ' ')
      # The event that describes the format is always printed, before those that were asked for.
      first=$(mariadb-binlog "$@" --start-datetime="$first" "$folder_of_ours$file" 2>/dev/null | sed -n '/^# at \([0-9]*\)$/{ s//\1/; p; }' | sed -n '2{ p; q; }')
      if [ -n "$first" ]; then
        judge_times "$first"
        set -- "$@" --stop-position="$first"
        size=$first
        : >"$SCRATCH/reached"
      fi
      ;;
  esac
  note_failed "$@"
  mariadb-binlog --verify-binlog-checksum --local-load="$SCRATCH/load" "$@" "$folder_of_ours$file" 2>"$SCRATCH/play.err" || {
    # The last event of what is not complete may have been stored in part.
    torn=$(sed -n 's/.*Could not read entry at offset \([0-9]*\):.*/\1/p' "$SCRATCH/play.err" | tail -n 1)
    if [ -n "$torn" ] && [ ! -e "$folder_of_ours$file.end" ] && [ $((torn + $(od -A n -t u1 -j $((torn + 9)) -N 4 "$folder_of_ours$file" | awk '{ print $1 + 256 * ($2 + 256 * ($3 + 256 * $4)) }'))) -gt "$size" ]; then
      size=$torn
    else
      broken "$file cannot be replayed: $(last_words "$SCRATCH/play.err" 1)"
    fi
  }
  echo "$file:$size" >"$SCRATCH/replayed"
}

# Notes what is missing in the middle of a file though it seems to follow on each other. What mariadb-binlog prints of each event is where it
# begins and where it ends; a statement may hold lines that look like that, so the events themselves are asked where it does not fit.
find_displaced() { # POSITION
  [ ! -s "$folder_of_ours$file.gap" ] || return 0
  mariadb-binlog --verify-binlog-checksum --base64-output=decode-rows --local-load="$SCRATCH/load" --start-position="$1" "$folder_of_ours$file" 2>"$SCRATCH/displaced.err" |
    LC_ALL=C grep -aE '^# at [0-9]+$|^#[0-9]{6} .* end_log_pos [0-9]+' |
    awk -v size="$(wc -c <"$folder_of_ours$file")" '
      # Beginnings of some events are printed before what these say.
      function has_begun(place,  i) { for (i = 0; i < 16; i++) if (began[i] == place) return 1; return 0 }
      /^# at / { if (next_one != "" && next_one != $3) odd = 1; next_one = ""; began[n++ % 16] = $3; next }
      /\tStart: binlog/ { next }
      {
        sub(/.* end_log_pos /, "")
        sub(/[^0-9].*/, "")
        if ($0 == 0 || has_begun($0)) next
        if (next_one != "" || $0 + 0 > size + 0) odd = 1
        next_one = $0
      }
      END { if (odd) print "yes" }' >"$SCRATCH/displaced"
  displaced_torn=$(sed -n 's/.*Could not read entry at offset \([0-9]*\):.*/\1/p' "$SCRATCH/displaced.err" | tail -n 1)
  # That reads a gigabyte in ten minutes.
  if [ -s "$SCRATCH/displaced" ]; then displaced_from=$1; else displaced_from=$displaced_torn; fi
  [ -n "$displaced_from" ] || return 0
  first_displaced "$folder_of_ours$file" "$displaced_from" >"$SCRATCH/displaced"
  [ -s "$SCRATCH/displaced" ] || return 0
  displaced_at=$(cat "$SCRATCH/displaced")
  # What was written in part before that has taken the beginning of what comes after it.
  [ -z "$displaced_torn" ] || [ "$displaced_torn" -ge "$displaced_at" ] || displaced_at=$displaced_torn
  echo "bytes $displaced_at to later ones, as after a full volume" >"$folder_of_ours$file.gap"
}

# The end of the log is where its last batch is: that the one before it is not there nothing else tells.
judge_end() {
  [ -z "$unreadable" ] || gap "what comes after $file cannot be read: $unreadable"
  case $UNTIL in latest | gap) ;; *) return 0 ;; esac
  [ -s "$LOG_DIRECTORY.written" ] || return 0
  read -r written_history written_to <"$LOG_DIRECTORY.written"
  [ "$written_history" = "$(basename "$folder_of_ours")" ] || return 0
  replayed=$(cat "$SCRATCH/replayed")
  [ "$(number "${written_to%:*}")" -ge "$(number "${replayed%:*}")" ] || return 0
  if [ "${written_to%:*}" = "${replayed%:*}" ] && [ "${written_to##*:}" -le "${replayed##*:}" ]; then return 0; fi
  gap "it ends at $replayed, although the server had written up to $written_to when it was stored"
}

# Of what follows on missing bytes nothing is replayed.
cut_at_gap() {
  [ ! -s "$folder_of_ours$file.gap" ] || truncate -s "$(sed 's/bytes \([0-9]*\) .*/\1/' "$folder_of_ours$file.gap")" "$folder_of_ours$file"
  rm -f "$folder_of_ours$file.end"
}

# An archive that has lost what it had received receives it again, as another history, as far back as the server still has its log.
choose_history() {
  chosen_history=$TIMELINE
  [ -z "$chosen_history" ] || return 0
  sh "$BACKUP_HOME/shell/read-log.sh" about histories >"$SCRATCH/spans" || exit $?
  begins=$(cut -f 3 "$SCRATCH/spans" | tr ' ' '\n' | sed -n "s/^$newest_history,\([^:]*\):0,.*/\1/p" | head -n 1)
  [ -z "$begins" ] || [ "${begins%.*}" != "${start_file%.*}" ] || [ "$(number "$begins")" -gt "$(number "$start_file")" ] || chosen_history=$newest_history
}

statements() {
  folder_of_ours='' file=$start_file position=$start_position unreadable=''
  : "${TIMELINE:=}"
  choose_history
  while [ -z "$folder_of_ours" ]; do
    next_batch && continue
    # What is called the same there is another file.
    [ -z "$chosen_history" ] || {
      chosen_history=
      sh "$BACKUP_HOME/shell/read-log.sh" begin >/dev/null || exit $?
      continue
    }
    gap "it lacks $start_file, where the recovery point ends at position $start_position"
  done
  judge_history
  [ "$(cat "$folder_of_ours$file.from")" -le "$position" ] || gap "$file lacks bytes $position to $(cat "$folder_of_ours$file.from")"
  while :; do
    while [ ! -e "$folder_of_ours$file.end" ]; do next_batch || break; done
    find_displaced "$position"
    later=$(later_file "$(number "$file")")
    missing=
    if [ -s "$folder_of_ours$file.gap" ]; then
      missing="$file lacks $(cat "$folder_of_ours$file.gap")"
    elif [ ! -e "$folder_of_ours$file.end" ] && [ -n "$later" ]; then
      missing="the end of $file was never received, although $later is there"
    fi
    if [ -n "$missing" ]; then
      [ "$UNTIL" = gap ] || gap "$missing"
      cut_at_gap
      [ "$(wc -c <"$folder_of_ours$file")" -gt "$position" ] || gap "$missing"
    fi
    play "$position"
    [ -z "$missing" ] || gap "$missing"
    [ ! -e "$SCRATCH/reached" ] || return 0
    [ -e "$folder_of_ours$file.end" ] || { judge_end; return 0; }
    rm -f "$folder_of_ours$file"*
    next=${file%.*}.$(printf '%06d' $(($(number "$file") + 1)))
    while [ ! -e "$folder_of_ours$next" ] && next_batch; do :; done
    if [ ! -e "$folder_of_ours$next" ]; then
      later=$(later_file "$(number "$file")")
      [ -z "$later" ] || gap "$next is missing, although $later is there"
      judge_end
      return 0
    fi
    file=$next position=4
    [ "$(cat "$folder_of_ours$file.from")" = 0 ] || gap "the first $(cat "$folder_of_ours$file.from") bytes of $file are missing"
  done
}

# One session for all of it: what is temporary lives as long as its session.
replay() {
  [ "$BATCHES" -gt 0 ] || return 0
  rm -rf "$LOG_DIRECTORY" "$LOG_DIRECTORY.written" "$SCRATCH/load" "$SCRATCH/reached" "$SCRATCH/replay.broken" "$SCRATCH/replay.refused" "$SCRATCH/replay.gap" "$SCRATCH/replayed" "$SCRATCH/ended" "$SCRATCH/replay.rc"
  : >"$SCRATCH/failed.noted"
  mkdir "$LOG_DIRECTORY" "$SCRATCH/load"
  # It goes on after errors, and never with another session.
  { (statements && : >"$SCRATCH/ended") || :; } |
    { scratch_sql --binary-mode --force --skip-reconnect --max-allowed-packet=1G 2>&1 >/dev/null || echo $? >"$SCRATCH/replay.rc"; } |
    judge_failed >"$SCRATCH/replay.err"
  after=$(cat "$SCRATCH/replayed" 2>/dev/null || echo "$start_file:$start_position")
  case $(cat "$SCRATCH/replay.err") in
    '') [ ! -s "$SCRATCH/replay.rc" ] || die "the server refused a statement of its own log, after $after: $(client_words "$SCRATCH/replay.err" "$(cat "$SCRATCH/replay.rc")")" ;;
    no*) die "the replay differs from what the server did: $(cat "$SCRATCH/replay.err")" ;;
    *) die "the server refused a statement of its own log, after $after: $(cat "$SCRATCH/replay.err")" ;;
  esac
  [ ! -s "$SCRATCH/replay.refused" ] || refuse "$(cat "$SCRATCH/replay.refused")"
  [ ! -s "$SCRATCH/replay.broken" ] || die "$(cat "$SCRATCH/replay.broken")"
  [ -e "$SCRATCH/ended" ] || die 'reading the archived log stopped halfway'
  [ ! -s "$SCRATCH/replay.gap" ] || caveat "nothing that the server wrote later comes back: $(cat "$SCRATCH/replay.gap")"
  case $UNTIL in latest | gap) ;; *) [ -e "$SCRATCH/reached" ] || refuse "the archived log ends before $UNTIL, at $(cat "$SCRATCH/replayed"): choose an earlier time, or set until to latest. The archive has: $(histories_there)" ;; esac
  rm -rf "$LOG_DIRECTORY" "$SCRATCH/load"
  log "replayed $BATCHES batches of the log, from $start_file:$start_position to $(cat "$SCRATCH/replayed" 2>/dev/null || echo there)"
}
