#!/bin/sh
# Exit 0 when the spool holds what the server had written when this was called: $SCRATCH/written-to says as far as where, with the history.
# $SCRATCH/short names the files of which it holds a part only.
#
# environment, beside physical.sh's:
#   SPOOL              where log-follow.sh receives
#   ARCHIVE_PATIENCE   seconds to wait for that
set -eu
# shellcheck source=lib/engines/mysql-physical/physical.sh
. "$BACKUP_HOME/engine/physical.sh"
# shellcheck source=lib/engines/mysql-physical/log.sh
. "$BACKUP_HOME/engine/log.sh"

written() {
  sql 'show master status' >"$SCRATCH/written"
  read -r file position _ <"$SCRATCH/written"
}

# Another server, or this one after a new beginning, may have files of the same names.
same_file() {
  born=$(remote_birth "$file" 2>/dev/null) || born=
  rm -f "$SCRATCH/outcome/reason"
  [ "$(birth "$SPOOL/$history/$newest")" = "$born" ]
}

# Names files before the newest that are shorter than the server's, as a volume that was full leaves them: nobody comes back to these by
# himself.
short_ones() {
  : >"$SCRATCH/short"
  { [ -n "$newest" ] && sql 'show binary logs' >"$SCRATCH/logs"; } || return 0
  before=
  in_order "$SPOOL/$history" | while read -r each; do
    [ -z "$before" ] || [ -e "$SPOOL/$history/$before.cut" ] || whole "$SPOOL/$history/$before" "$SPOOL/$history/$each" "$SCRATCH/logs" || echo "$before"
    before=$each
  done >"$SCRATCH/short"
}
# Of the newest file something may be missing in the middle, too. What is there before that is the server's; where more of it is stored already, that
# has to be found different.
refuse_hole() { # OFFSET at which an event is to end
  ! event_ends_at "$SPOOL/$history/$newest" "$1" || return 0
  hole=$(first_displaced "$SPOOL/$history/$newest" 4)
  [ -n "$hole" ] || return 0
  hole_stored=0
  [ ! -e "$SPOOL/$history/stored" ] || hole_stored=$(stored_of "$SPOOL/$history" "$newest")
  [ "$hole_stored" -gt "$hole" ] || printf '%s\n' "$hole" >"$SPOOL/$history/$newest.hole"
  printf '%s\n' "$newest" >"$SCRATCH/short"
  : >"$SCRATCH/anew"
  echo "part of the received $newest is missing in the middle, as after a full volume: receiving it again" >&2
  exit 1
}
refuse_short() {
  short_ones
  [ -s "$SCRATCH/short" ] || return 0
  : >"$SCRATCH/anew"
  echo "files before the newest are incomplete, as after a full volume: receiving them again ($(some_of "$SCRATCH/short"))" >&2
  exit 1
}

rm -f "$SCRATCH/written-to"
written
size_before=
patient_until=$(($(date +%s) + ARCHIVE_PATIENCE))
while :; do
  history=$(cat "$SPOOL/current" 2>/dev/null || :)
  newest=
  [ -z "$history" ] || newest=$(in_order "$SPOOL/$history" | tail -n 1)
  size=0
  [ -z "$newest" ] || size=$(wc -c <"$SPOOL/$history/$newest")
  : "${size_before:=$newest $size}"
  if [ "$newest" = "$file" ] && [ "$size" -ge "$position" ] && same_file; then
    refuse_short
    refuse_hole "$position"
    printf '%s\n' "$history $file:$position" >"$SCRATCH/written-to"
    exit 0
  fi
  [ "$(date +%s)" -lt "$patient_until" ] || break
  sleep 0.5
  # The server has gone on to another file.
  [ "$newest" = "$file" ] || written
done
# Whoever receives from a server whose log is reset hears nothing of that, and goes on with its second file.
begun_anew() {
  [ "$size" -ge 13 ] || return 1
  if [ "$newest" = "$file" ]; then
    ! same_file && [ -n "$born" ]
  else
    [ "${newest%.*}" != "${file%.*}" ] || [ "$(number "$file")" -lt "$(number "$newest")" ]
  fi
}
if begun_anew; then
  : >"$SCRATCH/anew"
  echo 'the server has started a new binary log (RESET MASTER), and so does the archive' >&2
  exit 1
fi
refuse_short
# What still comes may end anywhere.
[ "$newest" != "$file" ] || [ "$size" -lt 256 ] || [ "$newest $size" != "$size_before" ] || refuse_hole "$size"
echo "the server is at $file:$position, and the received log ends at ${newest:-nothing}:$size" >&2
exit 1
