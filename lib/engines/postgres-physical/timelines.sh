# shellcheck shell=sh
# The timelines of an archived log, and which of them a replay follows. postgres.sh is sourced before.
#
#   TIMELINE   the number of the timeline to follow; empty: the newest that the archive knows
#
# SEGMENT_BYTES is the size of a file of the log. $SCRATCH/wal holds the history files, each of which says where every ancestor of its timeline was left.
# Positions and segments are 16 hexadecimal digits here, which sort as what they mean.

position() { printf '%08X%08X' "0x${1%/*}" "0x${1#*/}"; } # LSN
lsn() { printf '%X/%X' "0x$(printf %s "$1" | cut -c 1-8)" "0x$(printf %s "$1" | cut -c 9-16)"; } # POSITION
segment_of() { # POSITION, as the last 16 digits of its file's name
  printf '%s%08X' "$(printf %s "$1" | cut -c 1-8)" "$((0x$(printf %s "$1" | cut -c 9-16) / SEGMENT_BYTES))"
}
not_before() { [ "$1" = "$2" ] || [ "$(printf '%s\n%s\n' "$1" "$2" | LC_ALL=C sort | tail -n 1)" = "$1" ]; } # POSITION POSITION
history_file() { printf '%s/wal/%08X.history' "$SCRATCH" "$1"; } # TIMELINE

# Writes a timeline and its ancestors, the newest first: TIMELINE TAB where it begins TAB the segment of that.
path_to() { # TIMELINE
  path_begin=0000000000000000
  {
    if [ -e "$(history_file "$1")" ]; then
      sed -n 's/^[[:space:]]*\([0-9][0-9]*\)[[:space:]][[:space:]]*\([0-9A-F]*\/[0-9A-F]*\).*/\1 \2/p' "$(history_file "$1")" >"$SCRATCH/ancestors"
      while read -r path_timeline path_end; do
        printf '%s\t%s\t%s\n' "$path_timeline" "$path_begin" "$(segment_of "$path_begin")"
        path_begin=$(position "$path_end")
      done <"$SCRATCH/ancestors"
    fi
    printf '%s\t%s\t%s\n' "$1" "$path_begin" "$(segment_of "$path_begin")"
  } | sed '1!G;h;$!d'
}

# Where a timeline of $SCRATCH/path is left for the next one; empty for the newest.
left_at() { awk -F '\t' -v timeline="$1" '$1 == timeline { print end } { end = $2 }' "$SCRATCH/path"; } # TIMELINE

# Whether the path goes on from the recovery point.
leads_on() {
  grep -q "^$base_timeline	" "$SCRATCH/path" || return 1
  leads_left=$(left_at "$base_timeline")
  [ -z "$leads_left" ] || not_before "$leads_left" "$base_end"
}

# What the archive has, in words: timelines, where they were left, and what is stored of them.
timelines_there() {
  sh "$BACKUP_HOME/shell/read-log.sh" about timelines >"$SCRATCH/spans" || exit $?
  awk -F '\t' '{ n = split($3, each, " "); for (i = 1; i <= n; i++) { split(each[i], span, ":"); t = span[1]
      if (!(t in first)) { order[++count] = t; first[t] = span[2] }
      if (span[3] "" > last[t] "") last[t] = span[3]
      stored[t] = $2 } }
    END { for (i = 1; i <= count; i++) { t = order[i]; print t "\t" first[t] "\t" last[t] "\t" stored[t] } }' "$SCRATCH/spans" | LC_ALL=C sort -n >"$SCRATCH/spans.each"
  while IFS='	' read -r there_timeline there_first there_last there_stored; do
    there_from=
    if [ -e "$(history_file "$there_timeline")" ]; then
      path_to "$there_timeline" >"$SCRATCH/path.there"
      there_from=", which left timeline $(sed -n '2s/	.*//p' "$SCRATCH/path.there") at $(lsn "$(sed -n '1s/^[^	]*	\([^	]*\)	.*/\1/p' "$SCRATCH/path.there")")"
    fi
    printf 'timeline %s%s: segments %s to %s, the newest stored at %s; ' "$there_timeline" "$there_from" "$there_first" "$there_last" "$there_stored"
  done <"$SCRATCH/spans.each" | sed 's/; $//'
}

# Decides which timeline is followed, and leaves the way there in $SCRATCH/path.
choose_timeline() {
  sed -n 's/^"wal":"timeline \([0-9]*\), from [0-9A-F\/]* to \([0-9A-F\/]*\)".*/\1 \2/p' "$SCRATCH/manifest.json" >"$SCRATCH/base.end"
  read -r base_timeline base_end <"$SCRATCH/base.end" || refuse "the manifest of $POINT does not give the log that its base backup needs"
  base_end=$(position "$base_end")
  SEGMENT_BYTES=$(server_fact segment)
  # The manifest that was read last is the newest batch's. A server of which the archive has seen others may be on an older timeline.
  newest=$(manifest_about "$SCRATCH/log/manifest.json" | sed -n 's/^"timeline":"\([0-9]*\)"$/\1/p')
  [ "${newest:-0}" -ge "$base_timeline" ] || newest=$base_timeline
  case $TIMELINE in
    *[!0-9]* | 0*) refuse "timeline is '$TIMELINE': write its number; the archive has $(timelines_there)" ;;
  esac
  timeline=${TIMELINE:-$newest}
  path_to "$timeline" >"$SCRATCH/path"
  leads_on ||
    refuse "recovery point $POINT, of timeline $base_timeline up to $(lsn "$base_end"), does not lead to timeline $timeline$([ -n "$TIMELINE" ] || echo ', the newest of the archived log'); the archive has $(timelines_there). Take a backup now; to restore this one, set timeline to one that it leads to"
  # On both sides of a fork there are positions of the same number.
  fork=$(left_at "$base_timeline")
  if [ -z "$TIMELINE" ] && [ -n "$fork" ]; then
    case $UNTIL in
      lsn:*) not_before "$fork" "$(position "${UNTIL#lsn:}")" || refuse_beyond_fork "$fork" ;;
    esac
  fi
}

refuse_beyond_fork() { # POSITION
  refuse "$UNTIL is beyond $(lsn "$1"), where the history forks: set timeline to the one that you want; the archive has $(timelines_there)"
}

# A moment after a timeline was left, and before the first commit of the next one: there the next one shows the state at the fork, and
# what was committed until then on the timeline that was left is another state.
refuse_moment_beyond_fork() {
  [ -z "$TIMELINE" ] || return 0
  case $UNTIL in [0-9]*) ;; *) return 0 ;; esac
  replayed=$(sed -n 's/.*redo done at \([0-9A-F]*\/[0-9A-F]*\).*/\1/p' "$SCRATCH/server.log" | tail -n 1)
  [ -n "$replayed" ] || return 0
  replayed=$(position "$replayed")
  while IFS='	' read -r crossed begin _; do
    { [ -s "$SCRATCH/committed.$crossed" ] && not_before "$replayed" "$begin"; } || continue
    if is_after "$(cat "$SCRATCH/committed.$crossed")" "$UNTIL"; then
      stop_server
      refuse_beyond_fork "$begin"
    fi
  done <"$SCRATCH/path"
}
