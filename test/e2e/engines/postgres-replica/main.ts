import { Chart, Duration } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  DatabaseBackup,
  DataVolume,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';

// Base backups and the log from a replica, into restic.
const app = new BackupApp();
const chart = new Chart(app, 'replica', { namespace: 'replica' });
const backup = new DatabaseBackup(chart, 'books', {
  engine: Engine.postgresPhysical({ version: PostgresVersion.V15, primary: 'primary', replayTimeout: Duration.seconds(3) }),
  host: 'standby',
  credentials: SecretRef.named('books'),
  dataVolume: DataVolume.claim('data', 'data'),
  repository: Repository.restic({
    location: ResticLocation.local({ claimName: 'restic' }),
    password: SecretRef.named('key').key('password'),
  }),
  retention: Retention.keep({ last: 10 }),
  retries: 0,
  readyTimeout: Duration.seconds(5),
});
backup.addLogArchive({ every: Duration.minutes(1) });
backup.addVerification({ retries: 0, assertions: [Assertion.equalTo('select count(*) from entries', '3', { database: 'books' })] });
backup.addRestore();

app.synth();
