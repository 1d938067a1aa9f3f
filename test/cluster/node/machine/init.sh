#!/bin/sh
# PID 1 of the node: makes its file system and its network, says "up", and waits for the end of orphans.
#
# init.sh ROOT DIRECTORY CACHE
#   ROOT       root file system of the node's Debian, which is not written to
#   DIRECTORY  what the node writes: `root` over ROOT, and `data` for what needs a file system of the machine
#   CACHE      programs and root file systems of images, which have the same path on the node
set -eu
root=$1 directory=$2 cache=$3

mount --make-rprivate /
mkdir -p "$directory/layer" "$directory/work" "$directory/root"
mount -t overlay -o "lowerdir=$root,upperdir=$directory/layer,workdir=$directory/work" overlay "$directory/root"
cd "$directory/root"

mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup sys/fs/cgroup
  tr ' ' '\n' <sys/fs/cgroup/cgroup.controllers | while read -r controller; do
    echo "+$controller" >sys/fs/cgroup/cgroup.subtree_control || :
  done
else
  while IFS=: read -r _ controllers _; do
    name=${controllers#name=}
    if [ -z "$name" ]; then continue; fi
    mkdir "sys/fs/cgroup/$name"
    [ "$name" = "$controllers" ] || controllers=none,$controllers
    mount -t cgroup -o "$controllers" cgroup "sys/fs/cgroup/$name"
  done </proc/self/cgroup
fi
mount --bind /dev dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/lock
for name in kubelet containerd etcd; do
  mkdir -p "$directory/data/$name" "var/lib/$name"
  mount --bind "$directory/data/$name" "var/lib/$name"
done
mkdir -p ".$cache" mnt
mount --bind "$cache" ".$cache"
mount -o remount,bind,ro ".$cache"

# What a kubelet wants these to be, it finds: they are the whole machine's, and are not changed.
setting() { # PATH VALUE
  if [ ! -e "proc/sys/$1" ]; then return; fi
  echo "$2" >"run/setting.$(echo "$1" | tr / .)"
  mount --bind "run/setting.$(echo "$1" | tr / .)" "proc/sys/$1"
}
setting vm/overcommit_memory 1
setting vm/panic_on_oom 0
setting kernel/panic 10
setting kernel/panic_on_oops 1
setting kernel/keys/root_maxkeys 1000000
setting kernel/keys/root_maxbytes 25000000

mkdir -p machine
pivot_root . machine
# What is mounted for a pod must be seen in it, and the other way round.
mount --make-rshared /
umount --lazy /machine

# No interface leads out. The node's address is that of a bridge without ports; Services need a route to be looked at by netfilter.
hostname node
ip link set lo up
ip link add node type bridge
ip address add 10.200.0.1/24 dev node
ip link set node up
ip route add 10.96.0.0/16 dev node src 10.200.0.1
ip route add unreachable default
for name in ip_forward conf/all/route_localnet; do echo 1 >"/proc/sys/net/ipv4/$name"; done
for name in iptables ip6tables; do
  [ ! -e "/proc/sys/net/bridge/bridge-nf-call-$name" ] || echo 1 >"/proc/sys/net/bridge/bridge-nf-call-$name"
done

echo up
exec chroot / /usr/bin/catatonit -P </dev/null >/dev/null 2>&1
