#!/bin/sh
# Encrypts the recovery points of a series, of its safety backups and of its archived log anew, where they are encrypted to others
# than the repository's recipients of today. What is current is skipped, so a run that was stopped is simply repeated.
#
# usage: reencrypt.sh [SERIES]   all three, or one of them
#
# environment: lib.sh's
# Between two recovery points the series is open for a backup that waits.
set -eu
if [ $# = 0 ]; then
  own=$SERIES
  first=0
  for each in "$own" "$own-safety" "$own-log"; do
    part=$SCRATCH/reencrypt/$each
    mkdir -p "$part/outcome"
    rc=0
    SERIES=$each SCRATCH=$part sh "$0" "$each" || rc=$?
    if [ "$rc" != 0 ] && [ "$first" = 0 ]; then
      first=$rc
      cp "$part/outcome/reason" "$SCRATCH/outcome/reason" 2>/dev/null || :
    fi
    rm -rf "$part"
  done
  exit "$first"
fi
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"
# shellcheck source=lib/repositories/files/reencrypt.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/reencrypt.sh"

list_all_points
renewed=0 current=0 plain=0 failed=0
while read -r POINT _; do
  repository_open write || die "$(repository_reason)"
  # Pruned meanwhile, perhaps.
  if repository_list | grep -q "^$POINT "; then
    state=$(repository_encryption_of "$POINT") || state=unknown
    repository_clear_unlisted "$POINT"
    case $state in
      current) current=$((current + 1)) ;;
      plain) plain=$((plain + 1)) ;;
      *)
        if [ "$state" = other ] && repository_reencrypt "$POINT" </dev/null; then
          log "encrypted anew: $POINT"
          renewed=$((renewed + 1))
        else
          failed=$((failed + 1))
          [ "$failed" != 1 ] || repository_reason >"$SCRATCH/first.reason"
          log "ERROR: $POINT: $(repository_reason)"
        fi
        ;;
    esac
  fi
  # Gives the lock back.
  exec 9>&-
done <"$SCRATCH/points.all"
log "series $SERIES: $renewed recovery points re-encrypted, $current were current already"
[ "$plain" = 0 ] || log "WARNING: series $SERIES: $plain recovery points are not encrypted at all, and stay unencrypted until they are pruned"
[ "$failed" = 0 ] || die "$failed of $((renewed + current + plain + failed)) recovery points of series $SERIES could not be re-encrypted, and are unchanged; the first: $(cat "$SCRATCH/first.reason")"
