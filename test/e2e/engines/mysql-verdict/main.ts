import { Chart } from 'cdk8s';
import {
  BackupApp,
  DatabaseBackup,
  Engine,
  MariadbVersion,
  MysqlTls,
  MysqlVersion,
  Repository,
  Retention,
  SecretRef,
} from '../../../../lib';

// What is hard for a dump, or impossible, in databases of two products; what a role sees.
const app = new BackupApp();

const DATABASES = ['accident', 'app', 'core', 'kids', 'parents', 'events', 'values'];

function add(namespace: string, series: string, databases: string[] | undefined, mariadb: boolean, version = MariadbVersion.V10_11): void {
  const chart = new Chart(app, `${namespace}-${series}`, { namespace });
  const backup = new DatabaseBackup(chart, series, {
    engine: mariadb
      ? Engine.mariadb({ version, databases, tls: MysqlTls.disabled() })
      : Engine.mysql({ version: MysqlVersion.V9_7, databases }),
    host: `${namespace}-db`,
    credentials: SecretRef.named('backup'),
    repository: Repository.files({ claimName: 'backups' }),
    retention: Retention.keep({ daily: 7 }),
  });
  backup.addVerification();
  backup.addRestore({ credentials: SecretRef.named('owner') });
}

add('maria', 'hard', [...DATABASES, 'versioned', 'locked'], true);
add('mysql', 'hard', DATABASES, false);
for (const [namespace, mariadb] of [
  ['maria', true],
  ['mysql', false],
] as const) {
  add(namespace, 'swap', ['swap'], mariadb);
  add(namespace, 'everything', undefined, mariadb);
  add(namespace, 'torture', ['torture'], mariadb);
  add(namespace, 'owner', ['swap'], mariadb);
}
add('maria', 'newer', ['swap'], true, MariadbVersion.V11_8);
app.synth();
