# shellcheck shell=sh
# What a bucket's versions are good for, by way of rclone, which knows them: reading the repository as it was, and locking anew.
#
# environment, beside repository.sh's:
#   VERSIONS_REMOTE    the repository as rclone names it; the remote is in rclone's own variables
#   REPOSITORY_AS_OF   a time such as 2026-08-01T00:00:00Z: read the repository as it was then; empty: as it is
#   LOCK_MODE, LOCK_DAYS                  the bucket's default retention
#   LOCK_RENEW_AFTER   seconds after which a version must be followed by a new one, whose lock begins anew

if [ -n "${REPOSITORY_AS_OF:-}" ]; then
  case $REPOSITORY_AS_OF in
    [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z) ;;
    *) refuse "asOf is $REPOSITORY_AS_OF: write a time such as 2026-08-01T00:00:00Z" ;;
  esac
  export RESTIC_REPOSITORY="rclone:$VERSIONS_REMOTE" RCLONE_CONFIG_BUCKET_VERSION_AT="$REPOSITORY_AS_OF"
  repository_name="$repository_name, as it was at $REPOSITORY_AS_OF"
  log "reading the restic repository at $repository_name"
fi

renewing() { # WORDS...: rclone, on the objects of the repository that are older than the given age, locks of runs left out
  by_proxy rclone "$@" --recursive --use-server-modtime --min-age "$renew_before" --exclude 'locks/**' "$VERSIONS_REMOTE/" 2>"$SCRATCH/rclone.err" && return 0
  cat "$SCRATCH/rclone.err" >&2
  because "rclone $1: $(last_words "$SCRATCH/rclone.err" 1)$(identity_advice "$SCRATCH/rclone.err")"
}

# A new time is a copy onto itself, within the store: a new version, with the lock that the bucket gives to all that is new.
# (rclone's documentation, "Amazon S3", Modification times; Amazon S3 user guide, "Object Lock considerations".)
repository_renew_locks() {
  renew_before=$(date -u -d "@$(($(date +%s) - LOCK_RENEW_AFTER))" +%Y-%m-%dT%H:%M:%SZ)
  renewing lsf --files-only >"$SCRATCH/renew.due" || return 1
  log "$(grep -c . "$SCRATCH/renew.due" || :) objects are older than $renew_before; renewing their locks for $LOCK_DAYS days ($LOCK_MODE)"
  [ -s "$SCRATCH/renew.due" ] || return 0
  renewing touch --no-create || return 1
  # rclone calls it a success when it found nothing to do.
  renewing lsf --files-only >"$SCRATCH/renew.left" || return 1
  [ ! -s "$SCRATCH/renew.left" ] ||
    because "$(grep -c . "$SCRATCH/renew.left") objects did not get their locks renewed, among them $(head -n 1 "$SCRATCH/renew.left")"
}
