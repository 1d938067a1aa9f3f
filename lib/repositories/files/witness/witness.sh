# shellcheck shell=sh
# How a witness looks at a repository of plain files: names, sizes and times of all of it, and the manifests that are new. look.sh of the
# witness says what each function has to leave. No lock is taken: a reader's would keep prunes from their work.
#
# environment: repository.sh's. No key: what is not encrypted of a manifest is all that is needed

# As far as it is more than something that went away meanwhile.
witness_trouble() { # FILE: what a program that failed has said
  [ -s "$1" ] || { echo 'the process that reads it was killed'; return 0; }
  grep -v -i 'no such file or directory' "$1" >"$SCRATCH/witness.trouble" || return 1
  last_words "$SCRATCH/witness.trouble" 1
}

# Whether it is there no more: what cannot be asked is not gone.
witness_gone() { # PATH
  ! stat "$1" >/dev/null 2>"$SCRATCH/witness.err" && ! witness_trouble "$SCRATCH/witness.err" >/dev/null
}

repository_witness() { # REMEMBERED
  cd "$REPOSITORY_PATH" 2>"$SCRATCH/repository.err" || because "$REPOSITORY_PATH cannot be read: $(last_words "$SCRATCH/repository.err" 1)" || return 1
  witness_files "$1"
  cd "$SCRATCH" || return 1
}

witness_files() { # REMEMBERED
  ls >"$SCRATCH/witness.names" 2>"$SCRATCH/repository.err" || because "$REPOSITORY_PATH cannot be read: $(last_words "$SCRATCH/repository.err" 1)" || return 1
  grep -x '[a-z0-9]\([-a-z0-9]*[a-z0-9]\)\{0,1\}' "$SCRATCH/witness.names" >"$SCRATCH/witness.candidates" || :
  : >"$SCRATCH/witness.series"
  : >"$SCRATCH/witness.entries"
  : >"$SCRATCH/witness.verified.files"
  while read -r witness_series <&7; do
    [ -d "$witness_series" ] || {
      if witness_gone "$witness_series" || stat "$witness_series" >/dev/null 2>&1; then continue; fi
      because "$witness_series cannot be read: $(last_words "$SCRATCH/witness.err" 1)" || return 1
    }
    printf '%s\n' "$witness_series" >>"$SCRATCH/witness.series"
    # Directories come before what is in them.
    find "$witness_series" -mindepth 1 -maxdepth 2 -path "$witness_series/[0-9]*" -exec stat -c '%s %Z %n' {} + \
      >>"$SCRATCH/witness.entries" 2>"$SCRATCH/repository.err" </dev/null ||
      ! witness_said=$(witness_trouble "$SCRATCH/repository.err") || because "series $witness_series cannot be listed: $witness_said" || return 1
    [ -d ".state-$witness_series" ] || continue
    find ".state-$witness_series" -mindepth 1 -maxdepth 1 -name '[0-9]*.verified.json' -exec stat -c '%s %Z %n' {} + \
      >>"$SCRATCH/witness.verified.files" 2>"$SCRATCH/repository.err" </dev/null ||
      ! witness_said=$(witness_trouble "$SCRATCH/repository.err") || because "the verifications of series $witness_series cannot be listed: $witness_said" || return 1
  done 7<"$SCRATCH/witness.candidates"

  : >"$SCRATCH/witness.sums"
  : >"$SCRATCH/witness.inside"
  awk -v sums="$SCRATCH/witness.sums" -v verified="$SCRATCH/witness.inside" \
    -f "$BACKUP_HOME/witness/manifest.awk" -f "$BACKUP_HOME/listing/files.awk" "$1" "$SCRATCH/witness.entries" >"$SCRATCH/witness.found" || because 'the manifests could not be read' || return 1
  sha256sum -c "$SCRATCH/witness.sums" >"$SCRATCH/witness.summed" 2>/dev/null || :
  [ "$(wc -l <"$SCRATCH/witness.summed")" -eq "$(wc -l <"$SCRATCH/witness.sums")" ] || because 'the manifests could not be summed up' || return 1
  sed -n -e '/: OK$/d' -e 's/: [A-Za-z ]*$//p' "$SCRATCH/witness.summed" >"$SCRATCH/witness.changed"
  awk 'FILENAME == ARGV[1] { changed[$0]; next }
    ($1 "/" $2 "/manifest.json") in changed { print $1, $2, $3, "damaged - - - - -"; next }
    { print }' "$SCRATCH/witness.changed" "$SCRATCH/witness.found" >"$SCRATCH/witness.judged"
  grep -v ' damaged - ' "$SCRATCH/witness.judged" >"$SCRATCH/witness.records" || :
  grep ' damaged - ' "$SCRATCH/witness.judged" >"$SCRATCH/witness.damaged" || :
  # One that a prune has taken away meanwhile is no damage.
  while read -r witness_series witness_id witness_rest <&7; do
    ! witness_gone "$witness_series/$witness_id" || continue
    printf '%s %s %s\n' "$witness_series" "$witness_id" "$witness_rest" >>"$SCRATCH/witness.records"
  done 7<"$SCRATCH/witness.damaged"

  # A verification that may write notes it in the state, and one of old in the recovery point itself.
  awk '{ path = $3; sub(/^\.state-/, "", path); sub(/\.verified\.json$/, "", path); split(path, part, "/"); print part[1], part[2], $1 ":" $2 }' \
    "$SCRATCH/witness.verified.files" >>"$SCRATCH/witness.inside"
  awk '{ stamp[$1 " " $2] = stamp[$1 " " $2] "," $3 } END { for (point in stamp) print point, stamp[point] }' "$SCRATCH/witness.inside" >"$SCRATCH/witness.verified"
}

repository_witness_note() { # SERIES ID
  for witness_note in "$REPOSITORY_PATH/.state-$1/$2.verified.json" "$REPOSITORY_PATH/$1/$2/verified.json"; do
    [ ! -e "$witness_note" ] || { cat "$witness_note"; return; }
  done
  return 1
}
