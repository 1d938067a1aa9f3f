# shellcheck shell=sh disable=SC2154 # restic_rc is that of repository.sh
# Looks at a whole restic repository, and reads its data a part at a time.
#
# environment:
#   CHECK_DATA_OVER   in how many checks all data is read; empty or unset: it is not read
#
# How many checks have read their part and found nothing wrong is noted in the repository, as a snapshot <series>@checks@<number>. The
# calendar would not do: a run that failed, or never was, would leave a gap in it. A check that finds damage is not counted, so that
# the next ones find it again until it is mended.

repository_check() {
  restic_run check >/dev/null || {
    # Another run holds the repository: that is no damage, and the next verification looks again.
    [ "$restic_rc" = 11 ] || return 1
    log 'WARNING: the repository is locked by another run, and was not checked this time'
    return 0
  }
  [ -z "${CHECK_DATA_OVER:-}" ] || read_next_part
}

read_next_part() {
  check_number=$(($(checks_so_far) + 1))
  check_part=$(((check_number - 1) % CHECK_DATA_OVER + 1))
  # Reading may take hours, for which a lock would stop every backup: so it takes none. What it finds wrong may be what a prune has
  # removed meanwhile, and is looked at again with the repository locked.
  restic_run check --no-lock --read-data-subset="$check_part/$CHECK_DATA_OVER" >/dev/null || {
    log 'reading the data found something wrong: looking again, with the repository locked'
    restic_run check --read-data-subset="$check_part/$CHECK_DATA_OVER" >/dev/null || return 1
  }
  log "read part $check_part of $CHECK_DATA_OVER of the repository's data"
  POINT=checks store check "$check_number" date -u +%Y-%m-%dT%H:%M:%SZ ||
    log "WARNING: that could not be noted in the repository, so the next verification reads the same part: $(repository_reason)"
}

checks_so_far() { awk '$2 == "checks" && $3 + 0 > most { most = $3 + 0 } END { print most + 0 }' "$SCRATCH/restic.list"; }
