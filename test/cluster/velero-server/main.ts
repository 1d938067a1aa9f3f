import { App, Chart, Duration } from 'cdk8s';
import { Schedule } from '../../../lib';
import { VeleroCheck, VeleroProtection, VeleroRestoreJob, VeleroSchedule, VeleroVolume } from '../../../lib/velero';
import { CsiDriver, VolumeSnapshotClass } from '../../../lib/volumes';
import { DRIVER } from '../csi';
import { heldMariadb } from '../held-mariadb';

// A shop with a MariaDB that is held still while Velero snapshots its volume, a check of that, and a drill.

const { SHOP = 'shop', COPY = 'shop-copy', VELERO = 'velero' } = process.env;
const app = new App();
const shop = new Chart(app, 'shop', { namespace: SHOP });
new VolumeSnapshotClass(shop, 'disks', { name: `${SHOP}-disks`, driver: CsiDriver.of(DRIVER), usedByVelero: true });
const { server, quiesce } = heldMariadb(shop, 'db', {
  ...{ tables: ['sales (n int primary key) engine=innodb'], limit: Duration.minutes(1) },
  ready: ['mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--execute=select 1 from shop.sales limit 1'],
});

const velero = new Chart(app, 'velero', { namespace: VELERO });
const common = { namespace: VELERO, includedNamespaces: [SHOP] };
const veleroSchedule = new VeleroSchedule(velero, 'shop-daily', {
  ...common,
  schedule: Schedule.daily({ at: '02:00', timeZone: 'Europe/Berlin' }),
});
VeleroProtection.of(server, { quiesce, volumes: [VeleroVolume.snapshot('data')], backup: veleroSchedule });
new VeleroCheck(velero, 'check', { veleroSchedule, expectedHooks: 2 });
new VeleroRestoreJob(velero, 'shop-drill', { ...common, scheduleName: veleroSchedule.name, namespaceMapping: { [SHOP]: COPY } });
app.synth();
