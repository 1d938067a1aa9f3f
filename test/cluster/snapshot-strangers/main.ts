import { App, Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Retention, Schedule } from '../../../lib';
import { CsiDriver, VolumeSnapshotClass, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../../lib/volumes';
import { DRIVER } from '../csi';
import { claim } from '../stateful-server';

// Pictures, which are snapshotted by a class of their own, and brought back by several: NAMESPACE is the namespace, and what the names of
// classes begin with.

const { NAMESPACE = 'snapshot-strangers' } = process.env;
const app = new App();
const storage = new Chart(app, 'storage');
const cuts = `${NAMESPACE}-cuts`;
const waits = `${NAMESPACE}-waits`;
const ignores = `${NAMESPACE}-ignores`;
new VolumeSnapshotClass(storage, cuts, { driver: CsiDriver.of(DRIVER) });
new k8s.KubeStorageClass(storage, waits, { metadata: { name: waits }, provisioner: DRIVER, volumeBindingMode: 'WaitForFirstConsumer' });
// Of a provisioner that makes volumes, and knows of no snapshots.
new k8s.KubeStorageClass(storage, ignores, { metadata: { name: ignores }, provisioner: 'ignores.example' });

const album = new Chart(app, 'album', { namespace: NAMESPACE });
claim(album, 'pictures');
const common = { schedule: Schedule.never(), retries: 0 };
const group = (series: string, member: string, snapshotClassName?: string) =>
  new VolumeSnapshotGroup(album, series, {
    ...{ ...common, snapshotClassName, members: [VolumeSnapshotMember.claims([member])], retention: Retention.keep({ last: 5 }) },
  });

const pictures = group('album', 'pictures', cuts);
pictures.addVerification(common);
pictures.addRestore();
group('waiting', 'pictures').addVerification({ ...common, storageClassName: waits, checkDeadline: Duration.minutes(10) });
group('handed', 'handed').addRestore({ claims: { handed: 'handed-back' }, storageClassName: ignores });
app.synth();
