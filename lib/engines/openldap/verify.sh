#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, and checks it.
set -eu
# shellcheck source=lib/engines/openldap/openldap.sh
. "$BACKUP_HOME/engine/openldap.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

# A retried container finds what the last one left.
WORK=$SCRATCH/work
rm -rf "$WORK" "$SCRATCH/databases" "$SCRATCH/config"
mkdir "$WORK" "$SCRATCH/databases"
place() { printf '%s/databases/%s' "$SCRATCH" "$(printf %s "$1" | sha256sum | cut -c 1-12)"; }

restore_started=$(date +%s)
fetch_point
make_config "$SCRATCH/config"
load_point place
start_scratch_server
outcome restoreSeconds "$(($(date +%s) - restore_started))"
check_scratch_server
log "all entries are back: $(manifest_facts "$SCRATCH/manifest.json" | sed -n 's/^"entries\/\(.*\)":\([0-9]*\)$/\2 of \1/p' | tr '\n' ';')"

# How many entries below the base match a filter.
ask() { # BASE: a filter
  asked=$(sed 's/;$//' | tr -d '\n')
  # A filter that is none, and a base that is not there, match nothing: that is no answer.
  ask_scratch -b "$1" "$asked" 1.1 >"$SCRATCH/asked" || return 1
  sed -n '/^dn:/p' "$SCRATCH/asked" | wc -l | tr -d ' '
}
check_assertions ask
stop_scratch_server
