import { join } from 'node:path';
import { carvedRoot, type DebianRecipe } from '../rootfs';
import type { Image } from './catalog';
import { type GoRecipe, goBinaries } from './go-binaries';

/** restic's very version, built in the manner of its release (build.go). */
const restic = (change: string): GoRecipe => ({
  name: 'restic-program',
  build: `# After go.sh: builds restic.
module github.com/restic/restic v0.18.0 h1:2xSVnbNWYeeZ00AufTLCiw7edzCZS2LE6oDEMlLTr2I= /tmp/restic
cd /tmp/restic
${change}build restic -tags disable_grpc_modules -ldflags '-s -w' ./cmd/restic
`,
});

const RESTIC = restic('');

/**
 * Keys that it makes are derived in a twentieth of the time that restic takes care to take: half a second of each call, which would be a
 * quarter of all that the tests compute.
 */
const RESTIC_OF_CHEAP_KEYS = restic(`sed -i 's/KDFTimeout = 500 /KDFTimeout = 25 /' internal/repository/key.go
grep -qF 'KDFTimeout = 25 * time.Millisecond' internal/repository/key.go
`);

/** Where Alpine's busybox and certificates come from. */
const ALPINE: DebianRecipe = { suite: 'trixie', packages: ['busybox-static', 'ca-certificates'] };

/** restic/restic: an Alpine with a static restic and certificates. Alpine's tools are busybox too; its ssh, fuse and jq are left out. */
async function imageOf(recipe: GoRecipe): Promise<Image> {
  const root = await carvedRoot('restic', {
    from: ALPINE,
    files: {
      '/usr/bin/busybox': '/bin/busybox',
      '/etc/ssl/certs/ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt',
    },
    copies: { '/usr/bin/restic': join(await goBinaries(recipe), 'restic') },
    busyboxApplets: 'all',
    texts: {
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
      '/etc/group': 'root:x:0:root\nnobody:x:65534:\n',
    },
  });
  return { name: 'restic/restic:0.18.0', root, entrypoint: ['/usr/bin/restic'] };
}

/** For tests: with keys that are cheap to derive. */
export const resticImage = () => imageOf(RESTIC_OF_CHEAP_KEYS);

/** For what is measured: as it is released. */
export const resticImageAsReleased = () => imageOf(RESTIC);

/** The very version of the image that pods name: what rclone does with an object's time has changed since Debian's. */
const RCLONE: GoRecipe = {
  name: 'rclone-program',
  build: `# After go.sh: builds rclone.
module github.com/rclone/rclone v1.68.2 h1:0m2tKzfTnoZRhRseRFO3CsLa5ZCXYz3xWb98ke3dz98= /tmp/rclone
cd /tmp/rclone
build rclone -ldflags '-s -w' .
`,
};

/** rclone/rclone: an Alpine with a static rclone, of which only the copy that jobs take is used. */
export async function rcloneImage(): Promise<Image> {
  const root = await carvedRoot('rclone', {
    from: ALPINE,
    files: { '/usr/bin/busybox': '/bin/busybox' },
    copies: { '/usr/local/bin/rclone': join(await goBinaries(RCLONE), 'rclone') },
    busyboxApplets: 'all',
    texts: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:root\n' },
  });
  return { name: 'rclone/rclone:1.68.2', root };
}
