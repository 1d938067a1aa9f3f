import { Chart } from 'cdk8s';
import {
  Assertion,
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

// A newer MariaDB, whose programs have no mysql in their names, over TLS, with assertions.
const app = new BackupApp();
const chart = new Chart(app, 'eleven', { namespace: 'eleven' });
const backup = new DatabaseBackup(chart, 'eleven', {
  engine: Engine.mariadb({ version: MariadbVersion.V11_8, tls: MysqlTls.encrypted() }),
  host: 'eleven-db',
  credentials: SecretRef.named('eleven-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
});
backup.addVerification({
  assertions: [
    Assertion.atLeast('select count(*) from orders', 20000, { database: 'app_db' }),
    Assertion.equalTo('select name from customers where id = 0', 'zero', { database: 'app_db' }),
  ],
});
backup.addRestore({ credentials: SecretRef.named('eleven-owner') });

// Of the options that are not for everybody: MySQL's position in the binary log, and tables without transactions refused.
const common = {
  credentials: SecretRef.named('eleven-owner'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
};
new DatabaseBackup(chart, 'positions', {
  ...common,
  engine: Engine.mysql({ version: MysqlVersion.V9_7, databases: ['payments'], binlogPosition: true }),
  host: 'payments-db',
});
new DatabaseBackup(chart, 'strict', {
  ...common,
  engine: Engine.mariadb({ version: MariadbVersion.V11_8, databases: ['app_db'], transactionalOnly: true }),
  host: 'eleven-db',
});
app.synth();
