import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Encryption,
  Engine,
  type IRepository,
  Mirror,
  PostgresVersion,
  RedisVersion,
  Repository,
  RepositoryCheck,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../lib';

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
const copied = (repository: IRepository) => [
  Mirror.to(repository, {
    name: 'copy',
    retention,
    retries: 0,
    verification: { retries: 0, checkRepository: RepositoryCheck.none() },
    restore: {},
  }),
];
const files = (claimName: string, mirrors?: Mirror[], encryption?: Encryption) => Repository.files({ claimName, mirrors, encryption });
const restic = (claimName: string, mirrors: Mirror[]) =>
  Repository.restic({ location: ResticLocation.local({ claimName }), password: key('near-key'), mirrors });

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
  'files-to-restic': { ...postgres, repository: files('files-to-restic', copied(offsite('a'))) },
  'restic-to-files': { ...postgres, repository: restic('restic-to-files', copied(files('restic-to-files-copy', [], encryption))) },
  'files-to-files': { ...redis, repository: files('files-to-files', copied(files('files-to-files-copy'))) },
  'restic-to-restic': { ...redis, repository: restic('restic-to-restic', copied(offsite('b'))) },
  tight: { ...postgres, repository: files('tight', copied(files('tight-copy')), encryption) },
};
for (const [series, props] of Object.entries(backups)) {
  const backup = new DatabaseBackup(chart, series, { ...props, retention, retries: 0, repositoryWait: Duration.seconds(4) });
  backup.addVerification();
  backup.addRestore();
}
app.synth();
