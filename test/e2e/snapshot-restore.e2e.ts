import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClusterWithApi, type ImageCatalog, type RunOptions } from '../rehearsal';
import { FaultTable, failure } from './support/faults';
import { imageNamed, imagesOfDist } from './support/images';
import { childrenOf, PostgresServer } from './support/postgres-server';
import { resultOf, succeed, until, withSynthesized } from './support/rehearse';

// Groups of snapshots of a PostgreSQL's volume and a volume of files: proven by starting servers on them, and brought back as claims, on
// which a server starts.

const NAMESPACE = 'shop';
const MAIN = 'test/e2e/snapshot-restore/main.ts';
const table = new FaultTable('groups of snapshots, verified and restored');
let images: ImageCatalog;
let api: ClusterWithApi;
let server: PostgresServer;
let rows: string | undefined;
const servers: PostgresServer[] = [];

const run = (name: string, options: RunOptions = {}) => api.run({ kind: 'CronJob', namespace: NAMESPACE, name }, options);
const volume = (claim: string, namespace = NAMESPACE) => api.cluster.claim(namespace, claim);
/** Sequences go ahead in a crash. */
const content = (of: PostgresServer) => of.checksums('shop')['public.orders'];
const names = (kind: string, namespace = NAMESPACE) => api.objects(kind, namespace).map(({ metadata }) => metadata.name);
const request = (words: { [key: string]: string }) =>
  api.cluster.configMap(NAMESPACE, 'shop-restore-request', { recoveryPoint: 'newest-verified', claims: '', ...words });
const verifiedPoints = () => [
  ...new Set(
    api
      .objects('VolumeSnapshot', NAMESPACE)
      .filter(({ metadata }) => metadata.annotations?.['cdk8s-backup/verified'])
      .map(({ metadata }) => metadata.labels?.['cdk8s-backup/recovery-point']),
  ),
];
/** What a verification must never leave. */
const leftovers = () => [
  ...names('PersistentVolumeClaim').filter(name => /-verify-/.test(name)),
  ...names('Job').filter(name => /-check-/.test(name)),
];

/** A server on a claim that was restored. */
async function over(claim: string, namespace = NAMESPACE): Promise<PostgresServer> {
  // In a pod of its own the number in it would be nobody's.
  rmSync(join(volume(claim, namespace), 'data', 'postmaster.pid'), { force: true });
  const started = await PostgresServer.over(volume(claim, namespace), server);
  servers.push(started);
  return started;
}

/** Where the storage system keeps the snapshot of a claim. */
function storedSnapshot(point: string, claim: string): string {
  const snapshot = api.object('VolumeSnapshot', NAMESPACE, `shop-${point.toLowerCase()}-${claim}`);
  const bound = api.object('VolumeSnapshotContent', undefined, snapshot?.status.boundVolumeSnapshotContentName);
  return api.driver.snapshot(bound?.status.snapshotHandle)?.path ?? '';
}

beforeAll(async () => {
  images = await imagesOfDist();
  api = await withSynthesized(MAIN, dist => ClusterWithApi.create({ manifests: [dist], images, backoffSeconds: 0.1 }));
  writeFileSync(join(volume('pictures'), 'cat.jpg'), 'a picture');
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15', {}, volume('data-db-0'));
  servers.push(server);
  api.driver.writtenBy(NAMESPACE, 'data-db-0', () => (server.pid ? [server.pid, ...childrenOf(server.pid)] : []));
  server.client('createdb', ['shop']);
  server.query('shop', 'create table orders (id int generated always as identity primary key, what text)');
  server.query('shop', 'insert into orders (what) select md5(i::text) from generate_series(1, 20000) i');
});

afterAll(async () => {
  for (const each of servers) await each.stop();
  await api?.destroy();
  table.print();
});

let good: string;

test('the newest group is verified: a server starts on a volume of each snapshot, and nothing of that is left', async () => {
  ({ id: good } = await succeed(run('shop-snapshot'), 'published'));
  rows = content(server);
  const verified = await run('shop-verify');
  expect(verified.succeeded, verified.log).toBe(true);
  expect(resultOf(verified)).toMatchObject({ what: 'verify', series: 'shop', id: good, verdict: 'verified' });
  expect(resultOf(verified).restoreSeconds).not.toBeNull();
  expect(verifiedPoints()).toEqual([good]);
  await until('nothing is left', () => leftovers().length === 0);
  table.add('a good group', 'verified', good);
});

test('a verification of a group that nothing has followed for too long fails, though the group is good', async () => {
  const job = api.object('CronJob', NAMESPACE, 'shop-verify');
  const { containers } = job?.spec.jobTemplate.spec.template.spec ?? {};
  const aged = containers[0].env.map((each: { name: string }) => (each.name === 'MAXIMUM_AGE' ? { ...each, value: '1' } : each));
  const manifest = JSON.parse(JSON.stringify(job));
  manifest.spec.jobTemplate.spec.template.spec.containers[0].env = aged;
  api.put(manifest);
  const { reason } = failure(
    await run('shop-verify'),
    new RegExp(`^group ${good} is good, and is the newest, of 0 minutes ago, which is more than`),
  );
  expect(verifiedPoints()).toEqual([good]);
  api.put(job as Parameters<typeof api.put>[0]);
  table.add('no group for too long', reason, good);
});

test('a group of which a volume is damaged fails, and is not noted as verified', async () => {
  // What the log still holds whole, a server mends by itself.
  server.query('shop', 'checkpoint');
  const { id } = await succeed(run('shop-snapshot'), 'published');
  truncateSync(join(storedSnapshot(id, 'data-db-0'), 'data', server.query('shop', "select pg_relation_filepath('orders')")), 8192);
  const { reason } = failure(await run('shop-verify'), new RegExp(`^group ${id} is not good: data-db-0: assertion 01 does not hold: `));
  expect(verifiedPoints()).toEqual([good]);
  await until('nothing is left', () => leftovers().length === 0);
  table.add('a damaged table', reason, good);
});

test('a class that makes no volume, and a verification that is stopped, say so and leave nothing', async () => {
  await succeed(run('stuck-snapshot'), 'published');
  const { reason } = failure(
    await run('stuck-verify'),
    /^group \S+ is not good: pictures: no volume was made from its snapshot within 4 s: .*nowhere/,
  );
  table.add('a StorageClass that makes no volumes', reason, good);

  const stopped = await run('shop-verify', {
    onPod: async pod => {
      if (!pod.name.startsWith('shop-verify')) return;
      void until('a check runs', () => names('Job').includes('shop-check-data-db-0')).then(() => pod.delete());
    },
  });
  table.add('a verification that is deleted', failure(stopped, /^told to stop/).reason, good);
  // A pod that has only just begun hears no TERM yet, and goes on until its grace period is over.
  await until('nothing is left', () => leftovers().length === 0, 90);
});

test('a restore takes the newest verified group; where a claim is there it is refused, and changes nothing', async () => {
  request({});
  const refused = await run('shop-restore');
  const { reason } = failure(refused, /^these claims exist: data-db-0 pictures; nothing was changed\./);
  expect(refused.pods.at(-1)?.containers.at(-1)?.exitCode).toBe(78);
  table.add('claims that are there', reason, good);
});

test('restored under another name, a server starts on it, with the same rows', async () => {
  server.query('shop', 'delete from orders where id % 2 = 0');
  request({ claims: 'data-db-0=data-trial-0' });
  expect(await succeed(run('shop-restore'), 'restored')).toMatchObject({ what: 'restore', id: good });
  const trial = await over('data-trial-0');
  expect(content(trial)).toBe(rows);
  expect(content(server)).not.toBe(rows);
  await trial.stop();
  table.add('restored as data-trial-0', 'restored', good);
});

test('lost claims come back under their own names', async () => {
  await server.stop();
  await api.kubectl('-n', NAMESPACE, 'delete', 'pvc', 'data-db-0', 'pictures');
  expect(names('PersistentVolumeClaim')).not.toContain('data-db-0');
  request({});
  await succeed(run('shop-restore'), 'restored');
  expect(readFileSync(join(volume('pictures'), 'cat.jpg'), 'utf8')).toBe('a picture');
  const back = await over('data-db-0');
  expect(content(back)).toBe(rows);
  await back.stop();
  table.add('lost claims', 'restored', good);
});

test('a restore that fails half way deletes what it has made, and nothing else', async () => {
  const before = names('PersistentVolumeClaim');
  const { reason } = failure(await run('stuck-restore'), /^these claims have no volume after 2 s: pictures-trial \(.*nowhere/);
  expect(names('PersistentVolumeClaim')).toEqual(before);
  table.add('a StorageClass that makes no volumes, to restore', reason, good);

  request({ claims: 'data-db-0=one pictures=two' });
  api.plant({ verb: 'create', resource: 'persistentvolumeclaims', name: 'two' }, { status: 500 });
  const half = failure(await run('shop-restore'), /^claim two cannot be made: /);
  await until('the first is gone', () => !names('PersistentVolumeClaim').includes('one'));
  expect(names('PersistentVolumeClaim')).toEqual(before);
  table.add('an error of the API at the second claim', half.reason, good);
});

test('a class that waits for the first pod is no failure: the claims are there for it', async () => {
  const told = (name: string) => {
    const claim = api.object('PersistentVolumeClaim', NAMESPACE, name);
    if (claim) api.api.event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
    return claim !== undefined;
  };
  const waiting = run('stuck-restore', { onPod: () => void until('the claim is made', () => told('pictures-trial')) });
  const restored = await waiting;
  expect(restored.succeeded, restored.log).toBe(true);
  expect(restored.log).toMatch(/are made when a pod mounts them \(WaitForFirstConsumer\): pictures-trial/);
  table.add('a StorageClass that waits for the first consumer', 'restored', good);
});

test('a snapshot that is made anew under its name is not taken for the one that was cut', async () => {
  const { id } = await succeed(run('stuck-snapshot'), 'published');
  const name = `stuck-${id.toLowerCase()}-pictures`;
  const { apiVersion = '', kind = '', metadata, spec } = api.object('VolumeSnapshot', NAMESPACE, name) ?? {};
  await api.kubectl('-n', NAMESPACE, 'delete', 'volumesnapshot', name);
  await until('it is gone', () => !names('VolumeSnapshot').includes(name));
  // As a restore of the namespace makes it: labels, annotations and all, of the claim as it is now.
  const { labels, annotations } = metadata ?? {};
  api.put({ apiVersion, kind, metadata: { name, namespace: NAMESPACE, labels, annotations }, spec });
  await until('it is ready', () => api.object('VolumeSnapshot', NAMESPACE, name)?.status?.readyToUse);
  api.cluster.configMap(NAMESPACE, 'stuck-restore-request', { recoveryPoint: id, claims: 'pictures=pictures-anew' });
  const { reason } = failure(
    await run('stuck-restore'),
    new RegExp(`^nothing can be restored from group ${id}: .*is not the one that was cut at`),
  );
  table.add('a snapshot that was made anew', reason, good);
});

test('requests that cannot be met are refused', async () => {
  request({ claims: 'music' });
  failure(await run('shop-restore'), /^group \S+ has no volume of claim music; it has: data-db-0 pictures/);
  request({ claims: 'data-db-0=same pictures=same' });
  failure(await run('shop-restore'), /^claims is '.*': two claims would be same/);
  request({ recoveryPoint: '20200101T000000Z-aaaaa' });
  failure(await run('shop-restore'), /^series shop has no recovery point 20200101T000000Z-aaaaa; it has: /);
});

test('in another namespace, and from Git, claims are made of the handles and the snapshots of a group', async () => {
  // As the documentation has it.
  const listed = await api.kubectl(
    ...['get', 'volumesnapshotcontents', '-o'],
    'go-template={{range .items}}{{.spec.volumeSnapshotRef.namespace}} {{.spec.volumeSnapshotRef.name}} {{.status.snapshotHandle}}{{"\\n"}}{{end}}',
  );
  const prefix = `${NAMESPACE} shop-${good.toLowerCase()}-`;
  const lines = listed.stdout.split('\n').filter(line => line.startsWith(prefix));
  const handles = Object.fromEntries(lines.map(line => line.slice(prefix.length).split(' ')));
  expect(Object.keys(handles).sort()).toEqual(['data-db-0', 'pictures']);

  process.env.POINT = good;
  process.env.HANDLES = JSON.stringify(handles);
  await withSynthesized(MAIN, dist => api.cluster.apply([dist]));
  const bound = (namespace: string, name: string) => api.object('PersistentVolumeClaim', namespace, name)?.status?.phase === 'Bound';
  await until(
    'the claims are bound',
    () => bound('trial', 'data-db-0') && bound('trial', 'pictures') && bound(NAMESPACE, 'pictures-in-git'),
  );
  expect(content(await over('data-db-0', 'trial'))).toBe(rows);
  expect(readFileSync(join(volume('pictures-in-git'), 'cat.jpg'), 'utf8')).toBe('a picture');

  // What is deleted there, leaves the snapshot where it is.
  await api.kubectl('-n', 'trial', 'delete', 'volumesnapshot', 'of-shop-pictures');
  await api.kubectl('delete', 'volumesnapshotcontent', 'trial-of-shop-pictures');
  expect(existsSync(storedSnapshot(good, 'pictures'))).toBe(true);
  table.add('claims in another namespace', 'bound', good);
});
