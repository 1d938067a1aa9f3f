# shellcheck shell=sh
# A repository of plain files: $REPOSITORY_PATH/<series>/<recovery point>/<member>, on a mounted volume.
#
# environment, beside encryption.sh's:
#   REPOSITORY_PATH   where the volume is mounted
#   COMPRESSION       zstd, gzip or none: how members are stored
#   REPOSITORY_WAIT   seconds to wait for another run of the same series
#   MARKS_PATH        where a job that has the volume to read only notes what was verified, and that it runs: a directory of the volume,
#                     mounted to write; empty or unset: in the recovery point itself, and beside it
#   SAFETY_PATH       where such a job puts a safety backup: the directory of that series, mounted to write; empty or unset: it has all
#   TOOLS             where flock and age are, for an image that does not ship them; else empty or unset
#
# A recovery point is a directory that was renamed into place whole. Inside are the members, manifest.json, and SHA256SUMS
# of them all, so that `sha256sum -c SHA256SUMS` tells anyone with a shell whether it is intact.
# A name that begins with a dot is not a recovery point: .staging-* is being made, .deleting-* is being removed. Both are
# what a killed run leaves, and the next one clears them.
# $REPOSITORY_PATH/.state-<series> holds what is no part of a recovery point: what was verified (<recovery point>.verified.json), and
# the file that readers lock.

series_path=$REPOSITORY_PATH/$SERIES
state_path=$REPOSITORY_PATH/.state-$SERIES
[ "$SAFETY" != yes ] || series_path=${SAFETY_PATH:-$series_path}
[ -z "${TOOLS:-}" ] || PATH=$PATH:$TOOLS

case $COMPRESSION in
  zstd) suffix=.zst ;;
  gzip) suffix=.gz ;;
  *) suffix= ;;
esac
# As many threads as the node has processors would not fit into the pod's memory; four keep up with any database.
compress() { case $COMPRESSION in zstd) zstd -q -T4 -1 -c ;; gzip) gzip -1 -c ;; *) cat ;; esac }

because() { printf '%s' "$*" >"$SCRATCH/repository.reason"; return 1; }

# shellcheck source=lib/repositories/files/encryption.sh
. "$BACKUP_HOME/${REPOSITORY_FOLDER:-repository}/encryption.sh"

# Makes what was written survive a power cut. Where sync takes no path, or the file system knows no such thing of a directory,
# everything is synced. What the volume could not write is told once: what is read back may come from memory.
durable() {
  durable_said=$(sync "$@" 2>&1) && return 0
  case $durable_said in
    *'nput/output error'* | *'I/O error'* | *'o space left'* | *'uota exceeded'* | *'tale file'* | *'tale NFS'*)
      printf '%s\n' "$durable_said" >&2
      return 1
      ;;
  esac
  sync
}

# Whether SHA256SUMS names the manifest and every member of it: a line that is not there is no checksum that does not match.
sums_are_whole() { # POINT-DIRECTORY
  manifest_members "$1/manifest.json" | cut -f 1 |
    awk -v encrypted="$(manifest_field "$1/manifest.json" encryption)" '
      FILENAME == ARGV[1] {
        file[$2]
        while (sub(/\.(zst|gz|age|gpg|txt|r[0-9]+)$/, "", $2)) file[$2]
        next
      }
      { needed[$0] }
      END {
        needed["manifest.json"]
        if (encrypted) { needed["facts"]; needed["recipients"] }
        for (name in needed) if (!(name in file)) { print "SHA256SUMS is cut short: it lacks " name ""; exit 1 }
      }' "$1/SHA256SUMS" -
}

# Not `flock -w`: busybox has no such option.
lock() { # FOR-WHAT FLOCK-ARGUMENTS...
  begin_wait "$1" "$REPOSITORY_WAIT"
  shift
  until flock -n "$@"; do
    may_wait || return 1
    sleep 1
  done
}

# What to do where a directory belongs to others; nothing where that is not what was said.
owned_by() { # DIRECTORY
  grep -qi 'permission denied' "$SCRATCH/repository.err" || return 0
  printf '. %s is %s: give it to user %s, by chown, or with a driver that honours fsGroup' \
    "$1" "$(stat -c '%A of user %u and group %g' "$1")" "$(id -u)"
}

# As far as this pod is shown the volume.
series_there() {
  (cd "$REPOSITORY_PATH" && ls -d -- */) 2>/dev/null | awk '{ sub("/$", ""); printf "%s%s", (NR > 1 ? ", " : "; it has: "), $0 }'
}

repository_open() { # read|write; 10 when nothing of the series was ever written
  command -v flock >/dev/null || because 'this image has no flock, which keeps two runs from writing one series at the same time: choose another image' || return 1
  [ -d "$REPOSITORY_PATH" ] || because "the repository volume is not mounted at $REPOSITORY_PATH" || return 1
  if [ "$1" = write ]; then
    command -v "$(echo "$COMPRESSION" | sed s/none/cat/)" >/dev/null ||
      because "this image has no $COMPRESSION: choose another compression for the repository" || return 1
    encryption_ready || return 1
    mkdir -p "$series_path" 2>"$SCRATCH/repository.err" ||
      because "$series_path cannot be made: $(last_words "$SCRATCH/repository.err" 1)$(owned_by "$REPOSITORY_PATH")" || return 1
    # The lock is the kernel's: it ends with the last process of the run that holds it, however that run ends.
    (: >>"$series_path/.writing") 2>"$SCRATCH/repository.err" ||
      because "$series_path cannot be written: $(last_words "$SCRATCH/repository.err" 1)$(owned_by "$series_path")" || return 1
    make_state
    exec 9>>"$series_path/.writing"
    lock "another run that is writing series $SERIES" 9 || because "another run is still writing series $SERIES after $REPOSITORY_WAIT s: wait until it ends, and run this job again" || return 1
    # With the lock held, whatever is staged or half deleted belongs to a run that is no more. Removing it first also gives
    # back the space of a run that filled the volume.
    rm -rf "$series_path"/.staging-* "$series_path"/.deleting-* 2>"$SCRATCH/repository.err" ||
      because "leftovers of an earlier run cannot be removed: $(last_words "$SCRATCH/repository.err" 1). Remove them by hand; they are not a recovery point"
  else
    [ -d "$series_path" ] || because "the repository has no series $SERIES$(series_there)" || return 10
    # Held shared by every reader, so that pruning does not take away what is being read.
    ls "$series_path" >/dev/null 2>"$SCRATCH/repository.err" ||
      because "$series_path cannot be read: $(last_words "$SCRATCH/repository.err" 1)$(owned_by "$series_path")" || return 1
    exec 8<"$series_path"
    lock "the end of a run that is pruning series $SERIES" -s 8 || because "series $SERIES is still being pruned after $REPOSITORY_WAIT s: wait until that ends, and run this job again" || return 1
    # NFS keeps the lock of a directory to the client that has it; of a file it is the server's, and a shared one needs no right to write.
    [ -r "$state_path/reading" ] || return 0
    exec 5<"$state_path/reading"
    lock "the end of a run that is pruning series $SERIES" -s 5 || because "series $SERIES is still being pruned after $REPOSITORY_WAIT s: wait until that ends, and run this job again" || return 1
  fi
}

# The kubelet makes the directory that another job mounts, where it is missing, and root's: then nobody else could write it on a
# volume that knows no fsGroup.
own_directory() { { mkdir -p "$1" && [ -w "$1" ]; } 2>/dev/null || { rmdir "$1" && mkdir "$1"; } 2>/dev/null || :; }

make_state() {
  # A safety backup is never pruned, and no verification looks at it.
  [ "$SAFETY" != yes ] || return 0
  [ "${OPERATION:-}" != backup ] || own_directory "$REPOSITORY_PATH/$SERIES-safety"
  own_directory "$state_path"
  (: >>"$state_path/reading") 2>/dev/null ||
    remark "$state_path, where verifications record their results, cannot be written: give it to user $(id -u)"
}

# Nobody reads while both are held.
lock_readers() {
  exec 8<"$series_path"
  flock -n 8 || return 1
  (: >>"$state_path/reading") 2>/dev/null || return 0
  exec 5>>"$state_path/reading"
  flock -n 5 && return 0
  flock -u 8
  return 1
}
unlock_readers() {
  flock -u 8
  exec 5>&-
}

# shellcheck disable=SC2153 # POINT is the environment's
staging() { printf '%s/.staging-%s' "$series_path" "$POINT"; }

repository_begin() {
  mkdir "$(staging)" 2>"$SCRATCH/repository.err" || because "$(staging) cannot be made: $(last_words "$SCRATCH/repository.err" 1)$(owned_by "$series_path")"
}

repository_put() { # NAME COMMAND...
  put_name=$1
  put_base=$1$suffix
  put_mark=
  if [ -n "$ENCRYPTION" ]; then
    # A name may be that of a database.
    : >>"$(staging)/SHA256SUMS"
    put_number=$(printf %03d $(($(wc -l <"$(staging)/SHA256SUMS") + 1)))
    put_base=$put_number$suffix$encryption_suffix
    put_mark=file:$put_number
  fi
  put_file=$(staging)/$put_base
  shift
  rm -f "$SCRATCH"/put.*
  # POSIX sh knows no pipefail: every stage that fails leaves a mark. The digest is taken from the pipe, not from the file.
  put_digest=$(
    {
      { env "$@" 2>"$SCRATCH/put.command.err" || echo $? >"$SCRATCH/put.command"; } |
        { compress 2>"$SCRATCH/put.compress.err" || echo $? >"$SCRATCH/put.compress"; } |
        { encrypt 2>"$SCRATCH/put.encrypt.err" || echo $? >"$SCRATCH/put.encrypt"; } |
        { tee "$put_file" 2>"$SCRATCH/put.write.err" || echo $? >"$SCRATCH/put.write"; } |
        sha256sum
    } | cut -d ' ' -f 1
  )
  # A late write error (a full quota, a lost NFS server) shows here.
  durable "$put_file" 2>>"$SCRATCH/put.write.err" || echo $? >>"$SCRATCH/put.write"
  cat "$SCRATCH"/put.*.err >&2 2>/dev/null || :
  for stage in write encrypt compress command; do
    [ ! -e "$SCRATCH/put.$stage" ] || {
      last_words "$SCRATCH/put.$stage.err" "$(cat "$SCRATCH/put.$stage")" >"$SCRATCH/put.reason"
      # busybox's tee calls every failed write an I/O error.
      [ "$stage" != write ] || [ "$(df -Pk "$series_path" | awk 'NR == 2 { print $4 }')" -gt 1023 ] ||
        printf ' (No space left on device)' >>"$SCRATCH/put.reason"
      # A full volume must not stay full because of what failed on it.
      rm -rf "$(staging)"
      return 1
    }
  done
  printf '%s  %s\n' "$put_digest" "$put_base" >>"$(staging)/SHA256SUMS"
  # An encrypted member may be encrypted anew: what its manifest knows of it must outlast that.
  member "$put_name" "$(wc -c <"$put_file" | tr -d ' ')" "${put_mark:-sha256:$put_digest}"
}

repository_commit() { # MANIFEST
  commit_from=$(staging)
  if ! {
    if [ -n "$ENCRYPTION" ]; then put_facts "$commit_from" "$1"; else cp "$1" "$commit_from/manifest.json"; fi &&
      (cd "$commit_from" && sha256sum manifest.json >>SHA256SUMS) &&
      durable "$commit_from/manifest.json" "$commit_from/SHA256SUMS" "$commit_from" && sums_are_whole "$commit_from" >&2
  } 2>"$SCRATCH/repository.err"; then
    rm -rf "$commit_from"
    because "$(last_words "$SCRATCH/repository.err" 1)"
    return 1
  fi
  # Everything is read back: the checksums are of what was sent, not of what has arrived.
  (cd "$commit_from" && sha256sum -c SHA256SUMS) >"$SCRATCH/check" 2>&1 || {
    rm -rf "$commit_from"
    because "the recovery point read back differently from what was written: $(grep -v ': OK$' "$SCRATCH/check" | head -n 1)"
    return 1
  }
  [ ! -e "$series_path/$POINT" ] || because "a recovery point $POINT exists already" || return 1
  # The instant from which the recovery point counts.
  mv "$commit_from" "$series_path/$POINT" 2>"$SCRATCH/repository.err" || because "$(last_words "$SCRATCH/repository.err" 1)" || return 1
  durable "$series_path" 2>"$SCRATCH/repository.err" || because "it is published, but might not survive a power cut: $(last_words "$SCRATCH/repository.err" 1)"
}

# The note is locked for as long as the last process of its run lives. A volume that is mounted to read only takes none.
repository_begin_run() {
  run_note=${MARKS_PATH:-$series_path}/.running-$OPERATION
  (: >>"$run_note") 2>/dev/null || return 0
  exec 4<>"$run_note"
  # Another run of this kind is at work.
  flock -n 4 || return 0
  [ ! -s "$run_note" ] || remark "the $OPERATION before this one gave no verdict: it was killed (out of memory, or by force), or its node was lost ($(head -n 1 "$run_note"))"
  printf '%s, begun %s\n' "${POD_NAME:-}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$run_note"
  outcome note "$run_note"
}

repository_list() { # prints: ID verified|unverified
  [ -d "$series_path" ] || return 0
  for point in "$series_path"/[0-9]*; do
    [ -d "$point" ] || continue
    # Somebody has put it there, or aside.
    is_id "${point##*/}" || { remark "${point##*/} in series $SERIES is not the name of a recovery point, and is ignored"; continue; }
    # It was renamed into place whole: something has taken it away since.
    [ -e "$point/manifest.json" ] || { remark "recovery point ${point##*/} has lost its manifest.json, and is ignored"; continue; }
    if [ -e "$point/verified.json" ] || [ -e "$state_path/${point##*/}.verified.json" ]; then state=verified; else state=unverified; fi
    printf '%s %s\n' "${point##*/}" "$state"
  done
}

repository_get() { # ID NAME: to stdout, only when the file is intact; 141 when the reader of it went away
  point=$series_path/$1
  [ -e "$point/SHA256SUMS" ] || because "recovery point $1 has no SHA256SUMS" || return 1
  if is_encrypted "$point" && { [ "$2" != manifest.json ] || reads_facts; }; then
    get_encrypted "$1" "$2"
    return
  fi
  # The compression is the one in force when the recovery point was made, not today's.
  entry=$(awk -v name="$2" '$2 == name || $2 == name ".zst" || $2 == name ".gz"' "$point/SHA256SUMS")
  file=${entry#*  }
  [ -n "$entry" ] || because "recovery point $1 has no member $2" || return 1
  intact "$1" "$entry" || return 1
  get_rc=0
  case $file in
    "$2.zst") zstd -qdc "$point/$file" ;;
    "$2.gz") gzip -dc "$point/$file" ;;
    *) cat "$point/$file" ;;
  esac || get_rc=$?
  case $get_rc in
    0 | 141) return "$get_rc" ;;
    *) because "$file of recovery point $1 cannot be read" ;;
  esac
}

repository_staged() { # NAME: as repository_get, of the recovery point that is being made; 3 when jobs that write have no key for it
  [ -z "$ENCRYPTION" ] || return 3
  repository_get ".staging-$POINT" "$1"
}

repository_check() {
  for check_point in "$series_path"/[0-9]*/; do
    is_id "$(basename "$check_point")" || continue
    { (cd "$check_point" && sha256sum -c SHA256SUMS) >"$SCRATCH/check" 2>&1 && sums_are_whole "$check_point" >"$SCRATCH/check"; } ||
      because "recovery point $(basename "$check_point") is damaged: $(grep -v ': OK$' "$SCRATCH/check" | head -n 1)" || return 1
  done
}

repository_mark() { # ID FILE
  mark_in=${MARKS_PATH:-$series_path/$1}
  mark_as=$mark_in/${MARKS_PATH:+$1.}verified.json
  {
    cp "$2" "$mark_in/.verified.json" && durable "$mark_in/.verified.json" &&
      mv "$mark_in/.verified.json" "$mark_as" && durable "$mark_in"
  } 2>"$SCRATCH/repository.err" || because "$(last_words "$SCRATCH/repository.err" 1)"
}

repository_prune() { # FILE with an id a line
  [ -s "$1" ] || return 0
  lock_readers || { remark "a verification or a restore is reading series $SERIES, so nothing is pruned this time"; : >"$1"; return 0; }
  while read -r point; do
    # Renamed first: a recovery point is whole or it is none.
    { mv "$series_path/$point" "$series_path/.deleting-$point" && rm -rf "$series_path/.deleting-$point"; } 2>"$SCRATCH/repository.err" ||
      because "$(last_words "$SCRATCH/repository.err" 1)" || return 1
    rm -f "$state_path/$point.verified.json"
  done <"$1"
  unlock_readers
}
