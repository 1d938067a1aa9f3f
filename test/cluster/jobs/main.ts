import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { DatabaseBackup, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../lib';
import { CONTAINED, unprivileged } from '../restricted';
import { claim } from '../stateful-server';

// A database whose backup waits long for a lock, so that it can be met in the middle of its dump. NAMESPACE is the namespace.

const app = new App();
const shop = new Chart(app, 'shop', { namespace: process.env.NAMESPACE });
claim(shop, 'backups');
const orders = new DatabaseBackup(shop, 'orders', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'], lockTimeout: Duration.minutes(20) }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
  repository: Repository.files({ claimName: 'backups' }),
  retention: Retention.keep({ last: 4 }),
  schedule: Schedule.never(),
  readyTimeout: Duration.minutes(20),
  pods: { cpuRequest: '20m' },
});
orders.addRestore({ credentials: SecretRef.named('orders-owner') });
// Somebody who looks at the repository.
new k8s.KubePod(shop, 'looker', {
  metadata: { name: 'looker' },
  spec: {
    terminationGracePeriodSeconds: 1,
    securityContext: unprivileged(),
    containers: [
      {
        name: 'looker',
        image: 'busybox:1.37.0-musl',
        command: ['sleep', '1000000'],
        securityContext: CONTAINED,
        volumeMounts: [{ name: 'backups', mountPath: '/backups' }],
      },
    ],
    volumes: [{ name: 'backups', persistentVolumeClaim: { claimName: 'backups' } }],
  },
});
app.synth();
