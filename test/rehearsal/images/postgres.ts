import { debianRoot } from '../rootfs';
import { DEFAULT_PATH, type Image } from './catalog';

/**
 * The official postgres image, as its Dockerfile builds it (docker-library/postgres), from Debian's own packages.
 *
 * Kept: uid 999, the locale, PATH with the server's directory *last* (so `pg_dump` is Debian's wrapper), the directories and their modes,
 * STOPSIGNAL, no ca-certificates. Left out: gosu and docker-entrypoint.sh, the sample configuration that listens on every address, and the
 * anonymous volume at PGDATA that a runtime makes writable (so here a read-only root is read-only there too).
 *
 * @param extension one that Debian packages: the image is named after it, as one that somebody has built upon the official one
 */
export async function postgresImage(major: '15' | '17', suite: 'bookworm' | 'trixie', extension?: string): Promise<Image> {
  const root = await debianRoot({
    suite,
    packages: [
      'gnupg',
      'less',
      'locales',
      'libnss-wrapper',
      'xz-utils',
      'zstd',
      'postgresql-common',
      `postgresql-${major}`,
      ...(extension ? [`postgresql-${major}-${extension}`] : []),
    ],
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
    name: extension ? `registry.example/postgres-${extension}:${major}` : `postgres:${major}-${suite}`,
    root,
    path: `${DEFAULT_PATH}:/usr/lib/postgresql/${major}/bin`,
    env: { LANG: 'en_US.utf8', PG_MAJOR: major, PGDATA: '/var/lib/postgresql/data' },
    stopSignal: 'SIGINT',
  };
}
