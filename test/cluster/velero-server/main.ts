import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import {
  CsiDriver,
  MariadbVersion,
  Quiesce,
  Schedule,
  SecretRef,
  VeleroCheck,
  VeleroProtection,
  VeleroRestoreJob,
  VeleroSchedule,
  VeleroVolume,
  VolumeSnapshotClass,
} from '../../../lib';
import { DRIVER } from '../csi';

// A shop with a MariaDB that is held still while Velero snapshots its volume, a check of that, and a drill.

const { SHOP = 'shop', COPY = 'shop-copy', VELERO = 'velero' } = process.env;
const SETUP = `create database if not exists shop;
create table if not exists shop.sales (n int primary key) engine=innodb;
create user if not exists quiesce@'127.0.0.1' identified by 'quiesce';
grant reload on *.* to quiesce@'127.0.0.1';
`;
const START = `
if [ ! -d /var/lib/mysql/data/mysql ]; then
  mariadb-install-db --no-defaults --datadir=/var/lib/mysql/data --auth-root-authentication-method=normal --skip-test-db --force >/dev/null
  printf %s "$SETUP" >/tmp/setup.sql
fi
[ -f /tmp/setup.sql ] || : >/tmp/setup.sql
exec mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid --bind-address=127.0.0.1 --port=3306 --init-file=/tmp/setup.sql --innodb-log-file-size=8M
`;

const app = new App();
const shop = new Chart(app, 'shop', { namespace: SHOP });
new VolumeSnapshotClass(shop, 'disks', { name: `${SHOP}-disks`, driver: CsiDriver.of(DRIVER), usedByVelero: true });
new k8s.KubeSecret(shop, 'quiesce', { metadata: { name: 'quiesce' }, stringData: { username: 'quiesce', password: 'quiesce' } });
const db = new k8s.KubeStatefulSet(shop, 'db', {
  metadata: { name: 'db' },
  spec: {
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 5,
        securityContext: { runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'server',
            image: MariadbVersion.V10_11.image,
            command: ['sh', '-ec', START],
            env: [{ name: 'SETUP', value: SETUP }],
            readinessProbe: {
              exec: { command: ['mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--execute=select 1 from shop.sales limit 1'] },
              periodSeconds: 1,
            },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            volumeMounts: [
              { name: 'data', mountPath: '/var/lib/mysql' },
              { name: 'tmp', mountPath: '/tmp' },
            ],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data' },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } } },
      },
    ],
  },
});

const velero = new Chart(app, 'velero', { namespace: VELERO });
const common = { namespace: VELERO, includedNamespaces: [SHOP] };
const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', {
  ...common,
  schedule: Schedule.daily({ at: '02:00', timeZone: 'Europe/Berlin' }),
});
const quiesce = Quiesce.mariadb({
  ...{ version: MariadbVersion.V10_11, credentials: SecretRef.named('quiesce'), limit: Duration.minutes(1) },
});
VeleroProtection.of(db, { quiesce, volumes: [VeleroVolume.snapshot('data')], backup: veleroSchedule });
new VeleroCheck(velero, 'check', { veleroSchedule, expectedHooks: 2 });
new VeleroRestoreJob(velero, 'shop-drill', { ...common, scheduleName: veleroSchedule.name, namespaceMapping: { [SHOP]: COPY } });
app.synth();
