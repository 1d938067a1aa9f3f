import { Chart } from 'cdk8s';
import { BackupApp, DatabaseBackup, Engine, PostgresVersion, Repository, ResticLocation, Retention, SecretRef } from '../../../lib';

const app = new BackupApp();
const backup = new DatabaseBackup(new Chart(app, 'sftp', { namespace: 'sftp' }), 'notes', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] }),
  host: 'db',
  credentials: SecretRef.named('db'),
  repository: Repository.restic({
    location: ResticLocation.sftp({
      host: 'vault.example',
      port: 2022,
      user: 'backup',
      path: '/cluster',
      credentials: SecretRef.named('vault'),
    }),
    password: SecretRef.named('key').key('password'),
  }),
  retention: Retention.keep({ daily: 7 }),
  retries: 0,
});
backup.verify({ retries: 0 });
backup.restore();
app.synth();
