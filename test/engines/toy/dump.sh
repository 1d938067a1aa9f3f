#!/bin/sh
# Stores what to restore, and notes what a restore must reproduce.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
attempt 'reading the lines' wget -q -O "$SCRATCH/lines" "$TOY_URL/lines"
put lines.txt cat "$SCRATCH/lines"
fact lines "$(wc -l <"$SCRATCH/lines" | tr -d ' ')"
