import { Chart } from 'cdk8s';
import { BackupApp, DatabaseBackup, Engine, PostgresVersion, Repository, Retention, SecretRef } from '../../../../lib';

// The database that PostgreSQL's developers test PostgreSQL with, backed up by the least role.
const app = new BackupApp();
const backup = new DatabaseBackup(new Chart(app, 'torture', { namespace: 'torture' }), 'regression', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['regression'] }),
  host: 'db',
  credentials: SecretRef.named('least'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 5 }),
  retries: 0,
});
backup.addVerification({ retries: 0 });
backup.addRestore({ host: 'target', credentials: SecretRef.named('restorer') });

app.synth();
