#!/bin/sh
# Asks the repository on behalf of the workbench: the answer goes to stdout.
#
# usage: answer.sh open | list | get POINT NAME
#
# environment: lib.sh's
set -eu
# shellcheck source=lib/shell/lib.sh
. "$BACKUP_HOME/shell/lib.sh"

# What was opened, and listed, is so for the requests that come after it.
[ "$1" = open ] || export REOPENED=yes
repository_open read || exit $?
case $1 in
  list) repository_list || exit $? ;;
  get) repository_get "$2" "$3" || exit $? ;;
esac
