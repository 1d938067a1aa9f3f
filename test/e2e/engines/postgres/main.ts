import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  type BackupOptions,
  DatabaseBackup,
  Engine,
  type PostgresEngineOptions,
  PostgresVersion,
  Repository,
  Retention,
  SecretRef,
} from '../../../../lib';

// PostgreSQL as it is met: settings, rights and accidents that a backup has to live with, and say something about.
const app = new BackupApp();
const chart = new Chart(app, 'elephant', { namespace: 'elephant' });
const impatient: BackupOptions = { retries: 0, readyTimeout: Duration.seconds(4), repositoryWait: Duration.seconds(4) };

function add(
  series: string,
  databases: string[] | undefined,
  credentials: string,
  version = PostgresVersion.V15,
  more: Partial<PostgresEngineOptions> = {},
): DatabaseBackup {
  const backup = new DatabaseBackup(chart, series, {
    ...impatient,
    engine: Engine.postgres({ version, ...(databases && { databases }), ...more }),
    host: 'db',
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ last: 50 }),
    sizeDropLimit: 100,
    credentials: SecretRef.named(credentials),
  });
  backup.addVerification({ retries: 0 });
  backup.addRestore({ host: 'target', credentials: SecretRef.named('restorer') });
  return backup;
}

add('all', undefined, 'least');
add('all-as-stranger', undefined, 'stranger');
add('orders', ['orders'], 'superuser');
add('shop', ['shop'], 'superuser');
add('pair', ['one', 'two'], 'superuser');
add('cards', ['cards'], 'superuser');
add('cron', ['postgres'], 'superuser', PostgresVersion.V15, {
  image: 'registry.example/postgres-cron:15',
  scratchSettings: { shared_preload_libraries: 'pg_cron', 'cron.database_name': 'postgres' },
});
for (const role of ['least', 'owner', 'superuser']) add(`owned-by-${role}`, ['owned'], role);
add('seventeen', ['shop'], 'superuser', PostgresVersion.V17);

app.synth();
