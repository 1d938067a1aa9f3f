import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Encryption,
  Engine,
  PostgresVersion,
  RedisVersion,
  Repository,
  RepositoryCheck,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

// Every pair of kinds, one of each encrypted where it is files: what is backed up into the first is mirrored into the second.
// Short waits, so that a fault is found in seconds.
const app = new BackupApp();
const chart = new Chart(app, 'mirrors', { namespace: 'mirrors' });
const retention = Retention.keep({ last: 50 });

const key = (name: string) => SecretRef.named(name).key('password');
const offsite = (path: string) =>
  Repository.restic({
    location: ResticLocation.rest({ url: `http://offsite:8000/${path}/`, credentials: SecretRef.named('offsite') }),
    password: key('far-key'),
  });
const encryption = Encryption.gpgSymmetric({ passphrase: key('near-key') });
const files = (claimName: string, encryption?: Encryption) => Repository.files({ claimName, encryption });
const restic = (claimName: string) => Repository.restic({ location: ResticLocation.local({ claimName }), password: key('near-key') });

const postgres = {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['app'] }),
  host: 'db',
  credentials: SecretRef.named('db'),
};
const redis = {
  engine: Engine.redis({ version: RedisVersion.V7_2 }),
  host: 'sessions-db',
  credentials: SecretRef.named('sessions-db'),
  dataVolume: DataVolume.claim('data'),
};
const backups = {
  'files-to-restic': { database: postgres, from: files, to: offsite('a') },
  'restic-to-files': { database: postgres, from: restic, to: files('restic-to-files-copy', encryption) },
  'files-to-files': { database: redis, from: files, to: files('files-to-files-copy') },
  'restic-to-restic': { database: redis, from: restic, to: offsite('b') },
  tight: { database: postgres, from: (claimName: string) => files(claimName, encryption), to: files('tight-copy') },
};
const options = { retention, retries: 0, repositoryWait: Duration.seconds(4) };
for (const [series, { database, from, to }] of Object.entries(backups)) {
  const backup = new DatabaseBackup(chart, series, { ...database, ...options, repository: from(series) });
  backup.addVerification();
  backup.addRestore();
  backup.addMirror(to, {
    name: 'copy',
    retention,
    retries: 0,
    verification: { retries: 0, checkRepository: RepositoryCheck.none() },
    restore: {},
  });
}
app.synth();
