import { Namespace } from '../namespace';
import { PostgresServer } from '../postgres-server';

/** The namespace of dist/shop.k8s.yaml, with the server that is backed up there. Whoever uses it has it alone. */
export const shop = new Namespace('shop');

/** The server that dist/shop.k8s.yaml protects. */
export const server = new PostgresServer(shop);

/** A checksum of the rows of one of its databases. */
export const contentOf = (database: string) =>
  server.sql(database, 'select count(*), sum(hashtext(a::text)::bigint) from pgbench_accounts a');

/** What two series of dist/shop.k8s.yaml protect, each in a repository of its own. */
export const ORDERS = {
  namespace: shop,
  content: () => contentOf('orders'),
  lose: async () => {
    await server.sql('postgres', 'drop database orders with (force)');
  },
};
