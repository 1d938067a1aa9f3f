import { beforeAll } from 'vitest';
import { comesBack } from './comes-back';
import { contentOf, server, shop } from './shop';

/** PostgreSQL of dist/shop.k8s.yaml, which is applied already. Its server stays for what follows. */
export function postgresComesBack(): void {
  beforeAll(() => server.start(), 600_000);

  comesBack({
    namespace: shop,
    name: 'orders',
    content: () => contentOf('orders'),
    lose: async () => {
      await server.sql('postgres', 'drop database orders with (force)');
    },
  });
}
