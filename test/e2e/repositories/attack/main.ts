import { Chart, Duration, Size } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  Engine,
  ObjectLock,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Scratch,
  SecretRef,
} from '../../../../lib';

// One database, backed up to three stores that an attacker with the backup's own credentials meets: a REST server that only appends, a
// bucket whose policy allows no delete, and a bucket that locks.
const app = new BackupApp();
const chart = new Chart(app, 'attack', { namespace: 'attack' });
const bucket = { endpoint: 'http://store:9000', region: 'eu-test-1' };
const locations: { [store: string]: ResticLocation } = {
  rest: ResticLocation.rest({ url: 'http://vault:8000/', credentials: SecretRef.named('rest') }),
  kept: ResticLocation.s3({ ...bucket, bucket: 'kept', prefix: 'blue', versioned: true, credentials: SecretRef.named('kept') }),
  locked: ResticLocation.s3({
    ...bucket,
    bucket: 'locked',
    prefix: 'blue',
    objectLock: ObjectLock.governance({ days: 30, atLeastDays: 14 }),
    credentials: SecretRef.named('locked'),
  }),
};
for (const [store, location] of Object.entries(locations)) {
  const backup = new DatabaseBackup(chart, store, {
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
    repository: Repository.restic({ location, password: SecretRef.named('key').key('password') }),
    // Who may not delete cannot prune.
    retention: store === 'locked' ? Retention.keep({ daily: 30 }) : Retention.all(),
    retries: 0,
    repositoryWait: Duration.seconds(10),
  });
  backup.addVerification({ retries: 0, scratch: Scratch.emptyDir(Size.gibibytes(2)) });
  backup.addRestore();
}
app.synth();
