# shellcheck shell=sh
# What scripts that copy recovery points from one repository to another source after lib.sh. The one that is copied to is the
# repository of lib.sh; the one that is copied from has processes of its own (source.sh).

from() { sh "$BACKUP_HOME/shell/source.sh" "$@"; }

# What the two repositories have: $SCRATCH/points.all and $SCRATCH/source.points.
list_both() {
  repository_open write || die "$(repository_reason)"
  list_all_points
  from list >"$SCRATCH/source.points" || die "the source repository: $(cat "$SCRATCH/source/failed" 2>/dev/null)"
  # What is wrong there is not in what is copied.
  if [ -s "$SCRATCH/source/outcome/caveats" ]; then
    sed 's/^/in the source repository: /' "$SCRATCH/source/outcome/caveats" >>"$SCRATCH/outcome/caveats"
  fi
  # Somebody should know, while the mirror still has what was there.
  [ -s "$SCRATCH/source.points" ] || [ ! -s "$SCRATCH/points.all" ] ||
    refuse "the source repository no longer has any recovery point of series $SERIES; the mirror keeps its $(wc -l <"$SCRATCH/points.all" | tr -d ' ')"
  : >"$SCRATCH/copied"
  : >"$SCRATCH/left"
  printf 0 >"$SCRATCH/copied.bytes"
}

# All recovery points, once each. What is not here yet is as good as what a verification has not restored here.
both() {
  cat "$SCRATCH/points.all"
  not_here "$SCRATCH/source.points" | sed 's/$/ unverified/'
}

# The ids, of those in a file, that are not here yet.
not_here() { but_for "$SCRATCH/points.all" "$1"; } # FILE
but_for() { awk 'FILENAME == ARGV[1] { left[$1]; next } !($1 in left) { print $1 }' "$1" "$2"; } # FILE-OF-OTHERS FILE

# Copies recovery points, oldest first, so that one comes after those that it builds on.
copy_points() { # FILE with an id a line
  LC_ALL=C sort -u "$1" >"$SCRATCH/copying"
  while read -r POINT <&7; do
    export POINT
    copy_point || continue
    printf '%s unverified\n' "$POINT" >>"$SCRATCH/points.all"
    printf '%s\n' "$POINT" >>"$SCRATCH/copied"
    printf %s "$(($(cat "$SCRATCH/copied.bytes") + $(members_bytes)))" >"$SCRATCH/copied.bytes"
    outcome id "$POINT"
    outcome bytes "$(cat "$SCRATCH/copied.bytes")"
    log "copied $POINT: $(members_bytes) bytes"
  done 7<"$SCRATCH/copying"
}

# What cannot be read from the source is left out, and named; what cannot be written ends the run.
copy_point() {
  from manifest "$POINT" || { leave_out "$(cat "$SCRATCH/source/failed" 2>/dev/null)"; return 1; }
  copy_of=$SCRATCH/source/manifest.json
  for copy_needs in $(manifest_field "$copy_of" needs); do
    grep -q "^$copy_needs " "$SCRATCH/points.all" || { leave_out "it builds on $copy_needs, which is not in the mirror"; return 1; }
  done
  # For manifest_write.
  ENGINE=$(manifest_field "$copy_of" engine)
  STARTED=$(manifest_field "$copy_of" started)
  FINISHED=$(manifest_field "$copy_of" finished)
  export ENGINE STARTED FINISHED
  manifest_facts "$copy_of" >"$SCRATCH/facts"
  manifest_about "$copy_of" >"$SCRATCH/about"
  AFTER=$(manifest_field "$copy_of" after)
  ORIGIN=$(manifest_field "$copy_of" origin)
  export AFTER ORIGIN
  manifest_field "$copy_of" needs >"$SCRATCH/needs"
  manifest_caveats "$copy_of" >"$SCRATCH/caveats"
  : >"$SCRATCH/members"
  repository_begin || die "$(repository_reason)"
  manifest_members "$copy_of" | cut -f 1 >"$SCRATCH/copying.members"
  while read -r copy_name <&6; do
    copy_member "$copy_name" || return 1
  done 6<"$SCRATCH/copying.members"
  manifest_write "$SCRATCH/manifest.new"
  repository_commit "$SCRATCH/manifest.new" || die "publishing the copy of $POINT failed: $(repository_reason)"
}

# The bytes that were read from the source are compared with those that can be read here, before the copy is published. What is
# encrypted to a key that this job has not is compared as it is stored, by repository_commit.
copy_member() { # NAME
  if ! repository_put "$1" sh "$BACKUP_HOME/shell/source.sh" get "$POINT" "$1"; then
    [ ! -s "$SCRATCH/source/failed" ] || { leave_out "$(cat "$SCRATCH/source/failed")"; return 1; }
    die "storing $1 of $POINT failed: $(cat "$SCRATCH/put.reason" 2>/dev/null)"
  fi
  rm -f "$SCRATCH/staged.failed"
  copy_here=$({ repository_staged "$1" || echo $? >"$SCRATCH/staged.failed"; } | sha256sum | cut -d ' ' -f 1)
  [ "$(cat "$SCRATCH/staged.failed" 2>/dev/null)" != 3 ] || return 0
  [ ! -e "$SCRATCH/staged.failed" ] || die "the copy of $1 of $POINT cannot be read back, and was not published: $(repository_reason)"
  [ "$copy_here" = "$(cut -d ' ' -f 1 "$SCRATCH/source/digest")" ] ||
    die "the copy of $1 of $POINT differs from its source: its SHA-256 is $copy_here. It was not published. Check the volume or store of the mirror; the next run copies it again"
}

leave_out() { # REASON
  # What the source has pruned meanwhile is not damaged.
  if from list >"$SCRATCH/source.now" && ! grep -q "^$POINT " "$SCRATCH/source.now"; then
    log "$POINT is no longer in the source repository"
    return 0
  fi
  log "ERROR: $POINT was not copied: $1"
  printf '%s: %s\n' "$POINT" "$1" >>"$SCRATCH/left"
}

# Fails when something was left out, and names it.
name_left_out() {
  [ -s "$SCRATCH/left" ] || return 0
  die "$(wc -l <"$SCRATCH/left" | tr -d ' ') of the recovery points of series $SERIES could not be read from the source repository; everything else was copied. $(tr '\n' ';' <"$SCRATCH/left")"
}
