#!/bin/sh
# Fails when the newest recovery point of a series is older than was promised, or the newest one that a verification has restored.
#
# environment, beside lib.sh's and the repository's:
#   MAX_AGE            seconds that the newest recovery point may be old; empty: it may be of any age
#   MAX_VERIFIED_AGE   the same of the newest verified one
# Only the repository is asked. So a job that never ran, or that wrote elsewhere, is found like one that failed.
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# Each that cannot be read may cost a store's whole patience.
MOST_UNREADABLE=5

span() { printf '%s h %s min' "$(($1 / 3600))" "$(($1 % 3600 / 60))"; } # SECONDS

# A recovery point whose manifest cannot be read is none, whatever the list says. Its id goes to $SCRATCH/newest.
find_newest() { # FILE: a recovery point a line, oldest first
  : >"$SCRATCH/newest"
  LC_ALL=C sort -r "$1" | head -n "$MOST_UNREADABLE" >"$SCRATCH/candidates"
  while read -r candidate _ <&8; do
    if manifest_fetch "$candidate" </dev/null; then
      printf '%s\n' "$candidate" >"$SCRATCH/newest"
      return
    fi
    remark "recovery point $candidate counts for nothing: $(repository_reason)"
  done 8<"$SCRATCH/candidates"
}

judge() { # FILE LIMIT WHAT CONSEQUENCE
  [ -n "$2" ] || return 0
  find_newest "$1"
  POINT=$(cat "$SCRATCH/newest")
  if [ -z "$POINT" ]; then
    printf '%s\n' "series $SERIES has no $3 in this repository that can be read: $4" >>"$SCRATCH/broken"
    return
  fi
  age=$(age_of "$POINT")
  log "the newest $3 of series $SERIES is $POINT, begun $(span "$age") ago; at most $(span "$2") is promised"
  [ "$age" -gt "$2" ] || return 0
  printf '%s\n' "the newest $3 of series $SERIES, $POINT, was begun $(span "$age") ago, and at most $(span "$2") is promised: $4" >>"$SCRATCH/broken"
}

repository_open read && opened=0 || opened=$?
[ "$opened" != 10 ] || die "nothing was ever stored in this repository: no backup of series $SERIES has succeeded, or it writes elsewhere"
[ "$opened" = 0 ] || die "the repository cannot be opened, and how old its recovery points are is unknown: $(repository_reason)"
list_points
grep ' verified$' "$SCRATCH/points" >"$SCRATCH/points.verified" || :
: >"$SCRATCH/broken"
POINT=
judge "$SCRATCH/points" "$MAX_AGE" 'recovery point' 'what was written since would be lost. Start a backup, and see what became of the last ones'
newest=$POINT
judge "$SCRATCH/points.verified" "$MAX_VERIFIED_AGE" 'verified recovery point' 'nobody knows whether what is newer can be restored. Start a verification'
outcome id "${newest:-$POINT}"
[ ! -s "$SCRATCH/broken" ] || die "$(awk '{ printf "%s%s", separator, $0; separator = "; " }' "$SCRATCH/broken")"
