import { type DebianRecipe, debianRoot } from '../../rehearsal/rootfs';

/** A Debian with what a node has beside Kubernetes. */
export const NODE_DEBIAN: DebianRecipe = {
  suite: 'trixie',
  packages: [
    ...['containerd', 'runc', 'containernetworking-plugins', 'etcd-server', 'openssl'],
    ...['iptables', 'ipset', 'conntrack', 'iproute2', 'kmod', 'procps', 'e2fsprogs', 'btrfs-progs'],
    // Reaps what lost its parent: PID 1 of the node, and of each pod.
    'catatonit',
  ],
  // kube-router and kube-proxy are to write the same tables, and kube-router knows the old ones.
  after: 'for name in iptables ip6tables; do update-alternatives --set $name /usr/sbin/$name-legacy; done',
};

/** The root file system of the node. The path on this machine. */
export function nodeRoot(): Promise<string> {
  return debianRoot(NODE_DEBIAN);
}
