import { Chart, Duration, Size } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Scratch,
  SecretRef,
} from '../../../../lib';

// One database, backed up over networks that break each in its own way.
const app = new BackupApp();
const chart = new Chart(app, 'network', { namespace: 'network' });
const rest = (host: string) => ResticLocation.rest({ url: `http://${host}:8000/${host}/`, credentials: SecretRef.named('rest') });
const locations: { [fault: string]: ResticLocation } = {
  passing: rest('passing'),
  cut: rest('cut'),
  unavailable: rest('unavailable'),
  slow: rest('slow'),
  full: rest('full'),
  revoked: ResticLocation.s3({
    endpoint: 'http://revoked:9000',
    bucket: 'backups',
    prefix: 'revoked',
    region: 'eu-test-1',
    credentials: SecretRef.named('s3'),
  }),
};
for (const [fault, location] of Object.entries(locations)) {
  const backup = new DatabaseBackup(chart, fault, {
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['noise'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
    repository: Repository.restic({ location, password: SecretRef.named('key').key('password') }),
    retention: Retention.keep({ last: 10 }),
    retries: 0,
    repositoryWait: Duration.seconds(15),
  });
  backup.addVerification({ retries: 0, scratch: Scratch.emptyDir(Size.gibibytes(2)) });
  backup.addRestore();
}
app.synth();
