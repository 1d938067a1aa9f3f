import { Chart } from 'cdk8s';
import { BackupApp, Retention, Schedule, VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../../lib';
import { claim } from '../stateful-server';

// A volume of files; one group of snapshots of it that is made again and again, and one that is verified and restored. NAMESPACE is the
// namespace.

const app = new BackupApp();
const shop = new Chart(app, 'shop', { namespace: process.env.NAMESPACE });
claim(shop, 'files');
const members = [VolumeSnapshotMember.claims(['files'])];
const common = { members, schedule: Schedule.never(), retries: 0, retention: Retention.keep({ last: 1, atLeast: 1 }) };
new VolumeSnapshotGroup(shop, 'made', common);
const kept = new VolumeSnapshotGroup(shop, 'kept', common);
kept.verify({ checks: [VolumeCheck.files()], schedule: Schedule.never(), retries: 0 });
kept.restore({ claims: { files: 'files-again' } });
app.synth();
