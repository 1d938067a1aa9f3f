#!/bin/sh
# Runs on the node: starts a program that stays, in the node's control groups.
#
# daemon.sh NAME PROGRAM ARGUMENTS...
#   NAME       of its log, /var/log/NAME.log, and of /run/daemons/NAME.pid
set -eu
name=$1
shift
if [ -e /sys/fs/cgroup/init ]; then
  echo $$ >/sys/fs/cgroup/init/cgroup.procs
else
  for group in /sys/fs/cgroup/*/cgroup.procs; do echo $$ >"$group"; done
fi
mkdir -p /run/daemons
rm -f "/run/daemons/$name.pid"
# shellcheck disable=SC2016
setsid sh -c 'echo $$ >"/run/daemons/$0.pid" && exec "$@"' "$name" "$@" </dev/null >>"/var/log/$name.log" 2>&1 &
while [ ! -s "/run/daemons/$name.pid" ]; do sleep 0.01; done
