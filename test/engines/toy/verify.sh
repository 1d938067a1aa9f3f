#!/bin/sh
# Brings the recovery point up without the server, and checks it.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
get lines.txt >"$SCRATCH/lines" || die "$(repository_reason)"
fact lines "$(wc -l <"$SCRATCH/lines" | tr -d ' ')"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
