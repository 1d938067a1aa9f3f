import { Chart, Duration } from 'cdk8s';
import {
  Alerts,
  BackupApp,
  BackupPlan,
  DataVolume,
  Engine,
  LogArchive,
  Objectives,
  PostgresVersion,
  Repository,
  Restore,
  Retention,
  Schedule,
  SecretRef,
  Verification,
} from '../../../lib';

// A backup for each thing that alerts tell, with its rules. NAMESPACE is the namespace. lapse.ts lets an hour of this be a minute.

const app = new BackupApp();
const { NAMESPACE: namespace = 'alerts' } = process.env;
const shop = new Chart(app, 'shop', { namespace });
const plan = new BackupPlan(shop, 'nightly', {
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
  schedule: Schedule.daily(),
  deadline: Duration.hours(1),
});
const shared = { host: 'orders-db', credentials: SecretRef.named('orders-backup') };
const database = { ...shared, engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['orders'] }) };
const hourly = { ...database, schedule: Schedule.hourly() };
const daily = Alerts.of(Objectives.of({ recoveryPoint: Duration.hours(26) }));

plan
  .addBackup('good', { ...hourly, deadline: Duration.hours(3) })
  .add(Restore.onDemand(), Alerts.of(Objectives.of({ recoveryPoint: Duration.hours(6) })));
plan
  .addBackup('never', { ...hourly, deadline: Duration.minutes(45) })
  .add(Alerts.of(Objectives.of({ recoveryPoint: Duration.minutes(105) })));
plan.addBackup('missed', hourly).add(daily);
// These are not due while the scenario runs.
for (const name of ['failed', 'killed', 'slow', 'unpulled', 'suspended', 'deleted']) plan.addBackup(name, database).add(daily);
plan
  .addBackup('tried', database)
  .add(
    Verification.weekly(),
    Alerts.of(Objectives.of({ recoveryPoint: Duration.hours(26), recoveryTime: Duration.minutes(30), proof: Duration.days(10) })),
  );
plan
  .addBackup('books', {
    ...shared,
    engine: Engine.postgresPhysical({ version: PostgresVersion.V17 }),
    dataVolume: DataVolume.claim('data-books-0'),
    podLabels: { app: 'books' },
  })
  .add(LogArchive.every(Duration.minutes(1)), daily);
app.synth();
