import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import {
  CsiDriver,
  MariadbVersion,
  PostgresVersion,
  Quiesce,
  Retention,
  Schedule,
  SecretRef,
  SnapshotMode,
  VolumeSnapshotClass,
  VolumeSnapshotGroup,
  type VolumeSnapshotGroupProps,
  VolumeSnapshotMember,
} from '../../../lib';

// A shop: what its MariaDB, its PostgreSQL and its files hold belongs together. Its documents are a group of their own, for which
// nothing is held. NAMESPACE is the namespace, and the name of the class.

const { NAMESPACE = 'snapshot-groups' } = process.env;
const app = new App();
new VolumeSnapshotClass(new Chart(app, 'storage'), NAMESPACE, { driver: CsiDriver.of('snapshots.csi.example') });

const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
const STOCK = `create database if not exists shop;
create table if not exists shop.hits (n int auto_increment primary key, writer int) engine=aria transactional=0;
create table if not exists shop.sales (n int auto_increment primary key, writer int) engine=innodb;
create user if not exists backup@'127.0.0.1' identified by 'quiesce';
grant reload on *.* to backup@'127.0.0.1';
`;
const START = `
mkdir -p /var/lib/mysql/data
test -d /var/lib/mysql/data/mysql || mariadb-install-db --no-defaults --datadir=/var/lib/mysql/data --auth-root-authentication-method=normal --skip-test-db --force >/dev/null
printf %s "$STOCK" >/tmp/stock.sql
exec mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid --bind-address=127.0.0.1 --port=3306 --init-file=/tmp/stock.sql --innodb-log-file-size=8M
`;
// Each in a session of its own, a row to a table of Aria and one to InnoDB, again and again.
const WRITERS = `
until mariadb --socket=/tmp/mysqld.sock --user=root --execute='select 1 from shop.sales' >/dev/null 2>&1; do sleep 0.2; done
for writer in 1 2 3 4 5 6 7 8; do
  { while sleep 0.2; do echo "insert into shop.hits(writer) values ($writer); insert into shop.sales(writer) values ($writer);"; done |
    mariadb --socket=/tmp/mysqld.sock --user=root --force; } &
done
wait
`;
const ORDERS = `
PATH=$PATH:/usr/lib/postgresql/15/bin
test -d /var/lib/postgresql/data || initdb --no-sync --auth=trust --username=postgres /var/lib/postgresql/data >/dev/null
exec postgres -D /var/lib/postgresql/data -c listen_addresses='' -c unix_socket_directories=/tmp
`;

new k8s.KubeSecret(shop, 'stock-quiesce', {
  ...{ metadata: { name: 'stock-quiesce' }, stringData: { username: 'backup', password: 'quiesce' } },
});
for (const name of ['uploads', 'thumbs', 'carts']) claim(name, { group: 'shop', ...(name === 'uploads' ? {} : { kind: 'cache' }) });
for (const name of ['letters', 'contracts']) claim(name, { kind: 'document' });

const stock = database('stock-db', MariadbVersion.V10_11.image, '/var/lib/mysql', START, WRITERS);
const orders = database('orders-db', PostgresVersion.V15.image, '/var/lib/postgresql', ORDERS);
const quiesce = Quiesce.mariadb({
  version: MariadbVersion.V10_11,
  credentials: SecretRef.named('stock-quiesce'),
  wait: Duration.seconds(5),
  limit: Duration.minutes(2),
});
const members = [
  VolumeSnapshotMember.workload(stock, { quiesce }),
  VolumeSnapshotMember.workload(orders),
  VolumeSnapshotMember.claims(['uploads']),
  VolumeSnapshotMember.selecting({ kind: 'cache' }),
];
const documents = [VolumeSnapshotMember.claims(['letters']), VolumeSnapshotMember.selecting({ kind: 'document' })];

group('shop', { members, snapshotClassName: NAMESPACE, cutTimeout: Duration.minutes(2) });
group('impatient', { members, snapshotClassName: NAMESPACE, cutTimeout: Duration.seconds(5), readyTimeout: Duration.seconds(2) });
group('together', { members, mode: SnapshotMode.native({ selector: { group: 'shop' }, groupClassName: 'disks' }) });
group('documents', { members: documents });
group('filed', { members: documents, mode: SnapshotMode.native({ selector: { kind: 'document' } }) });
app.synth();

function group(name: string, props: Omit<VolumeSnapshotGroupProps, 'retention'>): void {
  const retention = Retention.keep({ last: 2, atLeast: 1 });
  new VolumeSnapshotGroup(shop, name, { schedule: Schedule.never(), retention, readyTimeout: Duration.minutes(5), retries: 0, ...props });
}

function claimSpec(): k8s.PersistentVolumeClaimSpec {
  return { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('256Mi') } } };
}

function claim(name: string, labels: { [label: string]: string }): void {
  new k8s.KubePersistentVolumeClaim(shop, name, { metadata: { name, labels }, spec: claimSpec() });
}

/** A server with a volume, and something that runs beside it. */
function database(name: string, image: string, mountPath: string, start: string, beside?: string): k8s.KubeStatefulSet {
  const labels = { app: name };
  const tmp = { name: 'tmp', mountPath: '/tmp' };
  const container = (of: string, script: string, volumeMounts: k8s.VolumeMount[]): k8s.Container => ({
    ...{ name: of, image, command: ['sh', '-ec', script], env: [{ name: 'STOCK', value: STOCK }] },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    resources: { requests: { cpu: k8s.Quantity.fromString('20m'), memory: k8s.Quantity.fromString('64Mi') } },
    volumeMounts: [...volumeMounts, tmp],
  });
  const ids = { runAsUser: 999, runAsGroup: 999, fsGroup: 999 };
  return new k8s.KubeStatefulSet(shop, name, {
    metadata: { name },
    spec: {
      serviceName: name,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...{ automountServiceAccountToken: false, enableServiceLinks: false, terminationGracePeriodSeconds: 5 },
          securityContext: { ...ids, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [container('server', start, [{ name: 'data', mountPath }]), ...(beside ? [container('beside', beside, [])] : [])],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data', labels: { group: 'shop' } }, spec: claimSpec() }],
    },
  });
}
