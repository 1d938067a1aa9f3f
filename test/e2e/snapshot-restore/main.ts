import { Chart, Duration, Size } from 'cdk8s';
import {
  Assertion,
  BackupApp,
  CsiDriver,
  Engine,
  PostgresVersion,
  RecoveryPoint,
  Retention,
  Schedule,
  VolumeCheck,
  VolumeSnapshotClass,
  VolumeSnapshotGroup,
  VolumeSnapshotMember,
  VolumesFromGroup,
  VolumesFromSnapshotHandles,
} from '../../../lib';

// The volumes of a shop: those of its database and its pictures. With a recovery point and its handles, the claims that are made of them.
const { POINT, HANDLES } = process.env;
const app = new BackupApp();
const shop = new Chart(app, 'shop', { namespace: 'shop' });
const driver = CsiDriver.of('rehearsal.csi.example');
const { name: snapshotClassName } = new VolumeSnapshotClass(shop, 'rehearsal', { driver });
const group = new VolumeSnapshotGroup(shop, 'shop', {
  members: [VolumeSnapshotMember.claims(['data-db-0', 'pictures'])],
  schedule: Schedule.never(),
  retention: Retention.keep({ last: 3 }),
  snapshotClassName,
  retries: 0,
});
group.verify({
  checks: [
    VolumeCheck.engine(Engine.postgresPhysical({ version: PostgresVersion.V15 }), {
      claims: ['data-db-0'],
      path: 'data',
      assertions: [Assertion.atLeast('select count(*) from orders', 1000, { database: 'shop' })],
    }),
  ],
  schedule: Schedule.never(),
  checkDeadline: Duration.seconds(60),
  retries: 0,
});
group.restore({ bindTimeout: Duration.seconds(20) });

// A class that makes no volumes: neither for a check nor for a restore.
const stuck = new VolumeSnapshotGroup(shop, 'stuck', {
  members: [VolumeSnapshotMember.claims(['pictures'])],
  schedule: Schedule.never(),
  retention: Retention.keep({ last: 1 }),
  snapshotClassName,
  retries: 0,
});
stuck.verify({ schedule: Schedule.never(), storageClassName: 'nowhere', checkDeadline: Duration.seconds(4), retries: 0 });
stuck.restore({ claims: { pictures: 'pictures-trial' }, storageClassName: 'nowhere', bindTimeout: Duration.seconds(2) });

if (POINT !== undefined && HANDLES !== undefined) {
  const size = Size.gibibytes(1);
  new VolumesFromGroup(shop, 'in-git', {
    ...{ group, size, recoveryPoint: RecoveryPoint.id(POINT), claims: ['pictures'], names: { pictures: 'pictures-in-git' } },
  });
  const trial = new Chart(app, 'trial', { namespace: 'trial' });
  new VolumesFromSnapshotHandles(trial, 'of-shop', { driver, size, handles: JSON.parse(HANDLES) });
}
app.synth();
