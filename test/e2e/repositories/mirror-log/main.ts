import { Chart, Duration } from 'cdk8s';
import { BackupApp, DatabaseBackup, DataVolume, Engine, Mirror, PostgresVersion, Repository, Retention, SecretRef } from '../../../../lib';

// Recovery points that build on others, and the log after them, on two volumes.
const app = new BackupApp();
const retention = Retention.keep({ last: 2, atLeast: 1 });
const backup = new DatabaseBackup(new Chart(app, 'ledger', { namespace: 'ledger' }), 'books', {
  engine: Engine.postgresPhysical({ version: PostgresVersion.V17, incrementals: 3 }),
  host: 'books-db',
  credentials: SecretRef.named('books-replication'),
  dataVolume: DataVolume.claim('data', 'data'),
  repository: Repository.files({ claimName: 'backups' }),
  retention,
  retries: 0,
});
backup.add(Mirror.to(Repository.files({ claimName: 'copies' }), { name: 'copy', retention, retries: 0, restore: {}, verification: {} }));
backup.addLogArchive({ every: Duration.seconds(5) });
app.synth();
