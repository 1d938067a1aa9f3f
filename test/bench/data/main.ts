import { Chart, Size } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  type DatabaseOptions,
  DataVolume,
  Engine,
  type IRepository,
  MariadbVersion,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  Scratch,
  SecretRef,
} from '../../../lib';

// What `npm run bench:data` measures: each way of this library that the others are compared with.
const app = new BackupApp();
const chart = new Chart(app, 'bench', { namespace: 'bench' });

const files = Repository.files({ claimName: 'store', path: 'files' });
const restic = (path: string) =>
  Repository.restic({
    location: ResticLocation.local({ claimName: 'store', path }),
    password: SecretRef.named('key').key('password'),
  });
const [resticOfPostgres, resticOfMariadb] = [restic('restic-pg'), restic('restic-maria')];
const postgres = (database: string): DatabaseOptions => ({
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: [database], jobs: 2 }),
  host: 'postgres',
  credentials: SecretRef.named('postgres'),
});
const mariadb = (database: string): DatabaseOptions => ({
  engine: Engine.mariadb({ version: MariadbVersion.V10_11, databases: [database] }),
  host: 'mariadb',
  credentials: SecretRef.named('mariadb'),
});

for (const size of ['small', 'large']) {
  protect(`pg-files-${size}`, postgres(size), files);
  protect(`pg-restic-${size}`, postgres(size), resticOfPostgres);
  protect(`maria-files-${size}`, mariadb(size), files);
  protect(`maria-restic-${size}`, mariadb(size), resticOfMariadb);
}
protect(
  'maria-physical',
  {
    engine: Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }),
    host: 'mariadb',
    credentials: SecretRef.named('mariadb'),
    dataVolume: DataVolume.claim('maria-data'),
  },
  files,
);

function protect(id: string, database: DatabaseOptions, repository: IRepository): void {
  new DatabaseBackup(chart, id, {
    ...database,
    repository,
    retention: Retention.all(),
    scratch: Scratch.emptyDir(Size.gibibytes(2)),
  }).addRestore({ request: { replace: 'yes' } });
}

app.synth();
