import { App, Chart, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Assertion, Engine, PostgresVersion, RecoveryPoint, Retention, Schedule } from '../../../lib';
import {
  CsiDriver,
  VolumeCheck,
  VolumeSnapshotGroup,
  VolumeSnapshotMember,
  VolumesFromGroup,
  VolumesFromSnapshotHandles,
} from '../../../lib/volumes';
import { DRIVER } from '../csi';
import { claim } from '../stateful-server';
import { server } from './server';

// The volumes of a shop: those of its database and its pictures. With a recovery point and its handles, what is made of them.

const { NAMESPACE = 'shop', ELSEWHERE = 'elsewhere', POINT, HANDLES } = process.env;
const size = Size.gibibytes(1);
const app = new App();
const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
const common = { schedule: Schedule.never(), retries: 0 };
const group = new VolumeSnapshotGroup(shop, 'shop', {
  ...{ ...common, members: [VolumeSnapshotMember.claims(['data-db-0', 'pictures'])], retention: Retention.keep({ last: 3 }) },
});
group.addVerification({
  ...common,
  checks: [
    VolumeCheck.engine(Engine.postgresPhysical({ version: PostgresVersion.V15 }), {
      claims: ['data-db-0'],
      path: 'data',
      assertions: [Assertion.atLeast('select count(*) from orders', 1000, { database: 'shop' })],
    }),
  ],
});
group.addRestore();

/** The pictures alone, whose copies are of another class. */
function pictures(series: string, storageClassName: string, checkDeadline: Duration, bindTimeout: Duration): void {
  const members = [VolumeSnapshotMember.claims(['pictures'])];
  const alone = new VolumeSnapshotGroup(shop, series, { ...common, members, retention: Retention.keep({ last: 1 }) });
  alone.addVerification({ ...common, storageClassName, checkDeadline, maximumAge: Duration.seconds(1) });
  alone.addRestore({ claims: { pictures: `pictures-${series}` }, storageClassName, bindTimeout });
}
// A class that there is not makes no volumes: neither for a check nor for a restore.
pictures('stuck', 'nowhere', Duration.seconds(5), Duration.seconds(5));
// One that waits for the first pod that mounts a claim.
const waits = `${NAMESPACE}-waits`;
pictures('waiting', waits, Duration.minutes(10), Duration.minutes(10));
pictures('cramped', waits, Duration.seconds(8), Duration.minutes(10));

if (POINT === undefined || HANDLES === undefined) {
  new k8s.KubeStorageClass(shop, 'waits', { metadata: { name: waits }, provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer' });
  claim(shop, 'pictures', { labels: { part: 'album' } });
  server(shop, 'db', 1);
  // Its claim is the one that is restored as data-trial-0.
  server(shop, 'trial', 0);
} else {
  new VolumesFromGroup(shop, 'in-git', {
    ...{ group, size, recoveryPoint: RecoveryPoint.id(POINT), claims: ['pictures'], names: { pictures: 'pictures-in-git' } },
  });
  const elsewhere = new Chart(app, 'elsewhere', { namespace: ELSEWHERE });
  new VolumesFromSnapshotHandles(elsewhere, 'of-shop', { driver: CsiDriver.of(DRIVER), size, handles: JSON.parse(HANDLES) });
  server(elsewhere, 'db', 1);
}
app.synth();
