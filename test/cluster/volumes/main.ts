import { Chart, Duration } from 'cdk8s';
import { Assertion, BackupApp, DatabaseBackup, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../lib';

// One database into volumes of all kinds. NAMESPACE is the namespace.
const { NAMESPACE = 'volumes' } = process.env;
const app = new BackupApp();
const chart = new Chart(app, 'volumes', { namespace: NAMESPACE });
for (const claim of ['disk', 'foreign', 'nowhere']) {
  const backup = new DatabaseBackup(chart, `on-${claim}`, {
    engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
    host: 'orders-db',
    credentials: SecretRef.named('orders-backup'),
    repository: Repository.files({ claimName: claim }),
    retention: Retention.keep({ last: 5 }),
    schedule: Schedule.never(),
    repositoryWait: Duration.seconds(20),
    retries: 0,
  });
  backup.addVerification({
    schedule: Schedule.never(),
    retries: 0,
    assertions: [Assertion.atLeast('select count(*) from pgbench_accounts', 1000)],
  });
  backup.addRestore({ credentials: SecretRef.named('orders-owner') });
}
app.synth();
