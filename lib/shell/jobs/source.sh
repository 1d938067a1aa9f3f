#!/bin/sh
# The repository that a mirror copies from, in a process of its own: its scripts, variables and passwords never meet those of the
# repository that is copied to.
#
# usage: source.sh list           prints its recovery points: ID verified|unverified
#        source.sh manifest ID    leaves a manifest in $SCRATCH/source/manifest.json
#        source.sh get ID NAME    writes a member of that manifest to stdout, and the SHA-256 of it to $SCRATCH/source/digest
#
# environment, beside lib.sh's:
#   DESTINATION_VARIABLES   names of the variables of the repository that is copied to: nothing here knows them
#   SOURCE_VARIABLES        names of this repository's variables, each of which is given as SOURCE_<name>
# Where this repository is why something failed, $SCRATCH/source/failed says so.
set -eu
for name in $DESTINATION_VARIABLES; do unset "$name"; done
for name in $SOURCE_VARIABLES; do eval "export $name=\"\$SOURCE_$name\""; done
export SCRATCH="$SCRATCH/source" REPOSITORY_FOLDER=source
mkdir -p "$SCRATCH/outcome"
rm -f "$SCRATCH/failed" "$SCRATCH/repository.reason"
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# That the reader went away is not this repository's fault.
failed() { # EXIT-CODE
  [ "$1" = 141 ] || repository_reason >"$SCRATCH/failed"
  exit "$1"
}

# What was listed first is good enough for the rest of the run.
[ "$1" = list ] || export REOPENED=yes
repository_open read || {
  open_rc=$?
  [ "$1:$open_rc" != list:10 ] || exit 0
  failed "$open_rc"
}
case $1 in
  list) repository_list || failed $? ;;
  manifest) manifest_fetch "$2" || failed $? ;;
  get)
    rm -f "$SCRATCH/digest" "$SCRATCH/digest.pipe"
    mkfifo "$SCRATCH/digest.pipe"
    sha256sum <"$SCRATCH/digest.pipe" >"$SCRATCH/digest" &
    # POSIX sh knows no pipefail: the mark tells of the first stage, the pipe's own code of the second.
    rm -f "$SCRATCH/get.code"
    { repository_get "$2" "$3" || echo $? >"$SCRATCH/get.code"; } | tee "$SCRATCH/digest.pipe" || exit 1
    [ ! -s "$SCRATCH/get.code" ] || failed "$(cat "$SCRATCH/get.code")"
    wait
    ;;
esac
