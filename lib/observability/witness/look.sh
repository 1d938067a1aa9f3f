#!/bin/sh
# Looks once at a repository, as a whole, and says what of it is worth knowing. It reads, and locks nothing.
#
# environment: lib.sh's and the repository's, and
#   WITNESS_REPOSITORY     see witness.sh
#   WITNESS_READ_SECONDS   for how long manifests may be read that nobody waits for, where each costs something
# The repository's kind has a script `witness.sh`, in $BACKUP_HOME/listing, with these functions:
#   repository_witness REMEMBERED   leaves in $SCRATCH
#     witness.series     the names of all series, one a line; also of those without recovery points
#     witness.records    a line for each recovery point, as manifest.awk's `record`. One of the state `unread` is there, and its manifest
#                        was not read yet; of the newest that is not of the future it has to be. REMEMBERED holds lines of earlier looks:
#                        one whose series, id and stamp are the same still holds
#     witness.verified   SERIES ID STAMP for each that was verified
#     witness.unreadable how many entries of the repository cannot be read
#   repository_witness_note SERIES ID   prints verified.json
# Either returns 1, and says why by `because`, when the repository does not answer.
set -eu
rm -rf "$SCRATCH/outcome"
mkdir -p "$SCRATCH/outcome"
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=/dev/null # the repository's kind is mounted here
. "$BACKUP_HOME/listing/witness.sh"

[ -e "$SCRATCH/records" ] || : >"$SCRATCH/records"
[ -e "$SCRATCH/notes" ] || : >"$SCRATCH/notes"
rm -f "$SCRATCH/repository.reason" "$SCRATCH/repository.hopeless"
echo 0 >"$SCRATCH/witness.unreadable"
WITNESS_FUTURE=$(future_begins)
export WITNESS_FUTURE
# Called by itself: after `||` the shell would go on within it where a step fails, and what is left out would not be missed.
failed() { [ "$1" = 0 ] || log "ERROR: the repository could not be listed: $(repository_reason)"; } # EXIT-CODE
trap 'failed $?' EXIT
repository_witness "$SCRATCH/records"
trap - EXIT
LC_ALL=C sort "$SCRATCH/witness.records" >"$SCRATCH/records.new"
mv "$SCRATCH/records.new" "$SCRATCH/records"

# Those that were verified and are whole, the newest of each series first, each with what is known of its note.
awk -v future="$WITNESS_FUTURE" '
  FILENAME == ARGV[1] { note[$1 " " $2 " " $3] = $4 " " $5; next }
  FILENAME == ARGV[2] { if ($4 == "whole" && substr($2, 1, 16) "" <= future "") whole[$1 " " $2]; next }
  ($1 " " $2) in whole { print $0, ($0 in note) ? note[$0] : "" }' \
  "$SCRATCH/notes" "$SCRATCH/records" "$SCRATCH/witness.verified" >"$SCRATCH/notes.known"
LC_ALL=C sort -k 1,1 -k 2,2r "$SCRATCH/notes.known" >"$SCRATCH/notes.wanted"
: >"$SCRATCH/notes.new"
noted=
while read -r series id stamp verified seconds <&6; do
  [ "$series" != "$noted" ] || continue
  if [ -z "$verified" ]; then
    repository_witness_note "$series" "$id" >"$SCRATCH/note.json" 2>"$SCRATCH/note.err" </dev/null || { cat "$SCRATCH/note.err" >&2; : >"$SCRATCH/note.json"; }
    verified=$(manifest_field "$SCRATCH/note.json" verified)
    seconds=$(manifest_field "$SCRATCH/note.json" restoreSeconds)
    case $seconds in '' | *[!0-9]*) seconds=- ;; esac
    if ! is_time "$verified" || [ "$(manifest_field "$SCRATCH/note.json" id)" != "$id" ] || [ "$(tail -n 1 "$SCRATCH/note.json")" != '}' ]; then
      log "WARNING: the note that recovery point $id of series $series was verified cannot be read: it counts as not verified"
      continue
    fi
  fi
  noted=$series
  printf '%s %s %s %s %s\n' "$series" "$id" "$stamp" "$verified" "$seconds" >>"$SCRATCH/notes.new"
done 6<"$SCRATCH/notes.wanted"
mv "$SCRATCH/notes.new" "$SCRATCH/notes"

awk -v future="$WITNESS_FUTURE" -v unreadable="$(cat "$SCRATCH/witness.unreadable")" -f "$BACKUP_HOME/witness/series.awk" \
  "$SCRATCH/witness.series" "$SCRATCH/records" "$SCRATCH/notes" >"$SCRATCH/look.samples"
LC_ALL=C sort "$SCRATCH/look.samples" >"$SCRATCH/look.sorted"
awk -f "$BACKUP_HOME/witness/exposition.awk" "$SCRATCH/look.sorted" >"$SCRATCH/look.prom"
# Not every program notices that there was no room for what it wrote.
[ "$(grep -vc '^#' "$SCRATCH/look.prom")" = "$(wc -l <"$SCRATCH/look.samples" | tr -d ' ')" ] || die 'the metrics could not be written completely: is the scratch volume full?'
