import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { DatabaseBackup, Engine, PostgresVersion, Repository, Retention, Schedule, SecretRef } from '../../../lib';

// A database whose backup waits long for a lock, so that it can be met in the middle of its dump. NAMESPACE is the namespace.

const app = new App();
const shop = new Chart(app, 'shop', { namespace: process.env.NAMESPACE });
new k8s.KubePersistentVolumeClaim(shop, 'backups', {
  metadata: { name: 'backups' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } } },
});
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
orders.restore({ credentials: SecretRef.named('orders-owner') });
// Somebody who looks at the repository.
new k8s.KubePod(shop, 'looker', {
  metadata: { name: 'looker' },
  spec: {
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'looker',
        image: 'busybox:1.37.0-musl',
        command: ['sleep', '1000000'],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'backups', mountPath: '/backups' }],
      },
    ],
    volumes: [{ name: 'backups', persistentVolumeClaim: { claimName: 'backups' } }],
  },
});
app.synth();
