import { beforeAll, expect, test } from 'vitest';
import { succeed } from '../../e2e/support/rehearse';
import { server, shop } from './shop';

/** What runs in pods, from dist/ as it is: a database is backed up, verified, lost, and comes back. */
export function postgresComesBack(): void {
  const content = () => server.sql('orders', 'select count(*), sum(hashtext(a::text)::bigint) from pgbench_accounts a');

  beforeAll(() => server.start(), 600_000);

  test('it is backed up by a job that was made by hand, and verified', async () => {
    const { id } = await succeed(shop.run('orders-backup'), 'published');
    expect((await succeed(shop.run('orders-verify'), 'verified')).id).toBe(id);
  });

  test('it is lost, and comes back', async () => {
    const before = await content();
    await server.sql('postgres', 'drop database orders with (force)');
    await succeed(shop.run('orders-restore'), 'restored');
    expect(await content()).toBe(before);
  });
}
