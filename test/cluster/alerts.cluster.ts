import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withSynthesized } from '../e2e/support/rehearse';
import { readManifests } from '../manifests/manifest';
import { ALWAYS, seriesOf } from '../observability/kube-state-metrics';
import type { Manifest } from '../support/synth';
import { lapsedCronJob, lapsedDeployment, lapsedRules, READY } from './alerts/lapse';
import { Prometheus } from './alerts/prometheus';
import { until } from './kubectl';
import { type JobSpec, Namespace } from './namespace';

// What the alerts of backups say, with a real kube-state-metrics and a real Prometheus: each fires, and each ends. An hour is a minute
// (alerts/lapse.ts), and what backups do is to end well or badly: the alerts are what is looked at.

let shop: Namespace;
let prometheus: Prometheus;
let manifests: Manifest[];

/** All are told at the same time, as each is a time of waiting. */
const stories: { readonly tell: () => Promise<void>; told?: Promise<void> }[] = [];

function story(name: string, tell: () => Promise<void>): void {
  const mine: (typeof stories)[number] = { tell };
  stories.push(mine);
  test(name, () => mine.told);
}

beforeAll(async () => {
  shop = await Namespace.create(`alerts-${Date.now().toString(36)}`);
  process.env.NAMESPACE = shop.name;
  manifests = await withSynthesized('test/cluster/alerts/main.ts', readManifests);
  await shop.apply(...manifests.filter(({ kind }) => kind === 'Deployment').map(lapsedDeployment), ...cronJobs());
  prometheus = await Prometheus.start(manifests.filter(({ kind }) => kind === 'PrometheusRule').map(({ spec }) => lapsedRules(spec)));
  for (const each of stories) {
    each.told = each.tell();
    // It is its test that fails.
    each.told.catch(() => {});
  }
}, 600_000);
afterAll(async () => {
  await prometheus?.stop();
  await shop?.delete();
}, 300_000);

/** `missed` is one that the controllers forget. */
const cronJobs = () =>
  manifests
    .filter(({ kind }) => kind === 'CronJob')
    .map(lapsedCronJob)
    .map(cronJob =>
      cronJob.metadata.name === 'missed-backup' ? { ...cronJob, spec: { ...cronJob.spec, schedule: '0 0 31 2 *' } } : cronJob,
    );

let runs = 0;

/** Starts a job by hand, whose container does this; its name. */
async function run(
  cronJob: string,
  command: string[],
  change: (container: JobSpec['template']['spec']['containers'][number]) => void = () => {},
) {
  runs += 1;
  const name = `${cronJob}-${runs}`;
  await shop.createJob(name, cronJob, spec => {
    for (const container of spec.template.spec.containers) {
      container.command = command;
      change(container);
    }
  });
  return name;
}

const patch = (cronJob: string, spec: object) =>
  shop.output('patch', 'cronjob', cronJob, '--type=merge', `--patch=${JSON.stringify({ spec })}`);

const does = (...command: string[]) => ({
  jobTemplate: { spec: { template: { spec: { containers: [{ name: 'backup', image: 'busybox:1.37.0-musl', command }] } } } },
});

const statusOf = async (job: string) => (await shop.objects('pods', `job-name=${job}`))[0]?.status.containerStatuses?.[0]?.state;

/** One that succeeds ends the alert of one that failed. */
async function succeeds(cronJob: string): Promise<void> {
  await run(cronJob, ['true']);
  await prometheus.resolves(`BackupJobFailed ${cronJob}`);
}

describe('an alert fires, and ends:', () => {
  story('of a run that fails, until another one succeeds', async () => {
    await run('failed-backup', ['false']);
    const { labels, annotations } = await prometheus.fires('BackupJobFailed failed-backup');
    expect(labels).toMatchObject({ namespace: shop.name, series: 'failed', engine: 'postgres', severity: 'warning' });
    expect(annotations.summary).toBe('failed: failed-backup has failed, and has not succeeded since');
    await succeeds('failed-backup');
  });

  story('of a backup that has never succeeded, and of one whose last success is too long ago', async () => {
    await patch('never-backup', does('false'));
    await prometheus.fires('BackupNeverSucceeded never-backup');
    await prometheus.fires('BackupJobFailed never-backup');
    await run('never-backup', ['true']);
    await prometheus.resolves('BackupNeverSucceeded never-backup');
    const { annotations } = await prometheus.fires('BackupRecoveryPointTooOld never-backup');
    expect(annotations.description).toMatch(/^never-backup in \S+ last succeeded \dm \d+s ago; more than/);
    await patch('never-backup', does('true'));
    await succeeds('never-backup');
    await prometheus.resolves('BackupRecoveryPointTooOld never-backup');
  });

  story('of a suspension; what somebody starts meanwhile counts', async () => {
    await patch('suspended-backup', { suspend: true });
    await run('suspended-backup', ['false']);
    await prometheus.fires('BackupJobFailed suspended-backup');
    await succeeds('suspended-backup');
    await prometheus.fires('BackupJobSuspended suspended-backup');
    await patch('suspended-backup', { suspend: false });
    await prometheus.resolves('BackupJobSuspended suspended-backup');
  });

  story('of a CronJob that somebody has deleted', async () => {
    await shop.output('delete', 'cronjob', 'deleted-backup');
    await prometheus.fires('BackupJobMissing deleted-backup');
    await shop.apply(...cronJobs().filter(({ metadata }) => metadata.name === 'deleted-backup'));
    await prometheus.resolves('BackupJobMissing deleted-backup');
  });

  story('of a run that the kernel kills for want of memory', async () => {
    const job = await run('killed-backup', ['tail', '/dev/zero'], container => {
      container.resources = { limits: { memory: '16Mi' } };
    });
    await prometheus.fires('BackupJobFailed killed-backup');
    expect(await statusOf(job)).toMatchObject({ terminated: { reason: 'OOMKilled' } });
    await succeeds('killed-backup');
  });

  story('of a run that takes too long: first that, then that its time is over', async () => {
    await run('slow-backup', ['sleep', '100000']);
    await prometheus.fires('BackupJobRunsLong slow-backup');
    await prometheus.fires('BackupJobFailed slow-backup');
    await prometheus.resolves('BackupJobRunsLong slow-backup');
    await succeeds('slow-backup');
  });

  story('of a run whose image cannot be pulled, as of one that takes too long', async () => {
    const job = await run('unpulled-backup', ['true'], container => {
      container.image = 'registry.example/nobody/has:1';
    });
    await until('nobody has its image', async () => /ImagePull/.test((await statusOf(job))?.waiting?.reason));
    await prometheus.fires('BackupJobRunsLong unpulled-backup');
    await prometheus.fires('BackupJobFailed unpulled-backup');
    await succeeds('unpulled-backup');
  });

  story('of a run that was due, and that nobody has started, until somebody does', async () => {
    await prometheus.fires('BackupJobMissedSchedule missed-backup');
    await run('missed-backup', ['true']);
    await prometheus.resolves('BackupJobMissedSchedule missed-backup');
    await prometheus.fires('BackupJobMissedSchedule missed-backup');
    await patch('missed-backup', { schedule: '* * * * *' });
    await prometheus.resolves('BackupJobMissedSchedule missed-backup');
  });

  story('of a verification that took longer than a restore may, until one takes less', async () => {
    await run('tried-verify', ['sleep', '31']);
    await prometheus.fires('BackupRestoreTooSlow tried-verify');
    await run('tried-verify', ['true']);
    await prometheus.resolves('BackupRestoreTooSlow tried-verify');
  });

  story("of a log's archive that is not ready, has no pod, or is gone", async () => {
    const has = (what: string) => shop.output('exec', 'deployment/books-log', '--', what, READY);
    await shop.output('wait', 'deployment/books-log', '--for=condition=Available', '--timeout=5m');
    await has('rm');
    await prometheus.fires('BackupLogNotReady books-log');
    await has('touch');
    await prometheus.resolves('BackupLogNotReady books-log');
    await shop.output('scale', 'deployment/books-log', '--replicas=0');
    await prometheus.fires('BackupLogNotReady books-log');
    await shop.output('delete', 'deployment/books-log');
    await prometheus.fires('BackupJobMissing books-log');
    await shop.apply(...manifests.filter(({ kind }) => kind === 'Deployment').map(lapsedDeployment));
    await prometheus.resolves('BackupJobMissing books-log');
    await prometheus.resolves('BackupLogNotReady books-log');
  });
});

describe('none fires', () => {
  story('of a backup that runs by its schedule, and succeeds', async () => {
    const succeeded = 'kube_cronjob_status_last_successful_time{cronjob="good-backup"}';
    await until('it has succeeded', async () => (await prometheus.query(succeeded)).length > 0);
  });

  story('of a restore by hand: one that refused, one that ended well, one that goes on', async () => {
    for (const [command, ended] of [
      [['false'], 'kube_job_failed'],
      [['true'], 'kube_job_complete'],
    ] as const) {
      const job = await run('good-restore', [...command]);
      const isSaid = `${ended}{job_name="${job}",condition="true"} == 1`;
      await until(`${ended} of ${job}`, async () => (await prometheus.query(isSaid)).length > 0);
    }
    await run('good-restore', ['sleep', '100000']);
  });
});

test('kube-state-metrics that is gone is an alert, in place of all others', async () => {
  await run('failed-backup', ['false']);
  await prometheus.fires('BackupJobFailed failed-backup');
  await prometheus.killExporter();
  await prometheus.fires('BackupMetricsMissing');
  await prometheus.resolves('BackupJobFailed failed-backup');
  await prometheus.startExporter();
  await prometheus.resolves('BackupMetricsMissing');
  await prometheus.fires('BackupJobFailed failed-backup');
  await succeeds('failed-backup');
});

test('nothing has fired but what these tests have caused', async () => {
  await until('nothing is amiss any more', async () => (await prometheus.active()).length === 0);
  expect(await prometheus.fired()).toEqual([
    'BackupJobFailed failed-backup',
    'BackupJobFailed killed-backup',
    'BackupJobFailed never-backup',
    'BackupJobFailed slow-backup',
    'BackupJobFailed suspended-backup',
    'BackupJobFailed unpulled-backup',
    'BackupJobMissedSchedule missed-backup',
    'BackupJobMissing books-log',
    'BackupJobMissing deleted-backup',
    'BackupJobRunsLong slow-backup',
    'BackupJobRunsLong unpulled-backup',
    'BackupJobSuspended suspended-backup',
    'BackupLogNotReady books-log',
    'BackupMetricsMissing',
    'BackupNeverSucceeded never-backup',
    'BackupRecoveryPointTooOld never-backup',
    'BackupRestoreTooSlow tried-verify',
  ]);
});

// promtool's tests are worth as much as what they take for metrics.
test('metrics are called, and have labels, as the tests of promtool have them', async () => {
  const runs = [
    { name: 'a', scheduled: 0, started: 0, ended: 1 },
    { name: 'b', started: 0, ended: 1, failed: true },
  ];
  const cluster = { cronJobs: [{ name: 'a', created: 0, suspended: [ALWAYS], runs }], deployments: [{ name: 'd', created: 0 }] };
  const written = seriesOf(cluster, [0, 5], 5).map(({ series }) => series);
  const shapes = new Map(
    written.map(series => [/^\w+/.exec(series)?.[0] ?? '', [...series.matchAll(/[{,](\w+)=/g)].map(([, label]) => label)]),
  );
  for (const [metric, labels] of shapes) {
    const found = await prometheus.query(`last_over_time(${metric}{namespace="${shop.name}"}[1h])`);
    expect(found, metric).not.toEqual([]);
    const expected = ['__name__', ...labels.filter(label => label !== 'pod')].sort();
    for (const { metric: real } of found) expect(Object.keys({ __name__: metric, ...real }).sort()).toEqual(expected);
  }
});
