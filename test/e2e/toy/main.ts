import { Chart } from 'cdk8s';
import { BackupApp, Compression, DatabaseBackup, Repository, Retention, SecretRef } from '../../../lib';
import { ToyEngine } from '../../engines/toy/toy';

const app = new BackupApp();
const chart = new Chart(app, 'toy', { namespace: 'toy' });
const backup = new DatabaseBackup(chart, 'lines', {
  engine: new ToyEngine(),
  host: 'lines',
  credentials: SecretRef.named('lines'),
  repository: Repository.files({ claimName: 'backups', compression: Compression.GZIP }),
  retention: Retention.keep({ last: 1, atLeast: 2 }),
});
backup.addVerification();
backup.addRestore();
app.synth();
