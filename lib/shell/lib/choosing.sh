# shellcheck shell=sh
# Which recovery points there are, which of them is meant, and what of that the clocks make doubtful. lib.sh sources it.

# A directory that was copied or renamed by hand is none, and would be the newest or be counted.
is_id() { # NAME
  case $1 in
    [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-[a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9]) ;;
    *) return 1 ;;
  esac
}

# Recovery points, oldest first: all of them to $SCRATCH/points.all, those of the future to $SCRATCH/points.future, and all others to
# $SCRATCH/points. Whoever looks for the newest looks there: one that a wrong clock has made would be the newest until its day comes.
list_points() {
  list_all_points
  cut -d ' ' -f 1 "$SCRATCH/points.future" >"$SCRATCH/future"
  name_future "$SCRATCH/future"
}
name_future() { # FILE with ids
  [ ! -s "$1" ] ||
    remark "this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ), so these recovery points of series $SERIES are dated in the future: $(some_of "$1"). They are ignored, and restored only by their ids. Correct the clock that is wrong. If a clock that was ahead made them, remove them by hand before their date comes"
}
list_all_points() {
  judge_clock
  repository_list >"$SCRATCH/points.unsorted" || die "the recovery points of series $SERIES could not be listed: $(repository_reason)"
  LC_ALL=C sort "$SCRATCH/points.unsorted" >"$SCRATCH/points.all"
  tell_future "$SCRATCH/points.all" "$SCRATCH/points" "$SCRATCH/points.future"
}

# The time after which everything is of the future, as in an id.
future_begins() { date -u -d "@$(($(date +%s) + CLOCK_TOLERANCE))" +%Y%m%dT%H%M%SZ; }
tell_future() { # FILE PRESENT FUTURE
  awk -v begins="$(future_begins)" 'substr($1, 1, 16) "" <= begins ""' "$1" >"$2"
  awk -v begins="$(future_begins)" 'substr($1, 1, 16) "" > begins ""' "$1" >"$3"
}

some_of() { # FILE: its lines in one, not too many of them
  awk '{ if (NR < 21) printf "%s%s", (NR > 1 ? " " : ""), $0 } END { if (NR > 20) printf " and %d more", NR - 20 }' "$1"
}

# A pod of a CronJob is called after the minute for which its run was due, by the clock of the control plane
# (kubernetes pkg/controller/cronjob/utils.go, getJobName). Whoever publishes under a time that is over publishes what pruning removes.
judge_clock() {
  due=$(printf %s "${POD_NAME:-}" | sed -n 's/.*-\([0-9]\{8\}\)-\{0,1\}[a-z0-9]\{5\}$/\1/p')
  # What somebody has named after a day is no minute of these years.
  [ "${due:-0}" -gt 26300000 ] || return 0
  clock=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  ahead=$(($(date +%s) - due * 60))
  [ "$ahead" -ge "-$CLOCK_TOLERANCE" ] ||
    die "the clock of this node is behind: it says $clock, and this run was due for $(date -u -d "@$((due * 60))" +%Y-%m-%dT%H:%M:%SZ). Correct the clock; nothing was done"
  [ "$ahead" -le 604800 ] ||
    ahead_of "the clock of this node is ahead: it says $clock, and this run was due for $(date -u -d "@$((due * 60))" +%Y-%m-%dT%H:%M:%SZ). Correct the clock"
}
ahead_of() { # WORDS: data is rather saved under a wrong time than not; all else can wait for a right one
  case ${OPERATION:-} in
    backup | snapshot | restore) caveat "$1. A recovery point dated in the future is restored only by its id; nothing is pruned" ;;
    *) die "$1; nothing was done" ;;
  esac
  # shellcheck disable=SC2034 # retention.sh reads it
  CLOCK_IS_WRONG=yes
}

# Some that there are, the newest first, in words.
newest_points() {
  [ -s "$SCRATCH/points.all" ] || echo none
  tail -n 10 "$SCRATCH/points.all" | LC_ALL=C sort -r | tr '\n' ',' | sed -e 's/,$//' -e 's/,/, /g'
}

# Which recovery point: an id, `newest`, `newest-verified` (the newest verified one, else the newest), or a time such as
# 2026-08-01T00:00:00Z (the newest that was there by then).
choose_point() { # WANTED
  list_points
  # What was prepared for is what it is, though a newer one may have come since.
  [ ! -s "$SCRATCH/prepared" ] || set -- "$(cat "$SCRATCH/prepared")"
  case $1 in
    newest | newest-verified) ;;
    *) is_id "$1" || is_time "$1" ||
      refuse "recoveryPoint is '$1': write newest, newest-verified, an id such as 20260801T023000Z-x7k2p, or a time in UTC such as 2026-08-01T00:00:00Z; nothing was changed. Series $SERIES has: $(newest_points)" ;;
  esac
  [ -s "$SCRATCH/points.all" ] || refuse "series $SERIES has no recovery point in this repository"
  case $1 in
    [0-9]*[!Z]) ;;
    *) [ -s "$SCRATCH/points" ] || refuse "series $SERIES has only recovery points dated in the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ): correct the clock that is wrong, or name one by its id: $(some_of "$SCRATCH/future")" ;;
  esac
  case $1 in
    newest) POINT=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1) ;;
    newest-verified) choose_newest_verified ;;
    *T*Z) choose_point_at "$1" ;;
    *)
      POINT=$1
      cut -d ' ' -f 1 "$SCRATCH/points.all" | grep -qxF -e "$POINT" ||
        refuse "series $SERIES has no recovery point $POINT; it has: $(newest_points)"
      ;;
  esac
  export POINT
  outcome id "$POINT"
}

choose_newest_verified() {
  newest_point=$(tail -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)
  POINT=$(grep ' verified$' "$SCRATCH/points" | tail -n 1 | cut -d ' ' -f 1)
  if [ -z "$POINT" ]; then
    POINT=$newest_point
    remark "no recovery point of series $SERIES is verified: using the newest, $POINT, from $(age_in_words "$POINT") ago"
  elif [ "$POINT" != "$newest_point" ]; then
    remark "using the newest verified recovery point, $POINT, from $(age_in_words "$POINT") ago. The newest is $newest_point, from $(age_in_words "$newest_point") ago, and no verification has restored it. What was written in between is not restored"
  fi
}

seconds_of() { # ID: since 1970
  date -u -d "$(printf %s "$1" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z.*/\1-\2-\3 \4:\5:\6/')" +%s
}
age_of() { echo $(($(date +%s) - $(seconds_of "$1"))); } # ID
age_in_words() { in_words "$(age_of "$1")"; }            # ID
in_words() { # SECONDS
  if [ "$1" -lt 7200 ]; then echo "$(($1 / 60)) minutes"; elif [ "$1" -lt 172800 ]; then echo "$(($1 / 3600)) hours"; else echo "$(($1 / 86400)) days"; fi
}

# A dump shows the database as it was when the run began; a copy of files is consistent when the run has ended.
choose_point_at() { # TIME
  POINT=
  at=$(printf %s "${1%Z}" | tr -d :- | cut -d . -f 1)Z
  LC_ALL=C sort -r "$SCRATCH/points" >"$SCRATCH/points.newest-first"
  while read -r candidate _; do
    first_later=$(printf '%s\n%s\n' "${candidate%-*}" "$at" | LC_ALL=C sort | tail -n 1)
    [ "${candidate%-*}" = "$at" ] || [ "$first_later" = "$at" ] || continue
    if [ "$HAS_LOG" = yes ]; then
      manifest_fetch "$candidate" || die "recovery point $candidate cannot be read: $(repository_reason)"
      finished=$(manifest_field "$SCRATCH/manifest.json" finished)
      is_after "$finished" "$1" && continue
    fi
    POINT=$candidate
    break
  done <"$SCRATCH/points.newest-first"
  [ -n "$POINT" ] ||
    refuse "series $SERIES has no recovery point from $1 or before; the oldest is $(head -n 1 "$SCRATCH/points" | cut -d ' ' -f 1)"
  ! is_after "$1" "$(date -u -d "@$(($(date +%s) + CLOCK_TOLERANCE))" +%Y-%m-%dT%H:%M:%SZ)" ||
    remark "$1 is still in the future, as this node's clock says $(date -u +%Y-%m-%dT%H:%M:%SZ): using $POINT, from $(age_in_words "$POINT") ago"
}

# Whether it is a time in UTC such as 2026-08-01T00:00:00.5Z: 9:30 of a day would otherwise sort after its evening.
is_time() { # TEXT
  case ${1#????-??-??T??:??:??} in
    Z) ;;
    .*[!0-9]*Z | .Z) return 1 ;;
    .*Z) ;;
    *) return 1 ;;
  esac
  time_words=$(printf %.19s "$1" | tr T ' ')
  [ "$(date -u -d "$time_words" '+%Y-%m-%d %H:%M:%S' 2>/dev/null)" = "$time_words" ]
}

# Of two times such as 2026-08-01T00:00:00.5Z, whether the first is after the second.
is_after() { [ "$1" != "$2" ] && [ "$(printf '%s\n%s\n' "${1%Z}" "${2%Z}" | LC_ALL=C sort | tail -n 1)" = "${1%Z}" ]; }

# Opens the repository, chooses a recovery point, and leaves its manifest and its facts in $SCRATCH.
open_point() { # WANTED
  repository_open read || die "$(repository_reason)"
  choose_point "$1"
  manifest_fetch "$POINT" || die "recovery point $POINT cannot be read: $(repository_reason)"
  outcome bytes "$(manifest_field "$SCRATCH/manifest.json" bytes)"
  manifest_facts "$SCRATCH/manifest.json" >"$SCRATCH/facts.expected"
  : >"$SCRATCH/facts"
  # What it does not hold is nothing that a verification or a restore of it could be good about.
  manifest_caveats "$SCRATCH/manifest.json" >"$SCRATCH/caveats.of-point"
  while IFS= read -r open_caveat; do caveat "recovery point $POINT: $open_caveat"; done <"$SCRATCH/caveats.of-point"
}
