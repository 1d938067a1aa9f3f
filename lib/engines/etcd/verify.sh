#!/bin/sh
# The recovery point is up already, in a scratch server beside this container: what it holds is compared with the manifest.
set -eu
# shellcheck source=lib/engines/etcd/etcd.sh
. "$BACKUP_HOME/engine/etcd.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

wait_for_scratch_server
# From the first step to a healthy server.
outcome restoreSeconds "$(($(date +%s) - $(stat -c %Y "$SCRATCH/prepared")))"
note_facts "$(sed -n 's/^"revision":\([0-9]*\)$/\1/p' "$SCRATCH/facts.expected")"
compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"

# The number of keys that begin with a prefix.
ask() { # DATABASE: has no meaning here
  ask_prefix=$(sed 's/;$//' | tr -d '\n')
  ask_key=$(printf %s "$ask_prefix" | base64 | tr -d '\n')
  # The first key that no longer has the prefix: its last byte, plus one.
  ask_last=$(printf %s "$ask_prefix" | tail -c 1 | od -An -tu1 | tr -d ' ')
  # shellcheck disable=SC2059 # an octal escape is a format
  ask_end=$({ printf %s "$ask_prefix" | head -c $(($(printf %s "$ask_prefix" | wc -c) - 1)); printf "\\$(printf %o $((ask_last + 1)))"; } | base64 | tr -d '\n')
  scratch /v3/kv/range "{\"key\":\"$ask_key\",\"range_end\":\"$ask_end\",\"count_only\":true}" >"$SCRATCH/ask" || { error_in "$SCRATCH/ask" >&2; return 1; }
  number_in "$SCRATCH/ask" count
}
check_assertions ask
