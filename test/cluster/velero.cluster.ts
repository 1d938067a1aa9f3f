import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { succeed } from '../e2e/support/rehearse';
import { ApiFault } from './api-faults/fault';
import { until } from './kubectl';
import { type EndedJob, Namespace, RESTRICTED } from './namespace';
import { backup, type Fields, hooks, hoursAgo, installDefinitions, location, workload } from './velero/objects';

// What asks Velero, asks for Velero's own kinds, with the rights that it has. Velero itself is not there: what it would say of its objects
// is said by the scenarios, and what a cluster says of its pods is the cluster's own word. What is made of all the answers that there may
// be, test/velero/answers.script.test.ts shows.

const NAMESPACE = 'velero-jobs';
const BARE = 'velero-bare';
let velero: Namespace;
let bare: Namespace;

const say = (kind: string, name: string, status: Fields) =>
  velero.output('patch', kind, name, '--type=merge', `--patch=${JSON.stringify({ status })}`);

async function clean(): Promise<void> {
  await Promise.all([NAMESPACE, BARE].map(name => new Namespace(name).delete()));
}

beforeAll(async () => {
  await clean();
  await installDefinitions();
  Object.assign(process.env, { NAMESPACE, BARE });
  velero = await Namespace.create(NAMESPACE, RESTRICTED);
  bare = await Namespace.create(BARE, RESTRICTED);
  await velero.applyApp('test/cluster/velero/main.ts');
  await velero.apply(
    workload('Deployment', 'velero'),
    workload('DaemonSet', 'node-agent'),
    location('offsite', { phase: 'Available' }, true),
    location('unreachable', { phase: 'Unavailable', message: 'access denied' }),
  );
  // As Velero finds them in a bucket: when they came into the cluster says nothing of how old they are.
  for (const day of [4, 3, 2, 1]) await velero.apply(...(BACKUPS[day] ?? []).map(([schedule, status]) => backup(schedule, day, status)));
  await say('schedules.velero.io', 'refused', { phase: 'FailedValidation', validationErrors: ['invalid schedule'] });
  await velero.output('rollout', 'status', 'deployment/velero', '--timeout=5m');
  await velero.output('rollout', 'status', 'daemonset/node-agent', '--timeout=5m');
});
afterEach(() => ApiFault.clear(NAMESPACE));
afterAll(clean);

/** What Velero has made of its schedules, by the day. */
const BACKUPS: { [day: number]: [string, Fields][] } = {
  1: [
    ['whole', { phase: 'PartiallyFailed', startTimestamp: hoursAgo(28) }],
    ['partial', { startTimestamp: hoursAgo(25) }],
  ],
  2: [
    ['whole', {}],
    ['partial', { phase: 'PartiallyFailed', errors: 2, startTimestamp: hoursAgo(1), ...hooks(3, 1) }],
    ['failed', { phase: 'Failed', failureReason: 'no space left' }],
    ['hooks', hooks(2, 1)],
    ['old', { startTimestamp: hoursAgo(31) }],
    ['forbidden', {}],
    ['volumes', { csiVolumeSnapshotsAttempted: 3, csiVolumeSnapshotsCompleted: 1 }],
  ],
  // Another cluster has a schedule of the same name, and its bucket is read here.
  4: [['whole', { phase: 'Failed', startTimestamp: hoursAgo(1), location: 'production' }]],
  3: [['whole', { phase: 'InProgress', startTimestamp: hoursAgo(0), hookStatus: undefined }]],
};

describe('a check', () => {
  const SCHEDULES = ['whole', 'partial', 'failed', 'hooks', 'volumes', 'old', 'unreachable', 'refused', 'forbidden'] as const;
  type Schedule = (typeof SCHEDULES)[number];
  /** All at once: each is a pod that asks. */
  let checks: { [schedule in Schedule]: Promise<EndedJob> };
  beforeAll(async () => {
    await velero.output('patch', 'role', 'forbidden-check', '--type=merge', '--patch={"rules":[]}');
    const running = SCHEDULES.map(name => [name, velero.run(`${name}-check`)]);
    checks = Object.fromEntries(running);
    await Promise.allSettled(Object.values(checks));
  });

  test('succeeds when the newest backup is whole, whatever became of those before, and while another is made', async () => {
    expect((await succeed(checks.whole, 'succeeded')).id).toBe('whole-20260102020000');
  });

  test.each<[string, Schedule, RegExp]>([
    ['its store cannot be reached', 'unreachable', /unreachable is not available \(access denied\)/],
    ['Velero refuses the schedule', 'refused', /Velero refuses the Schedule refused: .*invalid schedule/],
    [
      'the newest backup is whole in part',
      'partial',
      /the backup partial-20260102020000 is PartiallyFailed, with 2 errors: 1 of 3 hooks failed: look at `velero backup describe/,
    ],
    ['the newest backup failed', 'failed', /is Failed, with 0 errors \(no space left\)/],
    ['a hook failed', 'hooks', /1 of 2 hooks failed/],
    ['a volume is missing', 'volumes', /only 1 of 3 CSI snapshots were completed in the backup volumes-20260102020000/],
    ['the newest backup is of yesterday', 'old', /more than 30 hours ago/],
    ['it may not look', 'forbidden', /deployment velero cannot be read: the Role of this job does not allow it/],
  ])('fails, and says why, when %s', async (_, schedule, reason) => {
    failure(await checks[schedule], reason);
  });

  test('fails where Velero is not installed, does not run, or is there in part', async () => {
    const check = () => bare.run('whole-check');
    failure(await check(), new RegExp(`no Deployment velero in namespace ${BARE}: install Velero there`));
    await bare.apply(workload('Deployment', 'velero', { replicas: 0 }));
    failure(await check(), /no pod of Velero is available/);
    await bare.apply(workload('Deployment', 'velero'), workload('DaemonSet', 'node-agent', {}, false), location('offsite', {}, true));
    await bare.output('rollout', 'status', 'deployment/velero', '--timeout=5m');
    failure(await check(), /offsite is not available \(Velero has not looked at it yet\)/);
    await bare.apply(location('offsite', { phase: 'Available' }, true));
    failure(await check(), /only 0 of 1 pods of node-agent are ready/);
  });
});

describe('a restore that somebody starts', () => {
  /** As `run`; once it has made a Restore, Velero says of it how it ends. */
  async function restored(drill: string, ends: Fields): Promise<EndedJob> {
    const job = await velero.start(drill);
    let name: string | undefined;
    await until(`${drill} has made a Restore`, async () => {
      const restores = await velero.objects('restores.velero.io');
      const ofDrill = restores.filter(({ metadata, status }) => metadata.name.startsWith(`${drill}-`) && status?.phase === undefined);
      name = ofDrill[0]?.metadata.name;
      return name !== undefined;
    });
    await say('restores.velero.io', String(name), { phase: 'InProgress' });
    await say('restores.velero.io', String(name), ends);
    return velero.ended(job);
  }
  const SOMETHING = { progress: { itemsRestored: 40 } };
  const request = (drill: string, name: string) =>
    velero.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${drill}-request` }, data: { backup: name } });

  test('makes a Restore of the newest backup of the schedule, and ends as it does', async () => {
    const { id, reason } = await succeed(restored('whole-drill', { phase: 'Completed', ...SOMETHING }), 'succeeded');
    expect(id).toMatch(/^whole-drill-/);
    expect(reason).toMatch(
      /^restoring whole-20260102020000 from \S+Z, 4 hours ago; .* 1 in other locations, the newest whole-20260104020000 of \S+Z in production: /,
    );
    expect((await velero.object('restores.velero.io', id))?.spec).toEqual({
      backupName: 'whole-20260102020000',
      includedNamespaces: ['shop'],
      namespaceMapping: { shop: 'shop-drill' },
      resourceModifier: { kind: 'configmap', name: 'whole-drill-modifiers' },
      itemOperationTimeout: '14400s',
    });
  });

  test('goes on with the Restore that it has made although the answer got lost', async () => {
    const lost = ApiFault.plant({ namespace: NAMESPACE, verb: 'create', resource: 'restores' }, { cut: 'after' });
    const drill = restored('whole-drill', { phase: 'Completed', ...SOMETHING });
    const { id } = await succeed(drill, 'succeeded');
    expect(lost.hasStruck).toBe(true);
    expect((await drill).log).toContain('the answer was lost, but the Restore was created');
    expect((await velero.object('restores.velero.io', id))?.metadata.annotations).toMatchObject({
      'cdk8s-backup/run': (await drill).pods[0]?.metadata.name,
    });
  });

  test('says what it does not cover: a newer backup that is not whole, warnings', async () => {
    const { reason } = await succeed(restored('partial-drill', { phase: 'Completed', warnings: 3, ...SOMETHING }), 'succeeded');
    expect(reason).toMatch(
      /^restoring partial-20260101020000 from \S+Z, 25 hours ago, and not the newer partial-20260102020000 from \S+Z, which is PartiallyFailed: .*; Velero gave 3 warnings: /,
    );
  });

  test('is of the backup that the request names, and fails as it does', async () => {
    await request('hooks-drill', 'partial-20260102020000');
    const failed = await restored('hooks-drill', { phase: 'PartiallyFailed', errors: 2, ...hooks(2, 1) });
    const { id } = failure(failed, /is PartiallyFailed, with 2 errors: 1 of 2 hooks failed: what was restored is in the cluster/);
    expect((await velero.object('restores.velero.io', id))?.spec).toMatchObject({ backupName: 'partial-20260102020000' });
    expect(failed.log).toContain('the backup partial-20260102020000 is only partly complete');
  });

  test('fails when what is asked for is not in the backup', async () => {
    failure(
      await restored('volumes-drill', { phase: 'Completed' }),
      /has restored nothing: the backup volumes-20260102020000 holds nothing/,
    );
  });

  test('leaves no Restore behind that Velero does not begin', async () => {
    await velero.output('set', 'env', 'cronjob/volumes-drill', 'VELERO_WAIT=5');
    const { id } = failure(
      await velero.run('volumes-drill'),
      /Velero did not start the Restore .* is deleted again, and nothing was restored/,
    );
    expect(id).toMatch(/^volumes-drill-/);
    expect(await velero.object('restores.velero.io', id)).toBeUndefined();
  });

  test('restores nothing when there is no such backup, or none that is whole', async () => {
    await request('old-drill', 'old-20250101020000');
    const [named, newest] = await Promise.all([velero.run('old-drill'), velero.run('failed-drill')]);
    failure(named, /there is no Backup old-20250101020000 .* nothing was restored/);
    failure(newest, /has no Backup that is Completed in offsite; the newest, failed-20260102020000, is Failed; nothing was restored/);
    const restores = (await velero.objects('restores.velero.io')).map(({ metadata }) => metadata.name);
    expect(restores.filter(name => /^(old|failed)-/.test(name))).toEqual([]);
  });
});
