import { Chart, JsonPatch } from 'cdk8s';
import { BackupApp, Schedule } from '../../../lib';
import { VeleroCheck, VeleroRestoreJob, VeleroSchedule } from '../../../lib/velero';

// The jobs that ask Velero, in a namespace that is as Velero's. Of every schedule and store something else is said by the scenarios.

const { NAMESPACE: namespace = 'velero', BARE = 'velero-bare' } = process.env;
const app = new BackupApp();

/** A schedule whose backups are checked, and restored when somebody asks. */
function schedule(chart: Chart, name: string, storageLocation?: string): void {
  const veleroSchedule = new VeleroSchedule(chart, name, {
    ...{ namespace: chart.namespace, schedule: Schedule.daily({ at: '02:00' }), includedNamespaces: ['shop'] },
    ...{ snapshotMoveData: true, storageLocation },
  });
  const { cronJob } = new VeleroCheck(chart, `${name}-check`, { veleroSchedule, expectedHooks: 2 });
  // What is said of Velero stays as it is.
  cronJob.addJsonPatch(JsonPatch.replace('/spec/jobTemplate/spec/backoffLimit', 0));
  new VeleroRestoreJob(chart, `${name}-drill`, {
    ...{ namespace: chart.namespace, scheduleName: name, includedNamespaces: ['shop'], namespaceMapping: { shop: 'shop-drill' } },
  });
}

const velero = new Chart(app, 'velero', { namespace });
for (const name of ['whole', 'partial', 'failed', 'hooks', 'volumes', 'old', 'refused', 'forbidden']) schedule(velero, name);
schedule(velero, 'unreachable', 'unreachable');
// Where Velero is not there, or in part.
schedule(new Chart(app, 'bare', { namespace: BARE }), 'whole');
app.synth();
