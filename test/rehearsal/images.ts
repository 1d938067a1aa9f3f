import { existsSync } from 'node:fs';
import { carvedRoot, type DebianRecipe, debianRoot } from './rootfs';

/** An image as a container runtime knows it: a root file system, and the parts of its configuration that change how a container runs. */
export interface Image {
  /** `repository:tag` as pods write it, without registry and digest: `postgres:15-bookworm`. */
  readonly name: string;
  /** Host path of the root file system. Containers never write to it. */
  readonly root: string;
  /** PATH of the image's configuration. @default "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" */
  readonly path?: string;
  /** ENV of the image's configuration, without PATH. @default none */
  readonly env?: Record<string, string>;
  /** USER of the image's configuration. @default 0 */
  readonly user?: number;
  /** ENTRYPOINT, used by containers without `command`. @default none: such a container is an error */
  readonly entrypoint?: string[];
  /**
   * STOPSIGNAL, what PID 1 gets when the pod is deleted. It is the image's choice, not Kubernetes':
   * the official postgres image asks for SIGINT, and a script there that traps only TERM is killed without having cleaned up.
   * @default "SIGTERM"
   */
  readonly stopSignal?: NodeJS.Signals;
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The images that can be pulled. One that nobody declared cannot: better an ErrImagePull than a guess at what the image holds. */
export class ImageCatalog {
  private readonly images = new Map<string, Image>();

  add(image: Image): this {
    const name = canonicalName(image.name);
    if (this.images.has(name)) throw new Error(`image ${name} is declared twice`);
    if (!existsSync(image.root)) throw new Error(`image ${name}: root ${image.root} does not exist`);
    this.images.set(name, image);
    return this;
  }

  /** The image a pod's `image` field means, or undefined when it was never declared. */
  find(reference: string): Image | undefined {
    return this.images.get(canonicalName(reference));
  }
}

/**
 * `docker.io/library/postgres:15@sha256:...` and `postgres:15` are one image.
 *
 * The digest is dropped, so a wrong digest is not found here (a registry has to be asked). A reference by digest alone has no tag and so means
 * `latest`, as a tagless reference does. Any other registry host is dropped too: what counts is what is inside.
 */
export function canonicalName(reference: string): string {
  const [withoutDigest = ''] = reference.split('@');
  const parts = withoutDigest.split('/');
  const [first = ''] = parts;
  if (parts.length > 1 && (first.includes('.') || first.includes(':') || first === 'localhost')) parts.shift();
  if (parts.length === 2 && parts[0] === 'library') parts.shift();
  const name = parts.join('/');
  return name.includes(':') ? name : `${name}:latest`;
}

/** Builds (or finds in the cache) every root the end-to-end tests use. */
export async function prepareImages(): Promise<ImageCatalog> {
  const catalog = new ImageCatalog();
  // One after the other: debootstrap is bound by the disk and by dpkg, two at once gain nothing on two cores.
  catalog.add(await postgresImage('15', 'bookworm'));
  catalog.add(await postgresImage('17', 'trixie'));
  catalog.add(await resticImage());
  catalog.add(await rcloneImage());
  return catalog;
}

/**
 * The official postgres image, as its Dockerfile builds it (docker-library/postgres), from Debian's own packages.
 *
 * Kept: uid 999, the locale, PATH with the server's directory *last* (so `pg_dump` is Debian's wrapper), the directories and their modes,
 * STOPSIGNAL, no ca-certificates. Left out: gosu and docker-entrypoint.sh, the sample configuration that listens on every address, and the
 * anonymous volume at PGDATA that a runtime makes writable (so here a read-only root is read-only there too).
 */
async function postgresImage(major: '15' | '17', suite: 'bookworm' | 'trixie'): Promise<Image> {
  const root = await debianRoot({
    suite,
    packages: ['gnupg', 'less', 'locales', 'libnss-wrapper', 'xz-utils', 'zstd', 'postgresql-common', `postgresql-${major}`],
    before: [
      'groupadd -r postgres --gid=999',
      'useradd -r -g postgres --uid=999 --home-dir=/var/lib/postgresql --shell=/bin/bash postgres',
      'install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql',
      'mkdir /docker-entrypoint-initdb.d',
    ].join('\n'),
    after: [
      'echo "en_US.UTF-8 UTF-8" >>/etc/locale.gen',
      'locale-gen',
      'locale -a | grep -q en_US.utf8',
      'install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql',
      'install --directory --owner postgres --group postgres --mode 1777 /var/lib/postgresql/data',
      'test "$(id -u postgres):$(id -g postgres)" = 999:999',
      'test ! -e /etc/ssl/certs/ca-certificates.crt',
      'test -z "$(ls /etc/postgresql 2>/dev/null)"',
    ].join('\n'),
  });
  return {
    name: `postgres:${major}-${suite}`,
    root,
    path: `${DEFAULT_PATH}:/usr/lib/postgresql/${major}/bin`,
    env: { LANG: 'en_US.utf8', PG_MAJOR: major, PGDATA: '/var/lib/postgresql/data' },
    stopSignal: 'SIGINT',
  };
}

export const RESTIC_DEBIAN: DebianRecipe = { suite: 'trixie', packages: ['busybox-static', 'ca-certificates', 'rclone', 'restic'] };

/**
 * restic/restic: an Alpine with restic and certificates. Alpine's tools are busybox too; its ssh, fuse and jq are left out.
 *
 * The real restic is static and runs in whatever image it is copied into. Debian's needs glibc, which is therefore in this root (nothing else
 * here uses it) and must be in the image it is copied into: an image on musl or without any libc would refuse it here and not in a cluster.
 */
async function resticImage(): Promise<Image> {
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

/** rclone/rclone: an Alpine with a static rclone, of which only the copy that jobs take is used. */
async function rcloneImage(): Promise<Image> {
  const root = await carvedRoot('rclone', {
    from: RESTIC_DEBIAN,
    files: { '/usr/bin/busybox': '/bin/busybox', '/usr/bin/rclone': '/usr/local/bin/rclone' },
    busyboxApplets: 'all',
    texts: { '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n', '/etc/group': 'root:x:0:root\n' },
  });
  return { name: 'rclone/rclone:1.68.2', root };
}
