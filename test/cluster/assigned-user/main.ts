import { Chart } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  Engine,
  MariadbVersion,
  Platform,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  SecretRef,
} from '../../../lib';

// Two databases whose pods run as whom the cluster chooses, and one whose pods name a user. NAMESPACE is the namespace, that of the
// servers is called after it.
const { NAMESPACE = 'assigned-user' } = process.env;
const app = new BackupApp();
Platform.openShift(app);
const chart = new Chart(app, 'assigned-user', { namespace: NAMESPACE });
const servers = `${NAMESPACE}-servers`;
const shared = { retention: Retention.keep({ last: 5 }), schedule: Schedule.never(), retries: 0 };
const files = Repository.files({ claimName: 'backups' });
const postgres = {
  ...shared,
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
  host: `orders-db.${servers}`,
  credentials: SecretRef.named('orders-backup'),
  repository: files,
};
const orders = new DatabaseBackup(chart, 'orders', postgres);
const catalog = new DatabaseBackup(chart, 'catalog', {
  ...shared,
  engine: Engine.mariadb({ version: MariadbVersion.V10_11, databases: ['catalog'] }),
  host: `catalog-db.${servers}`,
  credentials: SecretRef.named('catalog'),
  repository: Repository.restic({
    location: ResticLocation.local({ claimName: 'restic' }),
    password: SecretRef.named('key').key('password'),
  }),
});
orders.addVerification({
  schedule: Schedule.never(),
  retries: 0,
  assertions: [Assertion.atLeast('select count(*) from pgbench_accounts', 100)],
});
catalog.addVerification({ schedule: Schedule.never(), retries: 0 });
orders.addRestore({ credentials: SecretRef.named('orders-owner') });
catalog.addRestore();
new DatabaseBackup(chart, 'named', { ...postgres, pods: { assignedUser: false } });
app.synth();
