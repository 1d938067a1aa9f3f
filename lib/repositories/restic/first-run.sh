# shellcheck shell=sh disable=SC2154 # repository_name is that of repository.sh
# Makes a repository where there is none, and keeps what is stored away from one that two runs have made.
#
# environment:
#   POD_NAME               tells this run from others that begin at the same time
#   INIT_SPREAD            seconds over which runs that would make the repository spread
#   INIT_SETTLE            seconds that nobody stores anything in a new repository: longer than an init takes
#   REPOSITORY_MUST_EXIST  `yes`: never make one
#
# On a volume, one run at a time makes a repository: the one that has made a directory `.making`. Elsewhere nothing decides: `restic init` looks for a config
# and for keys, then writes a key, then the config (internal/repository/repository.go, Init), so two that look at once both end well.
# What is left is two keys of different master keys, and a config that only one of them opens: restic takes the first whose password
# fits, and what was stored in between with the other's is lost.

: "${INIT_SPREAD:=30}" "${INIT_SETTLE:=10}"

make_repository() {
  [ "${REPOSITORY_MUST_EXIST:-no}" != yes ] ||
    because "there is no restic repository at $repository_name, and none is created here, as it is declared to exist: check the place (bucket, prefix, path) and the credentials" || return 1
  case $RESTIC_REPOSITORY in
    /*)
      make_on_volume
      return
      ;;
  esac
  sleep "$(first_run_delay)"
  list_snapshots && restic_rc=0 || restic_rc=$?
  [ "$restic_rc" != 10 ] || init_repository
  settle
}

# That it fails may be because another run's came first: the look that follows decides.
init_repository() {
  log "creating the restic repository at $repository_name"
  restic_run init >/dev/null || cp "$SCRATCH/repository.reason" "$SCRATCH/init.reason"
}

# Whoever has the directory `.making` is the only one, and init finds what another has made before.
make_on_volume() {
  making=${RESTIC_REPOSITORY%/}/.making
  begin_wait "another run that is creating the restic repository at $repository_name" "$REPOSITORY_WAIT"
  mkdir -p "$RESTIC_REPOSITORY" 2>"$SCRATCH/repository.err" ||
    because "$RESTIC_REPOSITORY cannot be made: $(last_words "$SCRATCH/repository.err" 1)" || return 1
  until mkdir "$making" 2>"$SCRATCH/repository.err"; do
    [ -d "$making" ] || because "$RESTIC_REPOSITORY cannot be written: $(last_words "$SCRATCH/repository.err" 1)" || return 1
    # A run that was killed leaves it behind.
    [ -z "$(find "$making" -prune -mmin +10)" ] || rmdir "$making" 2>/dev/null || :
    may_wait ||
      because "another run is still creating the restic repository at $repository_name after $REPOSITORY_WAIT s. A killed run blocks this for ten minutes: run this job again after that" || return 1
    sleep 1
  done
  init_repository
  rmdir "$making"
  list_snapshots && return
  [ "$restic_rc" != 10 ] || none_could_be_made
  return 1
}

# Different for pods that begin at once.
first_run_delay() {
  awk -v name="${POD_NAME:-}" -v spread="$INIT_SPREAD" 'BEGIN {
    for (i = 1; i <= length(name); i++) n = (n * 36 + index("0123456789abcdefghijklmnopqrstuvwxyz", substr(name, i, 1))) % 1000003
    printf "%.1f", spread * (n % 1000) / 1000
  }'
}

# An init that began before the repository was seen has ended by the end of this; one that begins later sees it.
settle() {
  log "the repository is new: checking it again in $INIT_SETTLE s, before anything is stored in it"
  sleep "$INIT_SETTLE"
  list_snapshots && restic_rc=0 || restic_rc=$?
  case $restic_rc in
    0) ;;
    10)
      none_could_be_made
      return 1
      ;;
    *) is_conflict || return 1; refuse_conflict "delete everything at $repository_name" ;;
  esac
  find_foreign_keys || return 1
  [ ! -s "$SCRATCH/keys.foreign" ] ||
    refuse_conflict "delete its file keys/$(head -n 1 "$SCRATCH/keys.foreign"), which does not open it"
}

none_could_be_made() {
  because "there is no restic repository at $repository_name, and none could be created: $(cat "$SCRATCH/init.reason" 2>/dev/null). If a run was stopped while it created one, delete what it left, then run again" || :
}

# restic's words when the key that the password opens is not the one of the config.
is_conflict() { grep -q 'config or key .* is damaged' "$SCRATCH/repository.err"; }

refuse_conflict() { # WHAT-TO-DO
  refuse "two runs created the restic repository at $repository_name at the same time, and it holds a key of each; nothing was stored in it. Make sure that restic snapshots shows none, $1, and run one backup alone"
}

# Keys that the password opens though they do not open the repository, to $SCRATCH/keys.foreign; a key of another password is
# somebody's. What is not opened by a key that it is told to begin with, restic tries with the others.
find_foreign_keys() {
  : >"$SCRATCH/keys.foreign"
  restic_run list keys --no-lock >"$SCRATCH/keys" || return 1
  [ "$(wc -l <"$SCRATCH/keys")" -gt 1 ] || return 0
  while read -r key_id; do
    restic_run cat config --no-lock --key-hint "$key_id" >/dev/null </dev/null && continue
    is_conflict || return 1
    printf '%s\n' "$key_id" >>"$SCRATCH/keys.foreign"
  done <"$SCRATCH/keys"
}

# Whether no run has stored anything yet, of whatever series.
is_empty_repository() { restic_run list snapshots --no-lock >"$SCRATCH/snapshots.any" && [ ! -s "$SCRATCH/snapshots.any" ]; }
