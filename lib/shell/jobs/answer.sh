#!/bin/sh
# Asks the repository on behalf of the workbench: the answer goes to stdout.
#
# usage: answer.sh open | list | get POINT NAME
#
# environment: lib.sh's
set -eu
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# What was opened, and listed, is so for the requests that come after it.
[ "$1" = open ] || export REOPENED=yes
repository_open read || exit $?
case $1 in
  list) repository_list || exit $? ;;
  get)
    # Members are looked up in the manifest of their recovery point, which may be another one than was opened.
    [ "$3" = manifest.json ] || [ "$(manifest_field "$SCRATCH/manifest.json" id 2>/dev/null)" = "$2" ] || manifest_fetch "$2" || exit $?
    repository_get "$2" "$3" || exit $?
    ;;
esac
