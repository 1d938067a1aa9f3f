#!/bin/sh
# Hands the newest verified recovery point to whoever evaluates its lines.
#
# environment: lib.sh's
#   TO      where it is taken
#   TOKEN   the file with what opens it
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
open_point newest-verified
get lines.txt >"$SCRATCH/lines"
(: >>/repository/lines/mine) 2>/dev/null && die 'the repository can be written'
attempt 'handing it over' wget -q -O "$SCRATCH/answer" --header "Authorization: Bearer $(cat "$TOKEN")" --post-file "$SCRATCH/lines" "$TO/$POINT"
outcome bytes "$(wc -c <"$SCRATCH/lines" | tr -d ' ')"
