import { debianRoot } from '../rootfs';
import { DEFAULT_PATH, type Image } from './catalog';

/**
 * The official rabbitmq management image (docker-library/rabbitmq), from Debian's own packages.
 *
 * Kept: uid 999, the home at /var/lib/rabbitmq, Erlang and RabbitMQ as the only programs beside Debian's own: no curl, no wget,
 * no python. The management plug-in is enabled. Left out: rabbitmqadmin (a program of Rust in new images, none in Debian's)
 * and docker-entrypoint.sh.
 */
export async function rabbitmqImage(version: '3.10' | '4.0', suite: 'bookworm' | 'trixie'): Promise<Image> {
  const root = await debianRoot({
    suite,
    packages: ['rabbitmq-server'],
    before: [
      'groupadd --gid 999 --system rabbitmq',
      'useradd --uid 999 --system --home-dir /var/lib/rabbitmq --gid rabbitmq rabbitmq',
    ].join('\n'),
    after: [
      'test "$(id -u rabbitmq):$(id -g rabbitmq)" = 999:999',
      'rm -rf /var/lib/rabbitmq/.erlang.cookie /var/lib/rabbitmq/mnesia /var/log/rabbitmq/*',
      "echo '[rabbitmq_management].' >/etc/rabbitmq/enabled_plugins",
      // The official image has it whole in one place, and no scripts before it that change directory and user.
      'rm -f /usr/sbin/rabbitmq*',
      'ln -s /usr/lib/rabbitmq/lib/rabbitmq_server-* /opt/rabbitmq',
      'rm -f /usr/bin/python3*',
      // A runtime would give it; here brokers run without one.
      'echo 127.0.0.1 localhost >/etc/hosts',
      'chown -R rabbitmq:rabbitmq /etc/rabbitmq /var/lib/rabbitmq /var/log/rabbitmq',
      'test ! -e /usr/bin/curl -a ! -e /usr/bin/wget -a ! -e /usr/bin/zstd',
    ].join('\n'),
  });
  return { name: `rabbitmq:${version}-management`, root, path: `/opt/rabbitmq/sbin:${DEFAULT_PATH}`, user: 999 };
}
