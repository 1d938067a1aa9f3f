import { debianRoot } from '../rootfs';
import type { Image } from './catalog';

/**
 * The official redis image (docker-library/redis, redis/docker-library-redis) and valkey/valkey, from Debian's own packages.
 *
 * Kept: uid 999, the working directory /data, Debian's own tools and no more: gzip, no zstd, no curl. Left out: the modules that
 * redis 8 loads, docker-entrypoint.sh, and the anonymous volume at /data.
 */
export async function redisImage(name: 'redis' | 'valkey', version: string, suite: 'bookworm' | 'trixie'): Promise<Image> {
  const root = await debianRoot({
    suite,
    packages: [`${name}-server`],
    before: [`groupadd -r -g 999 ${name}`, `useradd -r -g ${name} -u 999 ${name}`].join('\n'),
    after: [
      `test "$(id -u ${name}):$(id -g ${name})" = 999:999`,
      `mkdir -p /data && chown ${name}:${name} /data`,
      // What Debian adds for its own service: the image's server starts without a file.
      `rm -rf /etc/${name} /var/lib/${name} /etc/init.d/${name}-server`,
      'test ! -e /usr/bin/zstd',
    ].join('\n'),
  });
  return { name: `${name}:${version}-${suite}`, root };
}
