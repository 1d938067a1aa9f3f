#!/bin/sh
# The node's process on the machine: joins control groups of the node's own, and starts init.sh in namespaces of its own.
#
# start.sh GROUP INIT ARGUMENTS...
#   GROUP      name of the control groups, one in every hierarchy
#   INIT       init.sh; it gets the arguments
set -eu
group=$1 init=$2
shift 2

# A new cpuset has no processors, and takes no process.
inherit() { # FILE DIRECTORY
  if [ -e "$2/$1" ] && [ -z "$(cat "$2/$1")" ]; then cat "$2/../$1" >"$2/$1"; fi
}

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  tr ' ' '\n' </sys/fs/cgroup/cgroup.controllers | while read -r controller; do
    echo "+$controller" 2>/dev/null >/sys/fs/cgroup/cgroup.subtree_control || :
  done
  mkdir -p "/sys/fs/cgroup/$group/init"
  echo $$ >"/sys/fs/cgroup/$group/cgroup.procs"
else
  for hierarchy in /sys/fs/cgroup/*; do
    if [ ! -e "$hierarchy/cgroup.procs" ] || [ -L "$hierarchy" ]; then continue; fi
    mkdir -p "$hierarchy/$group"
    inherit cpuset.cpus "$hierarchy/$group"
    inherit cpuset.mems "$hierarchy/$group"
    echo $$ >"$hierarchy/$group/cgroup.procs"
  done
fi

# The groups of now are the roots of the namespace. In version 2 a root that has groups below it may have no process.
# shellcheck disable=SC2016
exec unshare --cgroup sh -euc '
  if [ -d "$1/init" ]; then echo $$ >"$1/init/cgroup.procs"; fi
  shift
  exec unshare --mount --net --uts --ipc --pid --fork --kill-child sh "$@"
' sh "/sys/fs/cgroup/$group" "$init" "$@"
