import { Chart, Duration } from 'cdk8s';
import { Assertion, BackupApp, DatabaseBackup, Engine, RabbitmqVersion, Repository, Retention, SecretRef } from '../../../../lib';

// Another version of RabbitMQ, with assertions about a virtual host and about the broker.
const app = new BackupApp();
const chart = new Chart(app, 'messaging', { namespace: 'messaging' });
const backup = new DatabaseBackup(chart, 'events', {
  engine: Engine.rabbitmq({ version: RabbitmqVersion.V3_13, plugins: ['rabbitmq_shovel', 'rabbitmq_federation'] }),
  host: 'broker',
  credentials: SecretRef.named('broker-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
  retries: 0,
  readyTimeout: Duration.seconds(4),
});
backup.addVerification({
  retries: 0,
  assertions: [
    Assertion.equalTo('list_queues name', 'waiting', { database: 'shop ж' }),
    Assertion.equalTo('list_vhosts name', '/ shop ж full'),
  ],
});
backup.addRestore();
app.synth();
