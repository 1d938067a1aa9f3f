import type { Image } from '../../rehearsal';

/**
 * The arguments of `unshare` that run a command in an image's root file system, with a device tree, /proc, and one directory of
 * this machine at /srv, all seen by that process and its children alone. The machine's TMPDIR is not there.
 */
export function inImage(image: Image, directory: string, user: number, command: string[]): string[] {
  const mounts =
    'mount --bind /dev "$1/dev" && mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/srv" && mount --bind "$2" "$1/srv"';
  return [
    '--mount',
    'sh',
    '-ec',
    `${mounts}; root=$1; shift 2; unset TMPDIR; exec chroot --userspec=${user}:${user} "$root" "$@"`,
    'sh',
    image.root,
    directory,
    ...command,
  ];
}
