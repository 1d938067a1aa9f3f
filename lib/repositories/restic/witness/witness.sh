# shellcheck shell=sh disable=SC2034,SC2154 # restic_limit is repository.sh's
# How a witness looks at a restic repository: the ids of all snapshots, what is in those that are new, and the manifests that are wanted.
# look.sh of the witness says what each function has to leave. It takes no lock, and removes none.
#
# environment: repository.sh's, and WITNESS_READ_SECONDS, WITNESS_TIMEOUT and WITNESS_FUTURE as look.sh has them

# Snapshots that are asked for by one call, and that restic has in its memory at a time.
: "${WITNESS_AT_ONCE:=1000}"

repository_witness() { # REMEMBERED
  restic_limit="timeout $WITNESS_TIMEOUT"
  restic_run list snapshots --no-lock >"$SCRATCH/witness.ids" || return 1
  [ -e "$SCRATCH/snapshots" ] || : >"$SCRATCH/snapshots"
  witness_snapshots
  witness_points "$1"
  witness_manifests
}

# To $SCRATCH/snapshots, one line for each that is there: ID SERIES POINT NAME MEMBERS TIME; of one that is somebody else's, its id alone.
witness_snapshots() {
  awk 'FILENAME == ARGV[1] { there[$1]; next } $1 in there' "$SCRATCH/witness.ids" "$SCRATCH/snapshots" >"$SCRATCH/snapshots.kept"
  awk 'FILENAME == ARGV[1] { known[$1]; next } !($1 in known)' "$SCRATCH/snapshots.kept" "$SCRATCH/witness.ids" >"$SCRATCH/snapshots.new"
  mv "$SCRATCH/snapshots.kept" "$SCRATCH/snapshots"
  witness_new=$(wc -l <"$SCRATCH/snapshots.new")
  witness_at=1
  while [ "$witness_at" -le "$witness_new" ]; do
    # shellcheck disable=SC2046 # ids are hexadecimal, one a word
    restic_run snapshots --json --no-lock $(sed -n "$witness_at,$((witness_at + WITNESS_AT_ONCE - 1))p" "$SCRATCH/snapshots.new") >"$SCRATCH/snapshots.json" || return 1
    tr '{' '\n' <"$SCRATCH/snapshots.json" >"$SCRATCH/snapshots.lines"
    # Whole or not at all: half a line would be of somebody else's snapshot, for as long as it is remembered.
    { cat "$SCRATCH/snapshots" && awk -f "$BACKUP_HOME/witness/manifest.awk" -f "$BACKUP_HOME/listing/snapshots.awk" "$SCRATCH/snapshots.lines"; } >"$SCRATCH/snapshots.kept"
    mv "$SCRATCH/snapshots.kept" "$SCRATCH/snapshots"
    witness_at=$((witness_at + WITNESS_AT_ONCE))
  done
  [ "$witness_new" != 0 ] || return 0
  # One that a prune has taken away meanwhile is not asked for again.
  awk 'FILENAME == ARGV[1] { known[$1]; next } !($1 in known)' "$SCRATCH/snapshots" "$SCRATCH/snapshots.new" >"$SCRATCH/snapshots.unread"
  [ -s "$SCRATCH/snapshots.unread" ] || return 0
  restic_run list snapshots --no-lock >"$SCRATCH/witness.ids" || return 1
  awk 'FILENAME == ARGV[1] { there[$1]; next } $1 in there { unreadable++ } END { print unreadable + 0 }' "$SCRATCH/witness.ids" "$SCRATCH/snapshots.unread" >"$SCRATCH/witness.unreadable"
}

# To $SCRATCH/witness.points, the newest of each series first: SERIES ID STAMP STATE SNAPSHOT, and what is remembered of it.
witness_points() { # REMEMBERED
  : >"$SCRATCH/witness.verified"
  awk -v verified="$SCRATCH/witness.verified" '
    NF < 6 { next }
    { point = $2 " " $3 }
    $4 == "manifest.json" { if (!(point in at) || $6 "" > at[point] "") { at[point] = $6; manifest[point] = $1; wanted[point] = $5 }; next }
    $4 == "verified.json" { if (!(point in noted) || $6 "" > noted[point] "") { noted[point] = $6; note[point] = $1 }; next }
    !((point, $4) in member) { member[point, $4]; members[point]++ }
    END {
      for (point in manifest)
        print point, substr(manifest[point], 1, 16) ":" members[point] + 0, (wanted[point] == "-" || members[point] + 0 >= wanted[point] ? "there" : "damaged"), manifest[point]
      for (point in note) {
        # What was verified was whole: somebody has taken its manifest away since.
        if (!(point in manifest)) print point, "-", "damaged", "-"
        else print point, note[point] >verified
      }
    }' "$SCRATCH/snapshots" >"$SCRATCH/witness.there"
  awk '{ print $1 }' "$SCRATCH/witness.there" | LC_ALL=C sort -u >"$SCRATCH/witness.series"
  awk 'FILENAME == ARGV[1] { if ($4 == "whole") known[$1 " " $2 " " $3] = $0; next }
    { key = $1 " " $2 " " $3; print $0 (key in known ? " " known[key] : "") }' "$1" "$SCRATCH/witness.there" >"$SCRATCH/witness.known"
  LC_ALL=C sort -k 1,1 -k 2,2r "$SCRATCH/witness.known" >"$SCRATCH/witness.points"
}

# Of each series, manifests are read until one is whole. All others are there as surely as restic says so; they are read as time allows.
witness_manifests() {
  witness_until=$(($(date +%s) + WITNESS_READ_SECONDS))
  # Snapshots are listed where their data are gone: of one series after the other the newest manifest is read again, from the store's packs.
  witness_turn=$(($(cat "$SCRATCH/witness.turn" 2>/dev/null || echo 0) + 1))
  echo "$witness_turn" >"$SCRATCH/witness.turn"
  witness_all=$(wc -l <"$SCRATCH/witness.series")
  witness_again=$([ "$witness_all" -eq 0 ] || sed -n "$((witness_turn % witness_all + 1))p" "$SCRATCH/witness.series")
  witness_series=
  : >"$SCRATCH/witness.records"
  while read -r series id stamp state snapshot known <&7; do
    if [ "$series" != "$witness_series" ]; then
      witness_series=$series witness_whole=no
      [ "$series" != "$witness_again" ] || known=
    fi
    if [ "$state" = there ] && [ -z "$known" ]; then
      if [ "$witness_whole" = yes ] && [ "$(date +%s)" -ge "$witness_until" ]; then witness_until=0; fi
      if [ "$witness_whole" = yes ] && [ "$witness_until" = 0 ]; then
        known="$series $id $stamp unread - - - - -"
      else
        witness_read "$series" "$id" "$stamp" "$snapshot" || return 1
        [ -n "$known" ] || continue
      fi
    fi
    [ -n "$known" ] || known="$series $id $stamp damaged - - - - -"
    case $known in *' whole '*) ! witness_is_past "$id" || witness_whole=yes ;; esac
    printf '%s\n' "$known" >>"$SCRATCH/witness.records"
  done 7<"$SCRATCH/witness.points"
}

witness_is_past() { # ID; no process for each of many
  case $witness_whole in yes) return 0 ;; esac
  [ "$(printf '%s\n%s\n' "${1%-*}" "$WITNESS_FUTURE" | LC_ALL=C sort | head -n 1)" = "${1%-*}" ]
}

# Leaves in $known what there is to remember; nothing when it was pruned meanwhile.
witness_read() { # SERIES ID STAMP SNAPSHOT
  # Twice: a read that is refused once is no damage.
  if restic_run dump --no-lock "$4" "/$1@$2@manifest.json" >"$SCRATCH/witness.manifest" </dev/null ||
    restic_run dump --no-lock "$4" "/$1@$2@manifest.json" >"$SCRATCH/witness.manifest" </dev/null; then
    known=$(awk -v path="$SCRATCH/witness.manifest" -v series="$1" -v id="$2" -v stamp="$3" -f "$BACKUP_HOME/witness/manifest.awk" -f "$BACKUP_HOME/listing/one.awk" </dev/null)
    return
  fi
  # Either nothing can be read, or not this.
  restic_run list snapshots --no-lock >"$SCRATCH/witness.again" || return 1
  known=
  ! grep -qxF -e "$4" "$SCRATCH/witness.again" || known="$1 $2 $3 damaged - - - - -"
}

repository_witness_note() { # SERIES ID
  note_snapshot=$(awk -v series="$1" -v id="$2" '$1 == series && $2 == id { print $3 }' "$SCRATCH/witness.verified")
  restic_run dump --no-lock "$note_snapshot" "/$1@$2@verified.json"
}
