import { Chart, Duration } from 'cdk8s';
import {
  AgeMonitor,
  BackupApp,
  BackupWitness,
  Compression,
  DatabaseBackup,
  Encryption,
  type IRepository,
  Objectives,
  Repository,
  ResticCache,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../../../lib';
import { ToyEngine } from '../../../engines/toy/toy';

// One series in each kind of repository, and of each a witness and an age monitor.

/** A public key whose private one nobody has: the test names one of its own. */
const NOBODYS = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const REPOSITORIES: { [name: string]: IRepository } = {
  files: Repository.files({ claimName: 'files', path: 'backups', compression: Compression.GZIP }),
  closed: Repository.files({
    claimName: 'closed',
    compression: Compression.GZIP,
    encryption: Encryption.age({
      recipients: [process.env.RECIPIENT ?? NOBODYS],
      identity: SecretRef.named('identity').key('identity'),
      image: 'registry.example/age:1.2.1',
    }),
  }),
  restic: Repository.restic({
    location: ResticLocation.local({ claimName: 'vault' }),
    password: SecretRef.named('key').key('password'),
    cache: ResticCache.none(),
  }),
};

const app = new BackupApp();
const chart = new Chart(app, 'witness', { namespace: 'witness' });
for (const [name, repository] of Object.entries(REPOSITORIES)) {
  new BackupWitness(chart, `witness-of-${name}`, { name, repository, serviceMonitor: {} });
  const backup = new DatabaseBackup(chart, name, {
    series: `lines-${name}`,
    engine: new ToyEngine(),
    host: 'lines',
    credentials: SecretRef.named('lines'),
    repository,
    retention: Retention.all(),
  });
  backup.addVerification();
  backup.add(AgeMonitor.of(Objectives.of({ recoveryPoint: Duration.days(3), proof: Duration.days(9) })));
}
app.synth();
