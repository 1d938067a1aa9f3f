import { join } from 'node:path';
import { Chart } from 'cdk8s';
import { BackupApp, Compression, DatabaseBackup, Engine, PostgresVersion, Repository, Retention, SecretRef } from '../..';

/** The versions that the demo has a plan for. */
export const VERSIONS: { readonly [major: string]: PostgresVersion } = {
  18: PostgresVersion.V18,
  17: PostgresVersion.V17,
  16: PostgresVersion.V16,
  15: PostgresVersion.V15,
  14: PostgresVersion.V14,
};

/** The version that the demo takes if it may choose. */
export const PREFERRED = '17';

/** The names in the plan, as in a real cluster with a shop. */
export const SHOP = { namespace: 'shop', host: 'orders-db', database: 'orders', backup: 'orders-backup', owner: 'orders-owner' };

/** The same as main.ts of the quick start. @returns the YAML's path */
export function synthesizePlan(folder: string, major: string, hasZstd: boolean): string {
  const version = VERSIONS[major];
  if (!version) throw new Error(`there is no plan for PostgreSQL ${major}`);
  const app = new BackupApp({ outdir: folder });
  const orders = new DatabaseBackup(new Chart(app, 'shop', { namespace: SHOP.namespace }), 'orders', {
    engine: Engine.postgres({ version, databases: [SHOP.database] }),
    host: SHOP.host,
    credentials: SecretRef.named(SHOP.backup),
    repository: Repository.files({ claimName: 'backups', ...(hasZstd ? {} : { compression: Compression.GZIP }) }),
    retention: Retention.keep({ daily: 7, weekly: 5, monthly: 12 }),
  });
  orders.addVerification();
  orders.addRestore({ credentials: SecretRef.named(SHOP.owner) });
  app.synth();
  return join(folder, 'shop.k8s.yaml');
}
