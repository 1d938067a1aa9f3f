#!/bin/sh
# Takes an old key of the repository away, with the repository opened by the one in force. Where it is gone, nothing is done.
#
# environment, beside lib.sh's:
#   REMOVED_KEY_PATH   the file with the old key
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/repositories/restic/keys.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/keys.sh"

[ -s "$REMOVED_KEY_PATH" ] || refuse "the old key is missing or empty: fill in the Secret that \`remove\` names"
repository_open read || die "$(repository_reason)"
own=$(repository_key_of "$RESTIC_PASSWORD_FILE") || die "$(repository_reason)"
old=$(repository_key_of "$REMOVED_KEY_PATH") && old_rc=0 || old_rc=$?
case $old_rc in
  0) ;;
  "$NO_SUCH_KEY")
    log 'the old key does not open this repository: it has been removed already, or was never a key of it'
    exit 0
    ;;
  *) die "$(repository_reason)" ;;
esac
[ "${old% *}" != "${own% *}" ] ||
  refuse "the old key is still in use: first give the repository the new password in code (after add-key), then run this job"
[ "${old#* }" -gt 1 ] || refuse 'it is the only key of the repository: without it, nobody could read the recovery points'
repository_remove_key "${old% *}" || die "the old key could not be removed: $(repository_reason)"
repository_key_of "$REMOVED_KEY_PATH" >/dev/null 2>&1 && old_rc=0 || old_rc=$?
case $old_rc in
  "$NO_SUCH_KEY") ;;
  0) die 'the old key was removed, but its password still opens the repository: another key has the same one. Run this job again' ;;
  *) die "the old key was removed, but it is not known whether its password opens another key: $(repository_reason). Run this job again" ;;
esac
left=$((${old#* } - 1))
log "removed key ${old% *}; $left $([ "$left" = 1 ] && echo is || echo are) left"
