import { Chart, Duration } from 'cdk8s';
import {
  BackupApp,
  BackupPlan,
  CaCertificates,
  Destination,
  Engine,
  Notifier,
  PostgresVersion,
  Repository,
  Restore,
  Retention,
  SecretRef,
} from '../../../lib';

// A backup for each thing that a notifier tells. NAMESPACE is the namespace, and PORT the receiver's.

const app = new BackupApp();
const { NAMESPACE: namespace = 'notifier', PORT = '8443' } = process.env;
const plan = new BackupPlan(new Chart(app, 'shop', { namespace }), 'nightly', {
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ daily: 7 }),
});
const receiver = SecretRef.named('receiver');
const shared = {
  caCertificates: CaCertificates.configMap('receiver', 'ca.crt'),
  destinations: [Destination.outside({ port: Number(PORT) })],
  watcher: { cluster: 'test', interval: Duration.seconds(10), timeout: Duration.seconds(5) },
};
plan.add(
  Restore.onDemand(),
  Notifier.slack({ webhook: receiver.key('slack'), ...shared }),
  Notifier.webhook({ url: receiver.key('hook'), signingKey: receiver.key('key'), successes: true, ...shared }),
);
for (const name of ['good', 'failed', 'killed', 'slow', 'unpulled', 'refused', 'moved']) {
  plan.addBackup(name, {
    host: 'orders-db',
    credentials: SecretRef.named('orders-backup'),
    engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['orders'] }),
  });
}
app.synth();
