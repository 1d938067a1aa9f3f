import { carvedRoot, type DebianRecipe } from '../rootfs';
import type { Image } from './catalog';
import { goPrograms } from './go';

export const RESTIC_DEBIAN: DebianRecipe = { suite: 'trixie', packages: ['busybox-static', 'ca-certificates', 'restic'] };

/**
 * restic/restic: an Alpine with restic and certificates. Alpine's tools are busybox too; its ssh, fuse and jq are left out.
 *
 * The real restic is static and runs in whatever image it is copied into. Debian's needs glibc, which is therefore in this root (nothing else
 * here uses it) and must be in the image it is copied into: an image on musl or without any libc would refuse it here and not in a cluster.
 */
export async function resticImage(): Promise<Image> {
  const root = await carvedRoot('restic', {
    from: RESTIC_DEBIAN,
    files: {
      '/usr/bin/busybox': '/bin/busybox',
      '/etc/ssl/certs/ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt',
    },
    programs: ['/usr/bin/restic'],
    busyboxApplets: 'all',
    texts: {
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
      '/etc/group': 'root:x:0:root\nnobody:x:65534:\n',
    },
  });
  return { name: 'restic/restic:0.18.0', root, entrypoint: ['/usr/bin/restic'] };
}

/** The very version of the image that pods name: what rclone does with an object's time has changed since Debian's. */
const RCLONE = goPrograms(
  `# After go.sh: builds rclone.
module github.com/rclone/rclone v1.68.2 h1:0m2tKzfTnoZRhRseRFO3CsLa5ZCXYz3xWb98ke3dz98= /tmp/rclone
cd /tmp/rclone
nice go build -ldflags '-s -w' -o /opt/programs/ .
cd /
rm -rf /tmp/go /tmp/go-build /tmp/rclone
`,
  {},
  ['busybox-static'],
);

/** rclone/rclone: an Alpine with a static rclone, of which only the copy that jobs take is used. */
export async function rcloneImage(): Promise<Image> {
  const root = await carvedRoot('rclone', {
    from: RCLONE,
    files: { '/usr/bin/busybox': '/bin/busybox', '/opt/programs/rclone': '/usr/local/bin/rclone' },
    busyboxApplets: 'all',
    texts: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:root\n' },
  });
  return { name: 'rclone/rclone:1.68.2', root };
}
