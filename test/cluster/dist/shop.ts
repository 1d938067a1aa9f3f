import { Namespace } from '../namespace';
import { PostgresServer } from '../postgres-server';

/** The namespace of dist/shop.k8s.yaml, with the server that is backed up there. Whoever uses it has it alone. */
export const shop = new Namespace('shop');

/** The server that dist/shop.k8s.yaml protects. */
export const server = new PostgresServer(shop);
