import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import {
  CsiDriver,
  GroupSnapshotVersion,
  MariadbVersion,
  Quiesce,
  Retention,
  Schedule,
  SecretRef,
  SnapshotMode,
  VolumeGroupSnapshotClass,
  VolumeSnapshotClass,
  VolumeSnapshotGroup,
  type VolumeSnapshotGroupProps,
  VolumeSnapshotMember,
} from '../../../lib';

// A shop: what its MariaDB, its PostgreSQL and its files hold belongs together.
const app = new App();
const driver = CsiDriver.of('rehearsal.csi.example');
const storage = new Chart(app, 'storage');
new VolumeSnapshotClass(storage, 'fast', { driver });
new VolumeGroupSnapshotClass(storage, 'together', { driver });

const shop = new Chart(app, 'shop', { namespace: 'shop' });
const STOCK = `
create database if not exists shop;
create table if not exists shop.hits (n int auto_increment primary key, writer int) engine=aria transactional=0;
create table if not exists shop.sales (n int auto_increment primary key, writer int) engine=innodb;
create user if not exists backup@'127.0.0.1' identified by 'quiesce';
grant reload on *.* to backup@'127.0.0.1';
`;
// Each in a session of its own, a row to a table of Aria and one to InnoDB, again and again.
const WRITERS = `
until test -S /tmp/mysqld.sock; do sleep 0.1; done
sleep 1
for writer in 1 2 3 4 5 6 7 8; do
  { while sleep 0.1; do echo "insert into shop.hits(writer) values ($writer); insert into shop.sales(writer) values ($writer);"; done |
    mariadb --socket=/tmp/mysqld.sock --user=root --password= --force; } &
done
wait`;
const stock = database(
  'stock-db',
  'mariadb:10.11.19-jammy',
  '/var/lib/mysql',
  [
    'mkdir -p /var/lib/mysql/data; test -d /var/lib/mysql/data/mysql ||',
    'mariadb-install-db --no-defaults --datadir=/var/lib/mysql/data --auth-root-authentication-method=normal --skip-test-db --force >/dev/null',
    'printf %s "$STOCK" | tr "\\n" " " | sed "s/; */;\\n/g" >/tmp/init.sql',
    `exec mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid --bind-address=127.0.0.1 --port=${process.env.STOCK_PORT} --init-file=/tmp/init.sql --innodb-log-file-size=8M`,
  ],
  WRITERS,
);
const orders = database('orders-db', 'postgres:15.19-bookworm', '/var/lib/postgresql', [
  'PATH=$PATH:/usr/lib/postgresql/15/bin; test -d /var/lib/postgresql/data || initdb --no-sync --auth=trust --username=postgres /var/lib/postgresql/data >/dev/null',
  "exec postgres -D /var/lib/postgresql/data -c listen_addresses='' -c unix_socket_directories=/tmp",
]);

const quiesce = Quiesce.mariadb({
  version: MariadbVersion.V10_11,
  credentials: SecretRef.named('stock-quiesce'),
  port: Number(process.env.STOCK_PORT),
  wait: Duration.seconds(2),
  limit: Duration.seconds(5),
});
const held = VolumeSnapshotMember.workload(stock, { quiesce });
const rest = [
  VolumeSnapshotMember.workload(orders),
  VolumeSnapshotMember.claims(['uploads']),
  VolumeSnapshotMember.selecting({ kind: 'cache' }),
];

group('shop', { members: [held, ...rest], snapshotClassName: 'fast' });
group('instant', { members: [held, ...rest], mode: native(GroupSnapshotVersion.V1) });
group('instant-beta', { members: [held, ...rest], mode: native(GroupSnapshotVersion.V1BETA2) });
app.synth();

function native(apiVersion: GroupSnapshotVersion): SnapshotMode {
  return SnapshotMode.native({ selector: { app: 'shop' }, groupClassName: 'together', apiVersion });
}

function group(name: string, props: Omit<VolumeSnapshotGroupProps, 'retention'>): void {
  new VolumeSnapshotGroup(shop, name, {
    schedule: Schedule.never(),
    retention: Retention.keep({ last: 2, atLeast: 1 }),
    cutTimeout: Duration.seconds(3),
    readyTimeout: Duration.seconds(2),
    retries: 0,
    ...props,
  });
}

/** A server with a volume, and something that runs beside it. */
function database(name: string, image: string, mountPath: string, script: string[], beside?: string): k8s.KubeStatefulSet {
  const labels = { app: name };
  return new k8s.KubeStatefulSet(shop, name, {
    metadata: { name },
    spec: {
      serviceName: name,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 2,
          securityContext: { runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999 },
          containers: [
            {
              name: 'server',
              image,
              command: ['sh', '-ec', script.join('\n')],
              env: [{ name: 'STOCK', value: STOCK.trim() }],
              volumeMounts: [
                { name: 'data', mountPath },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
            ...(beside
              ? [{ name: 'beside', image, command: ['sh', '-c', beside], volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] }]
              : []),
          ],
          volumes: [{ name: 'tmp', emptyDir: {} }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data', labels: { app: 'shop' } },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('1Gi') } } },
        },
      ],
    },
  });
}
