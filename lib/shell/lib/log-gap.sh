# shellcheck shell=sh
# What an archived log lacks, until a backup makes up for it: whatever comes later leads on from no recovery point that was begun before.
# lib.sh is sourced before.
#
# $SPOOL/../gap holds a line for each reason, and $SPOOL/../gap-until, as in an id, when the archive held all that the server had written for
# the first time after it: or the newest recovery point of then, where a clock that was ahead has made that. $SPOOL/../gap-room is what a
# volume that is full gives for the note.

log_gap_room() {
  [ -s "$SPOOL/../gap-room" ] || [ -s "$SPOOL/../gap" ] || dd if=/dev/zero of="$SPOOL/../gap-room" bs=1024 count=8 2>/dev/null || :
}

log_gap() { # WORDS
  log "WARNING: $*; take a backup now"
  rm -f "$SPOOL/../gap-until"
  ! grep -qxF -e "$*" "$SPOOL/../gap" 2>/dev/null || return 0
  log_gap_note "$*" || { rm -f "$SPOOL/../gap-room" && log_gap_note "$*"; } ||
    # A volume that is full has to be stored from the more.
    log 'WARNING: this gap cannot be noted beside the spool, so the pod is reported ready in spite of it'
}
log_gap_note() { { printf '%s\n' "$1" >>"$SPOOL/../gap"; } 2>/dev/null; } # WORDS

# Whether there is one that no recovery point of the series makes up for.
log_lacks() {
  [ -s "$SPOOL/../gap" ] || return 1
  [ -s "$SPOOL/../gap-until" ] || return 0
  gap_newest=$(SERIES=${SERIES%-log} SCRATCH=$SCRATCH/base sh "$BACKUP_HOME/shell/newest-point.sh") || return 0
  awk -v newest="$gap_newest" '{ exit !(newest "" > $1 "") }' "$SPOOL/../gap-until" || return 0
  log "a backup has been made since, which makes up for the gap in the archived log ($(some_of "$SPOOL/../gap"))"
  rm -f "$SPOOL/../gap" "$SPOOL/../gap-until"
  return 1
}

# Notes that what was received until MOMENT is stored.
log_gap_ends() { # MOMENT
  [ -s "$SPOOL/../gap" ] || return 0
  [ ! -s "$SPOOL/../gap-until" ] || return 0
  gap_newest=$(SERIES=${SERIES%-log} SCRATCH=$SCRATCH/base sh "$BACKUP_HOME/shell/newest-point.sh") || return 0
  printf '%s\n%s\n' "$(printf %s "$1" | tr -d ':-')" "$gap_newest" | LC_ALL=C sort | tail -n 1 >"$SPOOL/../gap-until"
}
