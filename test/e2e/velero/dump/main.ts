import { Chart, Duration } from 'cdk8s';
import { BackupApp, DatabaseBackup, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../../lib';
import { VeleroDump } from '../../../../lib/velero';

const app = new BackupApp();
const chart = new Chart(app, 'shop', { namespace: 'shop' });
const backup = new DatabaseBackup(chart, 'orders', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 10 }),
  schedule: Schedule.never(),
  readyTimeout: Duration.seconds(3),
});
backup.addVerification();
backup.addRestore({ credentials: SecretRef.named('orders-owner') });
new VeleroDump(chart, 'orders-velero', { backup, timeout: Duration.minutes(30) });
app.synth();
