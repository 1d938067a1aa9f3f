#!/bin/sh
# Gives the repository a further key, and proves that the key opens it. Where it does already, nothing is done.
#
# environment, beside lib.sh's:
#   ADDED_KEY_PATH   the file with the new key
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/repositories/restic/keys.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/keys.sh"

[ -s "$ADDED_KEY_PATH" ] || refuse "the new key is missing or empty: fill in the Secret that \`add\` names"
repository_open read || die "$(repository_reason)"
if known=$(repository_key_of "$ADDED_KEY_PATH" 2>/dev/null); then
  log "the repository has this key already: ${known% *}"
else
  repository_add_key "$ADDED_KEY_PATH" || die "the key could not be added: $(repository_reason)"
fi
proof=$(repository_key_of "$ADDED_KEY_PATH") || die "the key was added, but does not open the repository: $(repository_reason)"
log "the new key ${proof% *} opens the repository, which now has ${proof#* } keys"
