import { Chart, Size } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  Engine,
  PostgresVersion,
  RecoveryPoint,
  Repository,
  RestoreForm,
  Retention,
  Schedule,
  SecretRef,
} from '../../../lib';
import { claim } from '../stateful-server';

// What is in Git: a database whose restore is on demand, and, where RESTORED_AS says so, one that is a Job. MEMORY, in mebibytes, is what an upgrade, or
// somebody else, changes in the pods. NAMESPACE is the namespace.

const { NAMESPACE, RESTORED_AS, MEMORY = '512' } = process.env;
const memory = Size.mebibytes(Number(MEMORY));
const app = new BackupApp();
const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
claim(shop, 'backups');
const orders = new DatabaseBackup(shop, 'orders', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 4 }),
  schedule: Schedule.never(),
  pods: { cpuRequest: '20m', memoryLimit: memory },
});
const credentials = SecretRef.named('orders-owner');
orders.addRestore({ credentials, pods: { memoryLimit: memory } });
if (RESTORED_AS) {
  const request = { database: 'orders', into: RESTORED_AS };
  orders.addRestore({
    form: RestoreForm.JOB,
    name: 'once',
    credentials,
    from: RecoveryPoint.newest(),
    request,
    pods: { memoryLimit: memory },
  });
}
app.synth();
