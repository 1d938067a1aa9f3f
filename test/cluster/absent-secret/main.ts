import { App, Chart } from 'cdk8s';
import { Retention, Schedule, SecretRef, ValkeyVersion } from '../../../lib';
import { Quiesce, VolumeSnapshotGroup, VolumeSnapshotMember } from '../../../lib/volumes';
import { statefulServer } from '../stateful-server';

// A server whose agent has its account from a Secret that nobody has made. NAMESPACE is the namespace.

const { NAMESPACE = 'absent-secret' } = process.env;
const app = new App();
const chart = new Chart(app, 'absent-secret', { namespace: NAMESPACE });
const version = ValkeyVersion.V8_1;
const server = statefulServer(chart, 'cache-db', {
  image: version.image,
  start: 'exec valkey-server --dir /data --requirepass right',
  claims: { data: '/data' },
});
const quiesce = Quiesce.valkey({ version, credentials: SecretRef.named('cache-quiesce') });
new VolumeSnapshotGroup(chart, 'cache', {
  members: [VolumeSnapshotMember.workload(server, { quiesce })],
  retention: Retention.keep({ last: 2, atLeast: 1 }),
  schedule: Schedule.never(),
});
app.synth();
