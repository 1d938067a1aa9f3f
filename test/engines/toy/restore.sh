#!/bin/sh
# Puts the recovery point back, unless that would overwrite something.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
attempt 'reading the lines' wget -q -O "$SCRATCH/present" "$TOY_URL/lines"
[ ! -s "$SCRATCH/present" ] || [ "$REPLACE" = yes ] || refuse 'the server holds lines already: set replace to yes'
get lines.txt >"$SCRATCH/lines" || die "$(repository_reason)"
attempt 'writing the lines' wget -q -O /dev/null --header "Authorization: Bearer $TOY_TOKEN" --post-file "$SCRATCH/lines" "$TOY_URL/lines"
fact lines "$(wget -q -O - "$TOY_URL/lines" | wc -l | tr -d ' ')"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
