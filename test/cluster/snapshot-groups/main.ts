import { App, Chart, Duration } from 'cdk8s';
import { PostgresVersion, Retention, Schedule } from '../../../lib';
import {
  CsiDriver,
  SnapshotMode,
  VolumeSnapshotClass,
  VolumeSnapshotGroup,
  type VolumeSnapshotGroupProps,
  VolumeSnapshotMember,
} from '../../../lib/volumes';
import { heldMariadb } from '../held-mariadb';
import { claim, statefulServer } from '../stateful-server';

// A shop: what its MariaDB, its PostgreSQL and its files hold belongs together. Its documents are a group of their own, for which
// nothing is held. NAMESPACE is the namespace, and the name of the class.

const { NAMESPACE = 'snapshot-groups' } = process.env;
const SIZE = '256Mi';
const app = new App();
new VolumeSnapshotClass(new Chart(app, 'storage'), NAMESPACE, { driver: CsiDriver.of('snapshots.csi.example') });

const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
// Each in a session of its own, a row to a table of Aria and one to InnoDB, again and again.
const WRITERS = `
trap 'exit 0' TERM
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

claim(shop, 'uploads', { size: SIZE, labels: { group: 'shop' } });
for (const name of ['thumbs', 'carts']) claim(shop, name, { size: SIZE, labels: { group: 'shop', kind: 'cache' } });
for (const name of ['letters', 'contracts']) claim(shop, name, { size: SIZE, labels: { kind: 'document' } });

const common = { size: SIZE, claimLabels: { group: 'shop' } };
const { server: stock, quiesce } = heldMariadb(shop, 'stock-db', {
  ...{ ...common, beside: WRITERS, wait: Duration.seconds(5), limit: Duration.minutes(2) },
  tables: [
    'hits (n int auto_increment primary key, writer int) engine=aria transactional=0',
    'sales (n int auto_increment primary key, writer int) engine=innodb',
  ],
});
const orders = statefulServer(shop, 'orders-db', {
  ...{ ...common, image: PostgresVersion.V15.image, start: ORDERS, claims: { data: '/var/lib/postgresql' } },
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
