import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { carvedRoot } from '../../rootfs';
import type { Image } from '../catalog';
import { goBinaries } from '../go-binaries';

const part = (name: string) => readFileSync(join(__dirname, name), 'utf8');

const PROGRAM = { name: 'kubectl-program', build: part('build.sh'), files: { 'main.go': part('main.go') } };

/** alpine/kubectl: an Alpine with kubectl, of the very version that pods name. Of Alpine there is its busybox, and no more. */
export async function kubectlImage(): Promise<Image> {
  const root = await carvedRoot('kubectl', {
    from: { suite: 'trixie', packages: ['busybox-static'] },
    files: { '/usr/bin/busybox': '/bin/busybox' },
    copies: { '/usr/local/bin/kubectl': join(await goBinaries(PROGRAM), 'kubectl') },
    busyboxApplets: 'all',
    texts: {
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n',
      '/etc/group': 'root:x:0:root\nnobody:x:65534:\n',
    },
  });
  return { name: 'alpine/kubectl:1.34.2', root, entrypoint: ['kubectl'] };
}
