import { carvedRoot, type DebianRecipe } from '../rootfs';
import type { Image } from './catalog';

// /srv is where the tests' servers, run from the same roots, find their data.
const TEXTS = { '/srv/.directory': '', '/etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\n', '/etc/group': 'root:x:0:\n' };

/**
 * gcr.io/etcd-development/etcd (etcd-io/etcd, Dockerfile-release): distroless, with etcd's programs and nothing else. No shell, no `cp`.
 *
 * The real programs are static and lie in /usr/local/bin; Debian's need glibc, which is therefore here.
 */
export async function etcdImage(series: '3.4' | '3.5', suite: 'bookworm' | 'trixie'): Promise<Image> {
  const programs = ['/usr/bin/etcd', '/usr/bin/etcdctl', ...(series === '3.4' ? [] : ['/usr/bin/etcdutl'])];
  const root = await carvedRoot(`etcd-${series}`, {
    from: { suite, packages: ['etcd-server', 'etcd-client'] },
    files: {},
    programs,
    texts: TEXTS,
  });
  return { name: `etcd:${series}-${suite}`, root };
}

const CURL_DEBIAN: DebianRecipe = { suite: 'trixie', packages: ['busybox-static', 'ca-certificates', 'curl', 'zstd'] };

/**
 * curlimages/curl (curl/curl-container): an Alpine with curl, whose base packages bring zstd. Alpine's busybox has flock, Debian's
 * does not, so that comes from util-linux. The real curl is linked with musl; Debian's brings its glibc.
 */
export async function curlImage(): Promise<Image> {
  const root = await carvedRoot('curl', {
    from: CURL_DEBIAN,
    files: { '/usr/bin/busybox': '/bin/busybox' },
    programs: ['/usr/bin/curl', '/usr/bin/zstd', '/usr/bin/flock'],
    busyboxApplets: 'all',
    texts: {
      '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\ncurl_user:x:100:101::/home/curl_user:/sbin/nologin\n',
      '/etc/group': 'root:x:0:\ncurl_group:x:101:\n',
    },
  });
  return { name: 'curl:8-trixie', root, entrypoint: ['/entrypoint.sh'], user: 100 };
}
