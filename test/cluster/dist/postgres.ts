import { beforeAll } from 'vitest';
import { comesBack } from './comes-back';
import { ORDERS, server } from './shop';

/** PostgreSQL of dist/shop.k8s.yaml, which is applied already. Its server stays for what follows. */
export function postgresComesBack(): void {
  beforeAll(() => server.start(), 600_000);

  comesBack({ ...ORDERS, name: 'orders' });
}
