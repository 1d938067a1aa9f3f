import { Chart, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import {
  Assertion,
  BackupApp,
  BackupPlan,
  CsiDriver,
  DatabaseBackup,
  DataVolume,
  Encryption,
  Engine,
  EtcdCluster,
  EtcdTls,
  EtcdVersion,
  type FilesRepositoryOptions,
  type IRepository,
  MariadbVersion,
  MongodbVersion,
  MysqlVersion,
  PostgresVersion,
  ProtectedStatefulSet,
  Quiesce,
  RabbitmqVersion,
  RecoveryOrder,
  RecoveryPoint,
  RedisVersion,
  Repository,
  ResticLocation,
  Retention,
  Schedule,
  Scratch,
  SecretRef,
  SnapshotMode,
  VeleroBackup,
  VeleroBackupStorageLocation,
  VeleroCheck,
  VeleroDump,
  VeleroHook,
  VeleroModifierRule,
  VeleroOrderedResources,
  VeleroPatch,
  VeleroProtection,
  VeleroResourceModifiers,
  VeleroResourcePolicies,
  VeleroRestore,
  VeleroRestoreJob,
  VeleroSchedule,
  VeleroVolume,
  VeleroVolumePolicy,
  VeleroVolumeSnapshotLocation,
  Verification,
  VolumeCheck,
  VolumeFromSnapshot,
  VolumeGroupSnapshotClass,
  VolumeSnapshot,
  VolumeSnapshotClass,
  VolumeSnapshotGroup,
  VolumeSnapshotMember,
  VolumeSnapshotSource,
  VolumesFromGroup,
  VolumesFromSnapshotHandles,
} from './lib';

// The example platform: a namespace for every team, one of everything. `npm run synth` writes it to dist/.
const app = new BackupApp();

// An online shop: a first copy on a volume beside it, readable with nothing but a shell.
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const local = new BackupPlan(shop, 'local', {
  repository: volumeBeside(shop, '100Gi'),
  schedule: Schedule.every(Duration.hours(6), { spread: Duration.minutes(60) }),
  retention: Retention.keep({ last: 4, daily: 7 }),
});
const orders = local.addBackup('orders', {
  engine: Engine.postgres({ version: PostgresVersion.V15, databases: ['orders'] }),
  host: 'orders-db',
  credentials: SecretRef.named('orders-backup'),
});
orders.addVerification({
  schedule: Schedule.daily({ at: '05:00', timeZone: 'Europe/Berlin' }),
  assertions: [
    Assertion.atLeast('select count(*) from pgbench_accounts', 1000),
    Assertion.equalTo('select count(*) from pgbench_branches where bbalance is null', '0'),
  ],
});
orders.addRestore({ credentials: SecretRef.named('orders-owner') });

// The same databases and those of the CRM, encrypted, away from the cluster.
const offsite = new BackupPlan(shop, 'offsite', {
  repository: Repository.restic({
    location: ResticLocation.rest({ url: 'http://backup-server.backup:8000/shop/', credentials: SecretRef.named('backup-server') }),
    password: SecretRef.named('backup-key').key('password'),
  }),
  schedule: Schedule.daily({ at: '01:00', timeZone: 'Europe/Berlin', spread: Duration.minutes(45) }),
  retention: Retention.keep({ daily: 7, weekly: 5, monthly: 12 }),
});
offsite.add(Verification.weekly());
offsite
  .addBackup('shop-all', {
    engine: Engine.postgres({ version: PostgresVersion.V15 }),
    host: 'orders-db',
    credentials: SecretRef.named('orders-backup'),
  })
  .addRestore({ credentials: SecretRef.named('orders-owner'), safetyBackup: true });

const crm = new Chart(app, 'crm', { namespace: 'crm' });
const customers = new BackupPlan(crm, 'offsite', {
  repository: Repository.restic({
    location: ResticLocation.s3({
      bucket: 'acme-backups',
      prefix: 'crm',
      region: 'eu-central-1',
      credentials: SecretRef.named('backup-s3'),
    }),
    password: SecretRef.named('backup-key').key('password'),
  }),
  retention: Retention.keep({ daily: 14, monthly: 6 }),
});
customers.add(Verification.weekly());
customers
  .addBackup('customers', {
    engine: Engine.postgres({ version: PostgresVersion.V17, databases: ['customers', 'campaigns'], jobs: 2 }),
    host: 'customers-db',
    credentials: SecretRef.named('customers-backup'),
  })
  .addRestore();

// The ledger cannot lose an hour: base backups of the whole server, and its log as it is written.
const ledger = new Chart(app, 'ledger', { namespace: 'ledger' });
const books = new DatabaseBackup(ledger, 'books', {
  engine: Engine.postgresPhysical({ version: PostgresVersion.V17, incrementals: 6 }),
  host: 'books-db',
  podLabels: { app: 'books-db' },
  credentials: SecretRef.named('books-replication'),
  dataVolume: DataVolume.claim('data-books-db-0', 'data'),
  repository: volumeBeside(ledger, '500Gi'),
  retention: Retention.keep({ daily: 7, weekly: 4 }),
});
books.addLogArchive({ every: Duration.minutes(1) });
books.addVerification({ assertions: [Assertion.atLeast('select count(*) from entries', 1, { database: 'books' })] });
books.addRestore();

// Sessions in Redis, as its replicas get them. A restore works on the volume of the server while that is scaled to zero.
const sessions = new Chart(app, 'sessions', { namespace: 'sessions' });
const logins = new DatabaseBackup(sessions, 'logins', {
  engine: Engine.redis({ version: RedisVersion.V7_2 }),
  host: 'sessions-db',
  credentials: SecretRef.named('sessions-backup'),
  dataVolume: DataVolume.claim('data-sessions-db-0'),
  repository: volumeBeside(sessions, '20Gi'),
  retention: Retention.keep({ last: 4, daily: 3 }),
});
logins.addVerification({ assertions: [Assertion.atLeast('dbsize', 10)] });
logins.addRestore();

// A shop's catalogue in MariaDB and its payments in MySQL: on a volume beside them, and within the hour in a bucket far away.
const store = new Chart(app, 'store', { namespace: 'store' });
const faraway = Repository.restic({
  location: ResticLocation.s3({
    bucket: 'acme-second-copies',
    prefix: 'store',
    region: 'eu-west-1',
    credentials: SecretRef.named('faraway-s3'),
  }),
  password: SecretRef.named('faraway-key').key('password'),
});
const nightly = new BackupPlan(store, 'nightly', {
  repository: volumeBeside(store, '50Gi'),
  schedule: Schedule.daily({ at: '00:15', timeZone: 'Europe/Berlin', spread: Duration.minutes(30) }),
  retention: Retention.keep({ daily: 7, weekly: 4 }),
});
nightly.add(Verification.weekly());
const catalog = nightly.addBackup('catalog', {
  engine: Engine.mariadb({ version: MariadbVersion.V10_11 }),
  host: 'catalog-db',
  credentials: SecretRef.named('catalog-backup'),
});
const payments = nightly.addBackup('payments', {
  engine: Engine.mysql({ version: MysqlVersion.V9_7, databases: ['payments'] }),
  host: 'payments-db',
  credentials: SecretRef.named('payments-backup'),
});
for (const backup of [catalog, payments]) {
  const credentials = SecretRef.named(`${backup.series}-owner`);
  backup.addRestore({ credentials });
  backup.addMirror(faraway, {
    name: 'faraway',
    retention: Retention.keep({ daily: 30, monthly: 12 }),
    verification: { schedule: Schedule.monthly({ day: 3, at: '06:00', spread: Duration.hours(2) }) },
    restore: { credentials },
  });
}

// A warehouse whose database takes too long to dump: its files are copied instead, beside it.
const warehouse = new Chart(app, 'warehouse', { namespace: 'warehouse' });
const stock = new BackupPlan(warehouse, 'local', {
  repository: volumeBeside(warehouse, '500Gi'),
  schedule: Schedule.daily({ at: '03:15', timeZone: 'Europe/Berlin', spread: Duration.minutes(30) }),
  retention: Retention.keep({ daily: 7, weekly: 4 }),
}).addBackup('stock', {
  engine: Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }),
  host: 'stock-db',
  credentials: SecretRef.named('stock-backup'),
  dataVolume: DataVolume.claim('data-stock-db-0'),
  podLabels: { 'app.kubernetes.io/name': 'stock-db' },
});
stock.addVerification({
  schedule: Schedule.weekly({ at: '05:00', timeZone: 'Europe/Berlin' }),
  assertions: [Assertion.atLeast('select count(*) from items', 1000, { database: 'stock' })],
  scratch: Scratch.ephemeralVolume(Size.gibibytes(250)),
});
stock.addLogArchive({ every: Duration.minutes(1) });
stock.addRestore();

// The cluster itself. What brings it back has to be somewhere else; and so has this file's dist/, with the runbook in it.
const platform = new Chart(app, 'platform', { namespace: 'kube-system' });
const cluster = new BackupPlan(platform, 'cluster', {
  repository: Repository.restic({
    location: ResticLocation.rest({ url: 'https://vault.acme.example:8000/platform/', credentials: SecretRef.named('backup-server') }),
    password: SecretRef.named('backup-key').key('password'),
  }),
  // The engine's own schedule: every 15 minutes.
  retention: Retention.keep({ last: 96, daily: 14, monthly: 3 }),
});
const controlPlane = cluster.addBackup('control-plane', {
  engine: Engine.etcdControlPlane({
    version: EtcdVersion.V3_5,
    cluster: EtcdCluster.kubeadm([
      { name: 'cp-1', address: '10.0.0.11' },
      { name: 'cp-2', address: '10.0.0.12' },
      { name: 'cp-3', address: '10.0.0.13' },
    ]),
  }),
  host: '127.0.0.1',
});
controlPlane.addVerification({
  schedule: Schedule.daily({ at: '06:00', timeZone: 'Europe/Berlin' }),
  assertions: [Assertion.atLeast('/registry/namespaces/', 4)],
});
controlPlane.addRestore();

// An application's etcd, whose clients show certificates.
const discovery = new Chart(app, 'discovery', { namespace: 'discovery' });
const registry = new BackupPlan(discovery, 'local', {
  repository: volumeBeside(discovery, '20Gi'),
  retention: Retention.keep({ last: 8, hourly: 24, daily: 7 }),
}).addBackup('registry', {
  engine: Engine.etcd({
    version: EtcdVersion.V3_4,
    cluster: EtcdCluster.statefulSet({ name: 'etcd', replicas: 1, service: 'etcd-peers' }),
    tls: EtcdTls.secret(SecretRef.named('etcd-client')),
  }),
  host: 'secure-etcd',
  podLabels: { app: 'etcd' },
});
registry.addVerification();
registry.addRestore();

// The definitions of a message broker. Its messages are not backed up.
const messaging = new Chart(app, 'messaging', { namespace: 'messaging' });
const events = new DatabaseBackup(messaging, 'events', {
  engine: Engine.rabbitmq({ version: RabbitmqVersion.V4_0 }),
  host: 'broker',
  credentials: SecretRef.named('broker-backup'),
  repository: volumeBeside(messaging, '1Gi', {
    // They hold password hashes. Of this pair the backup's pods have only this half; the other is in a Secret, and in a safe.
    encryption: Encryption.age({
      recipients: ['age166xqv8rp7dy2gh2lf8tv0y6nm5fwmpyd0s69eupqr9evgwrd2y8qsgcn4u'],
      identity: SecretRef.named('backup-identity').key('identity'),
      image: 'registry.example/age:1.2.1',
    }),
  }),
  retention: Retention.keep({ daily: 14 }),
});
events.addReencryption();
events.addKeyDrill({ key: SecretRef.named('escrow').key('identity') });
events.addVerification({ assertions: [Assertion.equalTo('list_queues name', 'waiting', { database: 'shop ж' })] });
events.addRestore();

// Reviews are in a replica set: everything of one instant, dumped from a secondary.
const reviews = new Chart(app, 'reviews', { namespace: 'reviews' });
const ratings = new DatabaseBackup(reviews, 'ratings', {
  engine: Engine.mongodb({ version: MongodbVersion.V7_0, replicaSet: 'rs0' }),
  host: 'reviews-db',
  podLabels: { app: 'reviews-db' },
  credentials: SecretRef.named('reviews-backup'),
  repository: volumeBeside(reviews, '50Gi'),
  retention: Retention.keep({ daily: 7, weekly: 4 }),
});
ratings.addVerification({ assertions: [Assertion.atLeast('db.reviews.countDocuments({})', 1, { database: 'shop' })] });
ratings.addRestore({ credentials: SecretRef.named('reviews-owner'), scratch: Scratch.emptyDir(Size.gibibytes(20)) });

// What the cluster's storage can do: snapshots, and snapshots of several volumes at one instant.
const storage = new Chart(app, 'storage');
const ceph = CsiDriver.cephRbd({
  clusterId: 'rook-ceph',
  secret: SecretRef.named('rook-csi-rbd-provisioner'),
  secretNamespace: 'rook-ceph',
  driverPrefix: 'rook-ceph',
  pool: 'replicapool',
});
const single = new VolumeSnapshotClass(storage, 'ceph-block', { driver: ceph, isDefault: true, usedByVelero: true });
const together = new VolumeGroupSnapshotClass(storage, 'ceph-block-group', { driver: ceph, usedByVelero: true });

// A gallery: its pictures and what its database says of them belong together.
const gallery = new Chart(app, 'gallery', { namespace: 'gallery' });
const galleryDatabase = new k8s.KubeStatefulSet(gallery, 'gallery-db', {
  metadata: { name: 'gallery-db' },
  spec: {
    serviceName: 'gallery-db',
    selector: { matchLabels: { app: 'gallery-db' } },
    template: {
      metadata: { labels: { app: 'gallery-db' } },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 999,
          runAsGroup: 999,
          fsGroup: 999,
          fsGroupChangePolicy: 'OnRootMismatch',
          seccompProfile: { type: 'RuntimeDefault' },
        },
        containers: [
          {
            name: 'mariadb',
            image: 'mariadb:10.11.19-jammy',
            env: [{ name: 'MARIADB_ROOT_PASSWORD', valueFrom: { secretKeyRef: { name: 'gallery-root', key: 'password' } } }],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            resources: {
              requests: { cpu: k8s.Quantity.fromString('500m'), memory: k8s.Quantity.fromString('1Gi') },
              limits: { memory: k8s.Quantity.fromString('1Gi') },
            },
            volumeMounts: [{ name: 'data', mountPath: '/var/lib/mysql' }],
          },
        ],
      },
    },
    volumeClaimTemplates: [
      {
        metadata: { name: 'data', labels: { app: 'gallery' } },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: k8s.Quantity.fromString('20Gi') } } },
      },
    ],
  },
});
new k8s.KubeNetworkPolicy(gallery, 'gallery-db-policy', {
  metadata: { name: 'gallery-db' },
  spec: {
    podSelector: { matchLabels: { app: 'gallery-db' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'gallery' } } }], ports: [{ port: k8s.IntOrString.fromNumber(3306) }] }],
  },
});
const quietly = Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials: SecretRef.named('gallery-quiesce') });
const galleryVolumes = new VolumeSnapshotGroup(gallery, 'gallery', {
  members: [VolumeSnapshotMember.workload(galleryDatabase, { quiesce: quietly }), VolumeSnapshotMember.claims(['pictures'])],
  schedule: Schedule.every(Duration.hours(4)),
  retention: Retention.keep({ last: 6, daily: 3 }),
  snapshotClassName: single.name,
});
// Proven every night: a server starts on a volume of the snapshot; the pictures can be read.
galleryVolumes.addVerification({
  schedule: Schedule.daily({ at: '05:30' }),
  checks: [
    VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), {
      claims: ['data-gallery-db-0'],
      assertions: [Assertion.atLeast('select count(*) from albums', 1, { database: 'gallery' })],
    }),
  ],
});
galleryVolumes.addRestore();
// A recovery point of that group beside the application, to look into: other claims, in Git.
new VolumesFromGroup(gallery, 'gallery-look', {
  group: galleryVolumes,
  recoveryPoint: RecoveryPoint.id('20261101T040000Z-x7k2p'),
  names: { 'data-gallery-db-0': 'data-gallery-look-0', pictures: 'pictures-look' },
  size: Size.gibibytes(100),
  sizes: { 'data-gallery-db-0': Size.gibibytes(20) },
  storageClassName: 'ceph-block',
});
// The same by the driver, at one instant, of whatever has the label.
new VolumeSnapshotGroup(gallery, 'gallery-instant', {
  members: [VolumeSnapshotMember.selecting({ app: 'gallery' })],
  mode: SnapshotMode.native({ selector: { app: 'gallery' }, groupClassName: together.name }),
  schedule: Schedule.daily({ at: '23:00' }),
  retention: Retention.keep({ daily: 2 }),
}).addVerification({
  checks: [VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), { claims: ['data-gallery-db-0'] })],
});
new VolumeSnapshot(gallery, 'pictures-before-import', { source: VolumeSnapshotSource.claim('pictures'), snapshotClassName: single.name });
new VolumeFromSnapshot(gallery, 'pictures-trial', {
  snapshotName: 'pictures-before-import',
  size: Size.gibibytes(100),
  storageClassName: 'ceph-block',
});

// Thumbnails, in a StatefulSet that is made and protected at once: all replicas in one snapshot.
const thumbnails = new ProtectedStatefulSet(gallery, 'thumbnails', {
  metadata: { name: 'thumbnails' },
  replicas: 2,
  podMetadata: { labels: { app: 'thumbnails' } },
  securityContext: { user: 1001, group: 1001, fsGroup: 1001 },
  containers: [{ name: 'cache', image: 'valkey/valkey:8.1.8-trixie', args: ['--dir', '/data'], portNumber: 6379 }],
  claims: [{ name: 'data', size: Size.gibibytes(5), mountPath: '/data' }],
  protection: {
    volumes: [VeleroVolume.snapshot('data')],
    volumeGroup: 'thumbnails',
    preHook: VeleroHook.command({ command: ['valkey-cli', 'save'], timeout: Duration.minutes(2) }),
  },
});
new k8s.KubeNetworkPolicy(gallery, 'thumbnails-policy', {
  metadata: { name: 'thumbnails' },
  spec: {
    podSelector: { matchLabels: { app: 'thumbnails' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: { matchLabels: { app: 'gallery' } } }], ports: [{ port: k8s.IntOrString.fromNumber(6379) }] }],
  },
});
RecoveryOrder.of(galleryDatabase, { priority: 10 });
RecoveryOrder.of(thumbnails, { dependsOn: [galleryDatabase] });

// Velero backs up the gallery's objects with its volumes, off the cluster. It is installed by whoever runs the cluster.
const velero = new Chart(app, 'velero', { namespace: 'velero' });
const bucket = new VeleroBackupStorageLocation(velero, 'offsite', {
  provider: 'aws',
  bucket: 'acme-velero',
  prefix: 'production',
  config: { region: 'eu-west-1' },
  credentials: SecretRef.named('cloud-credentials').key('cloud'),
  isDefault: true,
});
const disks = new VeleroVolumeSnapshotLocation(velero, 'disks', { provider: 'aws', config: { region: 'eu-west-1' } });
const galleryDaily = new VeleroSchedule(velero, 'gallery-daily', {
  schedule: Schedule.daily({ at: '21:30', timeZone: 'Europe/Berlin' }),
  includedNamespaces: ['gallery'],
  storageLocation: bucket.name,
  volumeSnapshotLocations: [disks.name],
  snapshotMoveData: true,
  ttl: Duration.days(14),
  orderedResources: VeleroOrderedResources.none().pods('gallery/gallery-db-0', 'gallery/thumbnails-0'),
  resourcePolicies: new VeleroResourcePolicies(velero, 'gallery-volumes', {
    volumePolicies: [VeleroVolumePolicy.skip({ claimLabels: { 'gallery.example/scratch': 'yes' } })],
  }),
});
VeleroProtection.of(galleryDatabase, { quiesce: quietly, volumes: [VeleroVolume.snapshot('data')], backup: galleryDaily });

// A quiesce has two hooks, and each of the thumbnails' pods one.
new VeleroCheck(velero, 'gallery-check', { veleroSchedule: galleryDaily, expectedHooks: 4 });

// The same namespace beside itself, when somebody asks: kubectl -n velero create job --from=cronjob/gallery-copy gallery-copy-1
new VeleroRestoreJob(velero, 'gallery-copy', {
  scheduleName: galleryDaily.name,
  includedNamespaces: ['gallery'],
  namespaceMapping: { gallery: 'gallery-copy' },
});

// The store's catalogue goes into Velero's backups as a dump: what the server has open is copied by nobody.
const storeWeekly = new VeleroSchedule(velero, 'store-weekly', {
  schedule: Schedule.weekly({ at: '06:00' }),
  includedNamespaces: ['store'],
});
new VeleroDump(store, 'catalog-dump', { backup: catalog, timeout: Duration.hours(2), veleroBackup: storeWeekly });

// What is done once, by whoever applies it: not among the things that a GitOps tool applies again and again.
const once = new Chart(app, 'velero-once', { namespace: 'velero' });
new VeleroBackup(once, 'gallery-before-import', { includedNamespaces: ['gallery'], snapshotMoveData: true, ttl: Duration.days(90) });
new VeleroRestore(once, 'gallery-drill', {
  scheduleName: galleryDaily.name,
  includedNamespaces: ['gallery'],
  namespaceMapping: { gallery: 'gallery-drill' },
  resourceModifiers: new VeleroResourceModifiers(once, 'cheap-drill', {
    rules: [
      VeleroModifierRule.patches({ groupResource: 'persistentvolumeclaims' }, [VeleroPatch.replace('/spec/storageClassName', 'cheap')]),
      VeleroModifierRule.merge({ groupResource: 'statefulsets.apps' }, { spec: { replicas: 1 } }),
    ],
  }),
});

// A group of the gallery in a namespace of its own, by the handles that the storage has for its snapshots: to look into it, or to try a
// new version on it.
const galleryTrial = new Chart(app, 'gallery-trial', { namespace: 'gallery-trial' });
new VolumesFromSnapshotHandles(galleryTrial, 'gallery', {
  driver: ceph,
  handles: {
    'data-gallery-db-0': '0001-0009-rook-ceph-0000000000000002-5f3c4a52-0001-11f0-9a1e-0242ac110003',
    pictures: '0001-0009-rook-ceph-0000000000000002-5f3c4a53-0001-11f0-9a1e-0242ac110003',
  },
  size: Size.gibibytes(100),
  sizes: { 'data-gallery-db-0': Size.gibibytes(20) },
  storageClassName: 'ceph-block',
});

app.synth();

/** A volume of the namespace for recovery points: a first copy beside the database, readable with nothing but a shell. */
function volumeBeside(chart: Chart, size: string, options: Omit<FilesRepositoryOptions, 'claimName'> = {}): IRepository {
  new k8s.KubePersistentVolumeClaim(chart, 'backups', {
    metadata: {
      name: 'backups',
      // Recovery points must outlive whatever a deploy tool thinks of this claim.
      annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false', 'kustomize.toolkit.fluxcd.io/prune': 'disabled' },
    },
    spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: k8s.Quantity.fromString(size) } } },
  });
  return Repository.files({ claimName: 'backups', ...options });
}
