import { afterAll, beforeAll, expect, test } from 'vitest';
import { Namespace, RESTRICTED } from '../namespace';
import { secret, startServer, startShell } from '../server';
import { comesBack } from './comes-back';
import { Terminal } from './paste';
import { contentOf, ORDERS, server, shop } from './shop';

/** restic of dist/shop.k8s.yaml, on a REST server in another namespace; after `postgresComesBack`, which has brought up the database. */
export function offsiteComesBack(): void {
  let vault: Namespace;
  const LOGIN = { username: 'shop', password: 'of-shop' };

  beforeAll(async () => {
    vault = await Namespace.create('backup', RESTRICTED);
    await startServer(vault, {
      ...{ name: 'backup-server', image: 'rclone/rclone:1.68.2', port: 8000 },
      command: ['rclone', 'serve', 'restic', '--addr=:8000', '--config=/dev/null', '/data'],
      env: { RCLONE_USER: LOGIN.username, RCLONE_PASS: LOGIN.password },
    });
    await shop.apply(secret('backup-server', LOGIN), secret('backup-key', { password: 'of the repository' }));
  }, 600_000);
  afterAll(() => vault?.delete(), 600_000);

  comesBack({ ...ORDERS, name: 'shop-all' });

  test('it is read by hand, with nothing but restic', async () => {
    await startShell(vault, {
      ...{ name: 'by-hand', image: 'restic/restic:0.18.0' },
      env: {
        ...{ RESTIC_REPOSITORY: 'rest:http://backup-server:8000/shop/', RESTIC_PASSWORD: 'of the repository', RESTIC_CACHE_DIR: '/tmp' },
        ...{ RESTIC_REST_USERNAME: LOGIN.username, RESTIC_REST_PASSWORD: LOGIN.password },
      },
    });
    const terminal = await Terminal.open(vault.name);
    try {
      const restic = 'kubectl exec by-hand -- restic';
      const snapshots = await terminal.shows('restic snapshots --host orders', { restic, orders: 'shop-all' });
      const [, snapshot = '', path = ''] = /^([0-9a-f]{8}) .* \/shop-all@(\S+)@orders\.dump/m.exec(snapshots) ?? [];
      expect(snapshot, snapshots).not.toBe('');
      await server.sql('postgres', 'create database by_restic');
      await terminal.shows('restic dump <snapshot> /orders@<id>@orders.dump | pg_restore -d ...', {
        ...{ restic, '<snapshot>': snapshot, '/orders@<id>': `/shop-all@${path}` },
        'pg_restore -d ...': `kubectl -n ${shop.name} exec -i orders-db -- pg_restore -U postgres -d by_restic`,
      });
      expect(await contentOf('by_restic')).toBe(await contentOf('orders'));
      await terminal.shows('restic unlock', { restic });
    } finally {
      terminal.close();
    }
  });
}
