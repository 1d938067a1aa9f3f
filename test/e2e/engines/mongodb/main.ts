import { Chart, Duration } from 'cdk8s';
import { Assertion, BackupApp, DatabaseBackup, Engine, MongodbVersion, Repository, Retention, SecretRef } from '../../../../lib';

// A standalone server, of which two databases are backed up, without an oplog.
const app = new BackupApp();
const chart = new Chart(app, 'mongodb', { namespace: 'mongodb' });
const shared = {
  credentials: SecretRef.named('db'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 10 }),
  readyTimeout: Duration.seconds(10),
  retries: 0,
};
const backup = new DatabaseBackup(chart, 'shop', {
  ...shared,
  engine: Engine.mongodb({ version: MongodbVersion.V7_0, oplog: false, databases: ['shop', 'Blog'] }),
  host: 'shop-db',
});
backup.addVerification({
  assertions: [
    Assertion.equalTo("db.posts.findOne({ _id: 'ж' }).title", 'привет', { database: 'Blog' }),
    Assertion.atLeast('db.orders.countDocuments({})', 3, { database: 'shop' }),
  ],
});
backup.addRestore();

// What the host turns out to be is not what was said.
const wrongly = { ...shared, engine: Engine.mongodb({ version: MongodbVersion.V7_0, replicaSet: 'rs0' }) };
new DatabaseBackup(chart, 'no-set', { ...wrongly, host: 'shop-db' });
new DatabaseBackup(chart, 'other-set', { ...wrongly, host: 'other-db' });
app.synth();
