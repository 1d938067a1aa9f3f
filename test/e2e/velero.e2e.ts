import { rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ImageCatalog } from '../rehearsal';
import type { ApiObject } from '../rehearsal/api/object';
import { ClusterWithApi } from '../rehearsal/cluster-with-api';
import { kubectlImage } from '../rehearsal/images/kubectl';
import { resultOf, succeed, synthesize } from './support/rehearse';

// What asks Velero, asks an API with Velero's own CRDs, and finds what a cluster would show. Velero itself is not there: what it would
// say of its objects is said by the tests.

const dist = synthesize('test/e2e/velero/main.ts');
let cluster: ClusterWithApi;

beforeAll(async () => {
  cluster = await ClusterWithApi.create({ manifests: [dist], images: new ImageCatalog().add(await kubectlImage()), backoffSeconds: 0.05 });
});
afterAll(async () => {
  await cluster?.destroy();
  rmSync(dist, { recursive: true, force: true });
});

const runJob = (name: string) => cluster.run({ kind: 'CronJob', namespace: 'velero', name });
const run = () => runJob('shop-daily-check');

type Fields = { [field: string]: unknown };

/** Puts an object as it is, with what a controller would have said of it. */
function put(
  apiVersion: string,
  kind: string,
  name: string,
  { metadata, spec, status }: { metadata?: Fields; spec?: Fields; status?: Fields },
): void {
  const object = { apiVersion, kind, metadata: { name, namespace: 'velero', ...metadata }, spec };
  cluster.put(object);
  say(object, status);
}

/** What a controller says of an object. */
function say(object: ApiObject, status: Fields | undefined): void {
  const { subresources } = cluster.api.resourceOf(object);
  cluster.api.modify(
    object,
    now => {
      now.status = status;
    },
    subresources.includes('status') ? 'status' : '',
  );
}

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+/, '');
const hooks = (hooksAttempted: number, hooksFailed = 0) => ({ hookStatus: { hooksAttempted, hooksFailed } });

function backup(name: string, status: Fields): void {
  put('velero.io/v1', 'Backup', name, {
    metadata: { labels: { 'velero.io/schedule-name': 'shop-daily' } },
    spec: { includedNamespaces: ['shop'] },
    status: { phase: 'Completed', startTimestamp: hoursAgo(4), ...hooks(2), ...status },
  });
}

const labels = { app: 'velero' };
function deployment(image: string, availableReplicas: number): void {
  put('apps/v1', 'Deployment', 'velero', {
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'velero', image }] } },
    },
    status: { availableReplicas },
  });
}

function location(status: Fields, isDefault = true): void {
  put('velero.io/v1', 'BackupStorageLocation', 'offsite', {
    spec: { provider: 'aws', default: isDefault, objectStorage: { bucket: 'acme' } },
    status,
  });
}

function nodeAgent(numberReady: number): void {
  put('apps/v1', 'DaemonSet', 'node-agent', {
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'agent', image: 'velero/velero:v1.18.1' }] } },
    },
    status: { desiredNumberScheduled: 3, numberReady, currentNumberScheduled: 3, numberMisscheduled: 0 },
  });
}

function schedule(spec: Fields, status: Fields = { phase: 'Enabled' }): void {
  put('velero.io/v1', 'Schedule', 'shop-daily', { spec: { schedule: 'CRON_TZ=UTC 0 2 * * *', template: {}, ...spec }, status });
}

function remove(kind: string, name: string): void {
  const object = cluster.object(kind, 'velero', name);
  if (object) cluster.api.delete(cluster.api.resourceOf(object), 'velero', name);
}

function removeBackups(): void {
  for (const { metadata } of cluster.objects('Backup', 'velero')) remove('Backup', metadata.name);
}

beforeEach(() => {
  deployment('velero/velero:v1.18.1', 1);
  location({ phase: 'Available' });
  nodeAgent(3);
  schedule({});
  removeBackups();
  backup('shop-daily-20260101020000', { phase: 'PartiallyFailed', startTimestamp: hoursAgo(28) });
  backup('shop-daily-20260102020000', {});
});

describe('a check succeeds', () => {
  test('when the newest backup is whole, whatever became of those before', async () => {
    expect((await succeed(run(), 'succeeded')).id).toBe('shop-daily-20260102020000');
  });

  test('when another is being made', async () => {
    backup('shop-daily-20260103020000', { phase: 'InProgress', startTimestamp: hoursAgo(0), hookStatus: undefined });
    expect((await succeed(run(), 'succeeded')).id).toBe('shop-daily-20260102020000');
  });

  test('when the image says nothing of its version', async () => {
    deployment(`registry.example/velero@sha256:${'0'.repeat(64)}`, 1);
    await succeed(run(), 'succeeded');
  });
});

describe('a check fails, and says why, when', () => {
  test.each<[string, () => void, RegExp]>([
    ['Velero is not installed', () => remove('Deployment', 'velero'), /no Deployment velero in namespace velero: install Velero there/],
    ['Velero does not run', () => deployment('velero/velero:v1.18.1', 0), /no pod of Velero's is available/],
    [
      'Velero is too old',
      () => deployment('velero/velero:v1.14.0', 1),
      /Velero is 1\.14\.0, which runs post hooks before the volumes are copied/,
    ],
    ['Velero is a little too old', () => deployment('velero/velero:v1.15.0', 1), /upgrade it to 1\.15\.1 or later/],
    [
      'its store cannot be reached',
      () => location({ phase: 'Unavailable', message: 'access denied' }),
      /offsite is not available \(access denied\)/,
    ],
    ['nobody has looked at its store', () => location({}), /not available \(Velero has not looked at it yet\)/],
    ['no store is the default', () => location({ phase: 'Available' }, false), /there is no default BackupStorageLocation/],
    [
      'the node agent is missing',
      () => remove('DaemonSet', 'node-agent'),
      /no DaemonSet node-agent .* install Velero with --use-node-agent/,
    ],
    ['the node agent is not on every node', () => nodeAgent(2), /only 2 of 3 pods of node-agent are ready/],
    ['the schedule is gone', () => remove('Schedule', 'shop-daily'), /no Schedule shop-daily in namespace velero/],
    ['the schedule is paused', () => schedule({ paused: true }), /the Schedule shop-daily is paused/],
    [
      'the schedule is refused',
      () => schedule({}, { phase: 'FailedValidation', validationErrors: ['invalid schedule'] }),
      /Velero refuses the Schedule shop-daily: .*invalid schedule/,
    ],
    ['there is no backup', removeBackups, /has made no backup that has come to an end/],
    [
      'the newest backup is whole in part',
      () => backup('shop-daily-20260103020000', { phase: 'PartiallyFailed', errors: 2, ...hooks(3, 1) }),
      /the backup shop-daily-20260103020000 is PartiallyFailed, with 2 errors: 1 of 3 hooks failed: look at `velero backup describe/,
    ],
    [
      'the newest backup failed',
      () => backup('shop-daily-20260103020000', { phase: 'Failed', failureReason: 'no space left' }),
      /is Failed, with 0 errors \(no space left\)/,
    ],
    [
      'the newest backup is of yesterday',
      () => backup('shop-daily-20260102020000', { startTimestamp: hoursAgo(31) }),
      /more than 30 hours ago/,
    ],
    [
      'the newest backup is of the future',
      () => backup('shop-daily-20260102020000', { startTimestamp: hoursAgo(-4800) }),
      /which is still to come: a clock is wrong/,
    ],
    ['a hook failed', () => backup('shop-daily-20260102020000', hooks(2, 1)), /1 of 2 hooks failed/],
    ['no hook was run', () => backup('shop-daily-20260102020000', { hookStatus: undefined }), /only 0 of 2 hooks were run/],
  ])('%s', async (_, plant, reason) => {
    plant();
    const failed = await run();
    expect(resultOf(failed)).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(reason) });
    expect(failed.succeeded).toBe(false);
  });

  test('it may not look', async () => {
    const role = cluster.object('Role', 'velero', 'shop-daily-check');
    cluster.put({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'shop-daily-check', namespace: 'velero' },
      rules: [],
    });
    const failed = await run();
    if (role) cluster.put(role);
    expect(resultOf(failed).reason).toMatch(/deployment velero cannot be read: the Role of this job does not allow it/);
  });
});

describe('a restore that somebody starts', () => {
  /** What Velero says of a Restore once it has seen it. */
  let ends: Fields;
  let stopWatching: () => void;
  beforeAll(() => {
    stopWatching = cluster.api.watch(({ type, object }) => {
      if (object.kind !== 'Restore' || type !== 'ADDED') return;
      setTimeout(() => say(object, { phase: 'InProgress' }), 50);
      setTimeout(() => say(object, ends), 200);
    });
  });
  afterAll(() => stopWatching());
  beforeEach(() => {
    ends = { phase: 'Completed' };
    request('');
  });

  const request = (name: string) =>
    cluster.put({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'shop-drill-request', namespace: 'velero' },
      data: { backup: name },
    });
  const restores = () => cluster.objects('Restore', 'velero').map(({ metadata }) => metadata.name as string);

  test('makes a Restore of the newest backup of the schedule, and ends as it does', async () => {
    const { id, reason } = await succeed(runJob('shop-drill'), 'succeeded');
    expect(id).toMatch(/^shop-drill-/);
    expect(reason).toBe('');
    expect(cluster.object('Restore', 'velero', id)?.spec).toEqual({
      backupName: 'shop-daily-20260102020000',
      includedNamespaces: ['shop'],
      namespaceMapping: { shop: 'shop-drill' },
      resourceModifier: { kind: 'configmap', name: 'shop-drill-modifiers' },
      itemOperationTimeout: '14400s',
    });
  });

  test('says what it does not cover: a newer backup that is not whole, one that is whole in part, warnings', async () => {
    backup('shop-daily-20260103020000', { phase: 'PartiallyFailed', startTimestamp: hoursAgo(1) });
    ends = { phase: 'Completed', warnings: 3 };
    expect((await succeed(runJob('shop-drill'), 'succeeded')).reason).toMatch(
      /^restored is shop-daily-20260102020000 of \S+Z, and not the newer shop-daily-20260103020000 of \S+Z, which is PartiallyFailed: .*; Velero warns 3 times: /,
    );
    request('shop-daily-20260103020000');
    ends = { phase: 'Completed' };
    expect((await succeed(runJob('shop-drill'), 'succeeded')).reason).toMatch(
      /^the backup shop-daily-20260103020000 is whole in part only/,
    );
  });

  test('restores nothing when no backup of the schedule is whole', async () => {
    removeBackups();
    backup('shop-daily-20260103020000', { phase: 'PartiallyFailed' });
    const before = restores();
    expect(resultOf(await runJob('shop-drill')).reason).toMatch(
      /has no Backup that is Completed; the newest, shop-daily-20260103020000, is PartiallyFailed; nothing was restored/,
    );
    expect(restores()).toEqual(before);
  });

  test('makes one of the backup that the request names', async () => {
    request('shop-daily-20260102020000');
    const { id } = await succeed(runJob('shop-drill'), 'succeeded');
    expect(cluster.object('Restore', 'velero', id)?.spec).toMatchObject({ backupName: 'shop-daily-20260102020000' });
    expect(cluster.object('Restore', 'velero', id)?.spec).not.toHaveProperty('scheduleName');
  });

  test.each<[string, string, RegExp]>([
    ['there is none of that name', 'shop-daily-20250101020000', /there is no Backup shop-daily-20250101020000 .* nothing was restored/],
    ['it failed', 'shop-daily-20260104020000', /the backup shop-daily-20260104020000 is Failed: choose one that is Completed/],
    ['it is no name', 'x" ,"y', /nothing was restored/],
  ])('restores nothing when of the backup that is named %s', async (_, name, reason) => {
    backup('shop-daily-20260104020000', { phase: 'Failed' });
    request(name);
    const before = restores();
    const failed = await runJob('shop-drill');
    expect(resultOf(failed)).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(reason) });
    expect(restores()).toEqual(before);
  });

  test.each<[Fields, RegExp]>([
    [{ phase: 'PartiallyFailed', errors: 2 }, /is PartiallyFailed, with 2 errors: what was restored is in the cluster/],
    [{ phase: 'FailedValidation', validationErrors: ['no backup'] }, /is FailedValidation, with 0 errors \(.*no backup.*\)/],
    [{ phase: 'Completed', hookStatus: { hooksAttempted: 2, hooksFailed: 1 } }, /1 of 2 hooks failed in the restore/],
  ])('fails when Velero says %o', async (status, reason) => {
    ends = status;
    const failed = await runJob('shop-drill');
    expect(resultOf(failed)).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(reason) });
    expect(failed.succeeded).toBe(false);
  });
});
