# shellcheck shell=sh disable=SC2154 # restic_rc is that of repository.sh
# Looks at a whole restic repository, and reads its data a part at a time.
#
# environment:
#   CHECK_DATA_OVER   in how many checks all data is read; empty or unset: it is not read
#   CHECK_MISSES      how many verifications in a row find the repository locked before they fail
#
# How many checks have read their part and found nothing wrong is noted in the repository, as a snapshot <series>@checks@<number>. The
# calendar would not do: a run that failed, or never was, would leave a gap in it. A check that finds damage is not counted, so that
# the next ones find it again until it is mended. That there was no check is noted as <series>@looks@missed, and the next one that there
# was as <series>@looks@done.

: "${CHECK_MISSES:=3}"

repository_check() { # 3 when there was no check, which the verdict then says; 4 when there was none too often
  restic_run check >/dev/null || {
    # Another run holds the repository: that is no damage, and the next verification looks again.
    [ "$restic_rc" = 11 ] || return 1
    miss_check
    return
  }
  [ "$(missed_checks)" = 0 ] || note_look 'done'
  name_incomplete || return 1
  [ -z "${CHECK_DATA_OVER:-}" ] || read_next_part
}

# To restic a repository from which somebody has forgotten a snapshot is as good as before.
name_incomplete() {
  check_lacking=$(awk 'FILENAME == ARGV[1] { members[$1] = $2; next }
    $3 != "manifest.json" && $3 != "verified.json" { found[$2]++ }
    END { for (id in members) if (found[id] + 0 < members[id]) print id, members[id] - found[id], members[id] }' "$SCRATCH/restic.counts" "$SCRATCH/restic.list" |
    LC_ALL=C sort | head -n 1)
  # shellcheck disable=SC2086 # three words
  set -- $check_lacking
  [ $# = 0 ] || because "recovery point $1 has lost $2 of its $3 members: their snapshots have been removed, as by restic forget, and the recovery point cannot be restored completely"
}

miss_check() {
  check_reason=$(repository_reason)
  check_missed=$(($(missed_checks) + 1))
  note_look missed
  if [ "$check_missed" -ge "$CHECK_MISSES" ]; then
    because "nothing else in the repository has been checked in $check_missed verifications in a row: $check_reason. restic list locks shows whose lock it is; restic unlock removes locks that nobody holds" || return 4
  fi
  remark "only this recovery point of the repository was checked this time: $check_reason. Verifications fail after $CHECK_MISSES such times in a row; this was number $check_missed"
  return 3
}
missed_checks() { LC_ALL=C sort -k 4 "$SCRATCH/restic.list" | awk '$2 == "looks" { missed = $3 == "missed" ? missed + 1 : 0 } END { print missed + 0 }'; }
note_look() { # missed|done
  POINT=looks store look "$1" date -u +%Y-%m-%dT%H:%M:%SZ ||
    remark "the repository could not record that the check was $1: $(repository_reason)"
}

read_next_part() {
  check_number=$(($(checks_so_far) + 1))
  check_part=$(((check_number - 1) % CHECK_DATA_OVER + 1))
  # Reading may take hours, for which a lock would stop every backup: so it takes none. What it finds wrong may be what a prune has
  # removed meanwhile, and is looked at again with the repository locked.
  restic_run check --no-lock --read-data-subset="$check_part/$CHECK_DATA_OVER" >/dev/null || {
    log 'reading the data found errors: checking again, with the repository locked'
    restic_run check --read-data-subset="$check_part/$CHECK_DATA_OVER" >/dev/null || {
      [ "$restic_rc" != 11 ] || because "reading part $check_part of its data found errors, which could not be checked again: $(repository_reason)"
      return 1
    }
  }
  log "read part $check_part of $CHECK_DATA_OVER of the repository's data"
  POINT=checks store check "$check_number" date -u +%Y-%m-%dT%H:%M:%SZ ||
    remark "the repository could not record that part $check_part of its data was read, so the next verification reads the same part: $(repository_reason)"
}

checks_so_far() { awk '$2 == "checks" && $3 + 0 > most { most = $3 + 0 } END { print most + 0 }' "$SCRATCH/restic.list"; }
