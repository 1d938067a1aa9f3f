#!/bin/sh
# Runs one operation in a pod that runs wait.sh: for hooks, and for `kubectl exec`. It ends as the operation does.
#
# usage: hook.sh backup
#
# Every run has a scratch directory of its own: nobody ends a run whose hook has taken too long, and the next may begin beside it. Then
# it waits for the other at the repository, as all runs do.
set -eu
umask 077
: "${BACKUP_HOME:=/opt/backup}" "${SCRATCH:=/scratch}"
for left in "$SCRATCH"/hook-*; do
  kill -0 "${left##*-}" 2>/dev/null || rm -rf "$left"
done
SCRATCH=$SCRATCH/hook-$$
# What tells the recovery points of one second apart: two runs may begin in it.
POD_NAME=$(printf '%s-%05d' "${POD_NAME:-pod}" "$(($$ % 100000))")
export BACKUP_HOME SCRATCH POD_NAME
mkdir "$SCRATCH"
trap 'rm -rf "$SCRATCH"' EXIT
sh "$BACKUP_HOME/shell/run.sh" "$1" && rc=0 || rc=$?
exit "$rc"
