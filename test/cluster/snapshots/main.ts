import { App, Chart, Duration } from 'cdk8s';
import { Assertion, Engine, MariadbVersion, Retention, Schedule } from '../../../lib';
import { VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../../lib/volumes';
import { heldMariadb } from '../held-mariadb';

// A shop for a cluster, whichever: a MariaDB that is held still, and its volume and one of files as a group. NAMESPACE is the namespace,
// STORAGE_CLASS and SNAPSHOT_CLASS are the cluster's classes, or its defaults.

const { NAMESPACE = 'cdk8s-backup', STORAGE_CLASS, SNAPSHOT_CLASS } = process.env;
const app = new App();
const shop = new Chart(app, 'shop', { namespace: NAMESPACE });
const { server, quiesce } = heldMariadb(shop, 'db', {
  ...{ tables: ['sales (n int primary key) engine=innodb'], claims: { files: '/files' }, storageClass: STORAGE_CLASS },
  limit: Duration.minutes(1),
});
const common = { retention: Retention.keep({ last: 2, atLeast: 1 }), schedule: Schedule.never(), retries: 0 };
const members = [VolumeSnapshotMember.workload(server, { quiesce })];
const group = new VolumeSnapshotGroup(shop, 'shop', { ...common, members, snapshotClassName: SNAPSHOT_CLASS });
const assertions = [Assertion.atLeast('select count(*) from sales', 1, { database: 'shop' })];
const check = VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), {
  ...{ claims: ['data-db-0'], path: 'data', assertions },
});
group.addVerification({ checks: [check], schedule: Schedule.never(), storageClassName: STORAGE_CLASS, retries: 0 });
// A class that no cluster has.
const files = [VolumeSnapshotMember.claims(['files-db-0'])];
new VolumeSnapshotGroup(shop, 'classless', { ...common, members: files, snapshotClassName: 'cdk8s-backup-has-no-such-class' });
app.synth();
