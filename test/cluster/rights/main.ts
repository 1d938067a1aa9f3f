import { Chart, JsonPatch } from 'cdk8s';
import { BackupApp, Retention, Schedule } from '../../../lib';
import { VeleroCheck, VeleroRestoreJob, VeleroSchedule } from '../../../lib/velero';
import { SnapshotMode, VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../../lib/volumes';
import { claim } from '../stateful-server';

// A volume of files; one group of snapshots of it that is made again and again, and one that is verified and restored. Another volume, of
// which the driver takes the group. A schedule of Velero's, with both jobs that ask for it. NAMESPACE is the namespace.

const app = new BackupApp();
const { NAMESPACE: namespace = 'rights' } = process.env;
const shop = new Chart(app, 'shop', { namespace });
claim(shop, 'files');
const members = [VolumeSnapshotMember.claims(['files'])];
const common = { members, schedule: Schedule.never(), retries: 0, retention: Retention.keep({ last: 1, atLeast: 1 }) };
new VolumeSnapshotGroup(shop, 'made', common);
const kept = new VolumeSnapshotGroup(shop, 'kept', common);
kept.addVerification({ checks: [VolumeCheck.files()], schedule: Schedule.never(), retries: 0 });
kept.addRestore({ claims: { files: 'files-again' } });

claim(shop, 'letters', { labels: { kind: 'document' } });
const native = { members: [VolumeSnapshotMember.claims(['letters'])], mode: SnapshotMode.native({ selector: { kind: 'document' } }) };
new VolumeSnapshotGroup(shop, 'native', { ...common, ...native });

const nightly = { namespace, schedule: Schedule.daily({ at: '02:00' }), includedNamespaces: ['shop'], snapshotMoveData: true };
const veleroSchedule = new VeleroSchedule(shop, 'nightly', nightly);
const { cronJob } = new VeleroCheck(shop, 'nightly-check', { veleroSchedule, expectedHooks: 2, expectedVolumes: 1 });
cronJob.addJsonPatch(JsonPatch.replace('/spec/jobTemplate/spec/backoffLimit', 0));
new VeleroRestoreJob(shop, 'nightly-drill', {
  ...{ namespace, scheduleName: 'nightly', includedNamespaces: ['shop'], namespaceMapping: { shop: 'shop-drill' } },
});
app.synth();
