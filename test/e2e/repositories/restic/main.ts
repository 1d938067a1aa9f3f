import { Chart, Duration } from 'cdk8s';
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
  SecretRef,
} from '../../../../lib';

// What is done to restic repositories: locks that killed runs leave, and first runs that begin at once.
const app = new BackupApp();
const chart = new Chart(app, 'restic', { namespace: 'restic' });

const impatient: BackupOptions = { retries: 0, repositoryWait: Duration.seconds(6) };
const key = SecretRef.named('key').key('password');
const place = (claimName: string) => ({ location: ResticLocation.local({ claimName }), password: key });

function notes(id: string, repository: IRepository): DatabaseBackup {
  return new DatabaseBackup(chart, id, {
    ...impatient,
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['notes'] }),
    host: 'db',
    credentials: SecretRef.named('db'),
    repository,
    retention: Retention.keep({ last: 1, atLeast: 1 }),
  });
}

notes('notes', Repository.restic(place('notes'))).addRestore();
notes('found', Repository.fromExistingRestic(place('found')));
for (const round of ['volume-1', 'volume-2', 'made-twice']) {
  const shared = Repository.restic(place(round));
  for (const name of ['left', 'right']) notes(`${name}-${round}`, shared);
}
for (const round of ['server-1', 'server-2', 'server-3']) {
  const url = `http://vault.example:8000/${round}/`;
  const shared = Repository.restic({ location: ResticLocation.rest({ url, credentials: SecretRef.named('vault') }), password: key });
  for (const name of ['left', 'right']) notes(`${name}-${round}`, shared);
}

app.synth();
