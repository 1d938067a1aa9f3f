import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import {
  Assertion,
  Engine,
  MariadbVersion,
  Quiesce,
  Retention,
  Schedule,
  SecretRef,
  VolumeCheck,
  VolumeSnapshotGroup,
  VolumeSnapshotMember,
} from '../../../lib';

// A shop for a cluster, whichever: a MariaDB that is held still, and its volume and one of files as a group. NAMESPACE is the namespace,
// STORAGE_CLASS and SNAPSHOT_CLASS are the cluster's classes, or its defaults.

const { NAMESPACE = 'cdk8s-backup', STORAGE_CLASS, SNAPSHOT_CLASS } = process.env;
const SETUP = `create database if not exists shop;
create table if not exists shop.sales (n int primary key) engine=innodb;
create user if not exists quiesce@'127.0.0.1' identified by 'quiesce';
grant reload on *.* to quiesce@'127.0.0.1';
`;
const START = `
mkdir -p /var/lib/mysql/data
test -d /var/lib/mysql/data/mysql || mariadb-install-db --no-defaults --datadir=/var/lib/mysql/data --auth-root-authentication-method=normal --skip-test-db --force >/dev/null
printf %s "$SETUP" >/tmp/setup.sql
exec mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid --bind-address=127.0.0.1 --port=3306 --init-file=/tmp/setup.sql --innodb-log-file-size=8M
`;

const app = new App();
const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
new k8s.KubeSecret(shop, 'quiesce', { metadata: { name: 'quiesce' }, stringData: { username: 'quiesce', password: 'quiesce' } });
const claim = (name: string) => ({
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: STORAGE_CLASS,
    resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } },
  },
});
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
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            volumeMounts: [
              { name: 'data', mountPath: '/var/lib/mysql' },
              { name: 'files', mountPath: '/files' },
              { name: 'tmp', mountPath: '/tmp' },
            ],
          },
        ],
        volumes: [{ name: 'tmp', emptyDir: {} }],
      },
    },
    volumeClaimTemplates: [claim('data'), claim('files')],
  },
});
const quiesce = Quiesce.mariadb({
  ...{ version: MariadbVersion.V10_11, credentials: SecretRef.named('quiesce'), limit: Duration.minutes(1) },
});
const common = { retention: Retention.keep({ last: 2, atLeast: 1 }), schedule: Schedule.never(), retries: 0 };
const members = [VolumeSnapshotMember.workload(db, { quiesce })];
const group = new VolumeSnapshotGroup(shop, 'shop', { ...common, members, snapshotClassName: SNAPSHOT_CLASS });
const assertions = [Assertion.atLeast('select count(*) from sales', 1, { database: 'shop' })];
const check = VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), {
  ...{ claims: ['data-db-0'], path: 'data', assertions },
});
group.verify({ checks: [check], schedule: Schedule.never(), storageClassName: STORAGE_CLASS, retries: 0 });
// A class that no cluster has.
const files = [VolumeSnapshotMember.claims(['files-db-0'])];
new VolumeSnapshotGroup(shop, 'classless', { ...common, members: files, snapshotClassName: 'cdk8s-backup-has-no-such-class' });
app.synth();
