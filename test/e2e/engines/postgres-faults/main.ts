import { Chart, Duration, Size } from 'cdk8s';
import {
  BackupApp,
  type BackupOptions,
  DatabaseBackup,
  Engine,
  type IRepository,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Scratch,
  SecretRef,
} from '../../../../lib';

// What the fault table runs: per repository one healthy backup, and for single faults a backup that is made to meet them.
// Short waits throughout, so that a fault is found in seconds.
const app = new BackupApp();
const chart = new Chart(app, 'faults', { namespace: 'faults' });

const key = SecretRef.named('backup-key').key('password');
const repositories: { [kind: string]: IRepository } = {
  files: Repository.files({ claimName: 'files' }),
  restic: Repository.restic({ location: ResticLocation.local({ claimName: 'restic' }), password: key }),
};
const impatient: BackupOptions = { retries: 0, readyTimeout: Duration.seconds(4), repositoryWait: Duration.seconds(4) };
const retention = Retention.keep({ last: 50 });
const credentials = SecretRef.named('db');
const app15 = Engine.postgres({ version: PostgresVersion.V15, databases: ['app'] });

for (const [kind, repository] of Object.entries(repositories)) {
  const shared = { ...impatient, repository, retention, credentials, host: 'db' };
  const healthy = new DatabaseBackup(chart, kind, { ...shared, engine: app15 });
  healthy.addVerification();
  healthy.addRestore();

  const void_ = Engine.postgres({ version: PostgresVersion.V15, databases: ['void'] });
  new DatabaseBackup(chart, `${kind}-empty`, { ...shared, engine: void_ });
  const missing = Engine.postgres({ version: PostgresVersion.V15, databases: ['app', 'nowhere'] });
  new DatabaseBackup(chart, `${kind}-missing`, { ...shared, engine: missing });
  new DatabaseBackup(chart, `${kind}-newer-server`, { ...shared, engine: app15, host: 'db17' });
  const tight = new DatabaseBackup(chart, `${kind}-tight`, { ...shared, engine: app15 });
  tight.addVerification({ scratch: Scratch.emptyDir(Size.mebibytes(48)), retries: 0 });
}

new DatabaseBackup(chart, 'unreachable', {
  ...impatient,
  repository: Repository.restic({ location: ResticLocation.rest({ url: 'http://vault:8000/' }), password: key }),
  retention,
  credentials,
  host: 'db',
  engine: app15,
});

app.synth();
