import { Chart, Duration } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  type BackupOptions,
  DatabaseBackup,
  DataVolume,
  Engine,
  type IRepository,
  PodServiceAccount,
  PostgresVersion,
  RedisVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

// One database of each kind, a server that is asked and one whose files are restored, on every kind of repository.
const app = new BackupApp();
const chart = new Chart(app, 'stores', { namespace: 'stores' });
const s3 = { bucket: 'backups', prefix: 'cluster/blue', endpoint: 'http://store:9000', region: 'eu-test-1' };
const keys = SecretRef.named('s3');
const locations: { [kind: string]: ResticLocation } = {
  claim: ResticLocation.local({ claimName: 'restic' }),
  rest: ResticLocation.rest({ url: 'http://vault:8000/', credentials: SecretRef.named('rest') }),
  proxied: ResticLocation.rest({ url: 'http://far-vault:8000/proxied/', credentials: SecretRef.named('rest') }).byProxy({
    url: 'http://proxy:3128',
  }),
  s3: ResticLocation.s3({ ...s3, credentials: keys }),
  sftp: ResticLocation.sftp({ host: 'vault.example', port: 2022, user: 'backup', path: '/cluster', credentials: SecretRef.named('sftp') }),
  'other-region': ResticLocation.s3({ ...s3, region: 'us-east-2', credentials: keys }),
  'other-bucket': ResticLocation.s3({ ...s3, bucket: 'nothing', credentials: keys }),
  identity: ResticLocation.s3({ ...s3, bucket: 'kept', versioned: true }),
  stranger: ResticLocation.s3({ ...s3, bucket: 'kept' }),
  refused: ResticLocation.s3({ ...s3, bucket: 'kept' }),
  'other-keys': ResticLocation.s3({ ...s3, credentials: SecretRef.named('others') }),
};
const password = SecretRef.named('key').key('password');
const repositories: { [kind: string]: IRepository } = {
  files: Repository.files({ claimName: 'files' }),
  ...Object.fromEntries(Object.entries(locations).map(([kind, location]) => [kind, Repository.restic({ location, password })])),
};
// rclone tries for a while before it says why it cannot connect.
const impatient: BackupOptions = { retries: 0, repositoryWait: Duration.seconds(20) };

for (const [kind, repository] of Object.entries(repositories)) {
  const keyless = ['identity', 'stranger', 'refused'].includes(kind);
  const pods = keyless ? { serviceAccount: PodServiceAccount.annotated(kind, {}) } : {};
  const shared = { ...impatient, repository, retention: Retention.days(7), pods };
  const notes = new DatabaseBackup(chart, `${kind}-notes`, {
    ...shared,
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
  });
  // What code of the data's owner would look for.
  const hasNoToken =
    "select count(*) from pg_stat_file('/var/run/secrets/pods.eks.amazonaws.com/serviceaccount', true) s where s.size is null";
  notes.addVerification({ retries: 0, assertions: keyless ? [Assertion.atLeast(hasNoToken, 1)] : [] });
  notes.addRestore();
  const sessions = new DatabaseBackup(chart, `${kind}-sessions`, {
    ...shared,
    engine: Engine.redis({ version: RedisVersion.V7_2 }),
    host: 'cache',
    credentials: SecretRef.named('cache'),
    dataVolume: DataVolume.claim('cache'),
  });
  sessions.addVerification({ retries: 0 });
  sessions.addRestore();
}
app.synth();
