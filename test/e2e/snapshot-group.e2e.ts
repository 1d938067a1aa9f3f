import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ClusterWithApi, type ImageCatalog, type JobRun, type RunningPod } from '../rehearsal';

import { FaultTable, failure } from './support/faults';
import { imageNamed, imagesOfDist } from './support/images';
import { inImage } from './support/in-image';
import { resultOf, succeed, until, withSynthesized } from './support/rehearse';

// A real MariaDB with 8 writers, a real PostgreSQL and three other volumes, snapshotted as one by the real kubectl. What goes wrong must
// leave no server held, no group that is not whole, and everything that was there before.

const NAMESPACE = 'shop';
/** Of its quiesce, in seconds. */
const LIMIT = 5;
const table = new FaultTable('groups of snapshots');
let images: ImageCatalog;
let shop: ClusterWithApi;

beforeAll(async () => {
  process.env.STOCK_PORT = String(await freePort());
  images = await imagesOfDist();
  shop = await withSynthesized('test/e2e/snapshot-group/main.ts', dist => ClusterWithApi.create({ manifests: [dist], images }));
  shop.cluster.secret(NAMESPACE, 'stock-quiesce', { username: 'backup', password: 'quiesce' });
  await Promise.all(['stock-db', 'orders-db'].map(name => shop.start('StatefulSet', NAMESPACE, name)));
  for (const name of ['uploads', 'thumbs', 'carts']) shop.cluster.claim(NAMESPACE, name);
  await kubectl('label', 'pvc', 'thumbs', 'carts', 'kind=cache');
  await kubectl('label', 'pvc', '--all', 'app=shop', '--overwrite');
  await until('both servers answer', async () => (await sql('select count(*) from shop.hits')) !== undefined && (await postgres()) === '1');
  await until('rows are written', async () => Number(await sql('select count(*) from shop.hits')) > 8);
});

afterAll(async () => {
  await shop?.destroy();
  table.print();
});

beforeEach(() => shop.snapshotFaults.clear());

const database = () => shop.cluster.runningPods.find(({ name }) => name === 'stock-db-0') as RunningPod;
const job = (series = 'shop') => ({ kind: 'CronJob' as const, namespace: NAMESPACE, name: `${series}-snapshot` });
const snapshot = (series = 'shop') => shop.run(job(series));

async function kubectl(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await shop.kubectl(`--namespace=${NAMESPACE}`, ...argv);
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** What a statement answers; undefined when it is not done within some seconds. */
async function sql(statement: string, seconds = 2): Promise<string | undefined> {
  const client = ['mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--password=', '--batch', '--skip-column-names'];
  const { exitCode, stdout } = await database().exec('server', [
    'timeout',
    '--signal=KILL',
    String(seconds),
    ...client,
    `--execute=${statement}`,
  ]).ended;
  return exitCode === 0 ? stdout.trim() : undefined;
}

async function postgres(): Promise<string> {
  const pod = shop.cluster.runningPods.find(({ name }) => name === 'orders-db-0') as RunningPod;
  const program = '/usr/lib/postgresql/15/bin/psql';
  return (
    await pod.exec('server', [program, '--host=/tmp', '--username=postgres', '--no-align', '--tuples-only', '--command=select 1']).ended
  ).stdout.trim();
}

const isWritten = async (seconds = 1) => (await sql('insert into shop.hits(writer) values (0)', seconds)) !== undefined;

const snapshotsOf = (series: string) =>
  shop.objects('VolumeSnapshot', NAMESPACE).filter(({ metadata: { labels } }) => labels?.['cdk8s-backup/series'] === series);

/** The ids of what is published of a series. */
const published = (series: string) => [
  ...new Set(
    snapshotsOf(series)
      .filter(({ metadata: { labels } }) => labels?.['app.kubernetes.io/component'] === 'recovery-point')
      .map(idOf),
  ),
];

const idOf = ({ metadata }: { metadata: { labels?: { [label: string]: string } } }) =>
  metadata.labels?.['cdk8s-backup/recovery-point'] ?? '';

/** What restores go by: what is published, and has a snapshot of every claim that can be used. Newest first. */
function groups(series = 'shop'): string[] {
  const isReady = ({ snapshot }: { snapshot: string }) => shop.object('VolumeSnapshot', NAMESPACE, snapshot)?.status?.readyToUse;
  return published(series)
    .filter(id => {
      const { volumes, facts } = manifestOf(id, series);
      return volumes.length === facts.volumes && volumes.every(isReady);
    })
    .sort()
    .reverse();
}

/** The manifest of a group, of what its snapshots say. */
function manifestOf(id: string, series = 'shop') {
  const annotations = snapshotsOf(series)
    .filter(each => idOf(each) === id)
    .map(({ metadata }) => metadata.annotations ?? {});
  const volumes = annotations.flatMap(each => (each['cdk8s-backup/volume'] ? [JSON.parse(each['cdk8s-backup/volume'])] : []));
  const [group, ...others] = new Set(annotations.map(each => each['cdk8s-backup/group']));
  expect(others, 'snapshots of one group say the same of it').toEqual([]);
  return { ...JSON.parse(group ?? '{}'), volumes: volumes.sort((a, b) => (a.claim < b.claim ? -1 : 1)) };
}

/** Snapshots of no group. */
function strays(series = 'shop'): string[] {
  const known = published(series);
  return [...shop.objects('VolumeSnapshot', NAMESPACE), ...shop.objects('VolumeGroupSnapshot', NAMESPACE)]
    .filter(each => each.metadata.labels?.['cdk8s-backup/series'] === series && !known.includes(idOf(each)))
    .map(({ metadata }) => metadata.name);
}

const lease = (series = 'shop') => shop.object('Lease', NAMESPACE, `${series}-snapshot`);

/** A run that must fail, say why, and leave nothing: no lock, no snapshot, no lease; and every group that was there. */
async function fails(what: string, says: RegExp, run: Promise<JobRun> = snapshot()): Promise<void> {
  const before = groups();
  const { reason } = failure(await run, says);
  expect(await isWritten(), 'the database is still held').toBe(true);
  expect(groups()).toEqual(before);
  await until('its snapshots are gone', () => strays().length === 0);
  expect(lease()).toBeUndefined();
  table.add(what, reason, `${before.length} groups as before; writes go on`);
}

/** A run that must make a group, and leave nothing else. */
async function makes(what: string, series = 'shop'): Promise<{ id: string; log: string }> {
  const run = await snapshot(series);
  const { id } = await succeed(Promise.resolve(run), 'published');
  expect(groups(series)[0]).toBe(id);
  expect(manifestOf(id, series).volumes.map(({ claim }: { claim: string }) => claim)).toEqual(CLAIMS);
  expect(await isWritten()).toBe(true);
  await until('leftovers are gone', () => strays(series).length === 0);
  expect(lease(series)).toBeUndefined();
  const [{ milliseconds }] = manifestOf(id, series).quiesced;
  expect(milliseconds).toBeLessThan(LIMIT * 1000);
  table.add(what, `published; ${CLAIMS.length} snapshots, writes waited for ${milliseconds} ms at most`, `${groups(series).length} groups`);
  return { id, log: run.log };
}

const CLAIMS = ['carts', 'data-orders-db-0', 'data-stock-db-0', 'thumbs', 'uploads'];

/** Starts a run whose snapshots are never cut, and waits until the database is held for them. */
async function untilHeld(): Promise<{ pod: RunningPod; ended: Promise<JobRun> }> {
  shop.snapshotFaults.plant({ claim: 'uploads', kind: 'never-cut' });
  const before = shop.objects('VolumeSnapshot', NAMESPACE).length;
  let pod: RunningPod | undefined;
  const ended = shop.run(job(), {
    onPod: made => {
      pod = made;
    },
  });
  await until('snapshots are made', () => shop.objects('VolumeSnapshot', NAMESPACE).length >= before + CLAIMS.length);
  expect(await isWritten(), 'the database is not held').toBe(false);
  return { pod: pod as RunningPod, ended };
}

/** Whether a snapshot of the database has a table of Aria that was closed when it was cut. */
function aria(id: string): string {
  const { snapshot: name } = manifestOf(id).volumes.find(({ claim }: { claim: string }) => claim === 'data-stock-db-0');
  const content = shop.object(
    'VolumeSnapshotContent',
    undefined,
    shop.object('VolumeSnapshot', NAMESPACE, name)?.status.boundVolumeSnapshotContentName,
  );
  const files = shop.driver.snapshot(content?.status.snapshotHandle)?.path as string;
  const check = ['aria_chk', '--check', '--read-only', '--datadir=/srv/data', '/srv/data/shop/hits'];
  const { stdout, stderr } = spawnSync('unshare', inImage(imageNamed(images, 'mariadb:10.11.19-jammy'), join(files), 0, check), {
    encoding: 'utf8',
  });
  return /warning|error/i.exec(stdout + stderr)?.input ?? 'sound';
}

describe('a group', () => {
  test('is whole, of servers that were held for a moment', async () => {
    const { id } = await makes('nothing');
    expect(manifestOf(id)).toMatchObject({
      format: 1,
      id,
      series: 'shop',
      engine: 'volumes',
      about: { mode: 'coordinated' },
      bytes: 5 * 1024 ** 3,
    });
    expect(manifestOf(id).volumes[2]).toMatchObject({
      claim: 'data-stock-db-0',
      snapshot: `shop-${id.toLowerCase()}-data-stock-db-0`,
      restoreSize: '1Gi',
      snapshotClass: 'fast',
      driver: 'rehearsal.csi.example',
      accessModes: 'ReadWriteOnce',
      volumeMode: 'Filesystem',
      size: '1Gi',
      member: 'StatefulSet/stock-db',
    });
    expect(aria(id)).toBe('sound');
  });

  test('is not there when a snapshot cannot be made', async () => {
    shop.plant({ verb: 'create', resource: 'volumesnapshots', nth: 3 }, { status: 500 });
    await fails('the API fails at the third of five snapshots', /the snapshots could not be made: .*planted by a test/);
  });

  test('is not there when a snapshot is not cut in time', async () => {
    shop.snapshotFaults.plant({ claim: 'thumbs', kind: 'never-cut' });
    await fails('a snapshot that is never cut', /were not cut within 3 s \(cutTimeout\); still waiting for shop-\S+-thumbs/);
  });

  test('is not there when the storage fails', async () => {
    shop.snapshotFaults.plant({ claim: 'carts', kind: 'error' });
    await fails('a snapshot whose status has an error', /the storage reports of shop-\S+-carts: .*planted by a test/);
  });

  test('is not there when a snapshot never becomes ready', async () => {
    shop.snapshotFaults.plant({ claim: 'uploads', kind: 'never-ready' });
    await fails('a snapshot that is never ready', /could not be used within 2 s \(readyTimeout\)/);
  });

  test('is not there when the answer to its commit is lost', async () => {
    shop.plant({ verb: 'patch', resource: 'volumesnapshots', nth: CLAIMS.length + 1 }, { cut: 'after' });
    await fails('the answer to the commit is lost', /publishing failed/);
  });

  test('is not there when a server cannot be held', async () => {
    const holding = "{ echo 'backup stage start;'; echo 'system touch /tmp/held'; until [ -e /tmp/let-go ]; do sleep 0.1; done; }";
    const other = database().exec('server', ['sh', '-c', `${holding} | mariadb --socket=/tmp/mysqld.sock --user=root --password=`]);
    await until('it has the lock', async () => (await database().exec('server', ['test', '-e', '/tmp/held']).ended).exitCode === 0);
    await fails('somebody else has the lock', /pod stock-db-0 of StatefulSet\/stock-db could not be held/);
    await database().exec('server', ['touch', '/tmp/let-go']).ended;
    await other.ended;
  });

  test('is not there when a lock is lost before everything is cut', async () => {
    shop.snapshotFaults.plant({ claim: 'uploads', kind: 'slow', delaySeconds: 2, times: 1 });
    const run = snapshot();
    const session = "from information_schema.processlist where user = 'backup'";
    await until('it is held', async () => Number(await sql(`select count(*) ${session}`)) > 0);
    await sql(`kill ${await sql(`select id ${session} limit 1`)}`);
    await fails('the lock is lost before the cut', /a server was not held until its snapshots were cut.*pod stock-db-0/, run);
  });
});

describe('a job that ends too early', () => {
  test('by SIGKILL leaves a lock that goes by itself, and snapshots that the next run removes', async () => {
    const before = groups();
    const { pod, ended } = await untilHeld();
    const killed = Date.now();
    pod.killEverything();
    expect((await ended).succeeded).toBe(false);
    await until('writes go on', () => isWritten(0.5), LIMIT);
    const seconds = ((Date.now() - killed) / 1000).toFixed(1);
    expect(groups()).toEqual(before);
    expect(strays()).toHaveLength(CLAIMS.length);
    table.add('SIGKILL while the database is held', 'nothing', `${before.length} groups as before; writes go on after ${seconds} s`);
    shop.snapshotFaults.clear();
    const { log } = await makes('the next run');
    expect(log).toMatch(/has ended without a word: its lease is taken over/);
    expect(log).toMatch(/removed what a run that did not end well has left: /);
  });

  test('by SIGTERM lets go first, and leaves nothing', async () => {
    const { pod, ended } = await untilHeld();
    const told = Date.now();
    void pod.delete();
    await until('writes go on', () => isWritten(0.5), LIMIT);
    const seconds = ((Date.now() - told) / 1000).toFixed(1);
    await fails(`SIGTERM while the database is held: let go after ${seconds} s`, /told to stop/, ended);
  });
});

describe('before anything is touched', () => {
  const touched = () =>
    shop.server.answered.filter(({ resource, verb }) => resource === 'pods/exec' || (resource.startsWith('volume') && verb === 'create'))
      .length;

  test.each([
    ['pods/exec', 'get,create', /does not allow it to create pods\/stock-db-0 --subresource=exec; apply the Role/],
    ['volumesnapshots', 'create', /does not allow it to create volumesnapshots.snapshot.storage.k8s.io; apply the Role/],
    ['persistentvolumeclaims', 'list', /cannot list resource "persistentvolumeclaims" .*apply the Role/],
  ])('a right that is missing is named: %s', async (resource, verbs, says) => {
    const role = shop.object('Role', NAMESPACE, 'shop-snapshot');
    const rules = role?.rules.map((rule: { resources: string[]; verbs: string[] }) =>
      rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter(verb => !verbs.split(',').includes(verb)) } : rule,
    );
    const before = touched();
    shop.put({ ...role, rules } as Parameters<typeof shop.put>[0]);
    await fails(`the Role lacks ${verbs} of ${resource}`, says);
    shop.put(role as Parameters<typeof shop.put>[0]);
    expect(touched()).toBe(before);
  });

  test('claims that are not there are named', async () => {
    await kubectl('label', 'pvc', 'thumbs', 'carts', 'kind-');
    await fails('no claim has the labels', /no claim has the labels kind=cache/);
    await kubectl('label', 'pvc', 'thumbs', 'carts', 'kind=cache');
  });

  test('a class that is not there is named, and nothing stays held', async () => {
    const fast = shop.object('VolumeSnapshotClass', undefined, 'fast');
    await kubectl('delete', 'volumesnapshotclass', 'fast');
    await fails('there is no class', /the storage reports of .*fast/);
    shop.put(fast as Parameters<typeof shop.put>[0]);
  });

  test('another run is, and this one waits for another time', async () => {
    const pause = shop.plant({ verb: 'list', resource: 'persistentvolumeclaims' }, { pause: true });
    const first = snapshot();
    await until('the first has the lease', () => lease() !== undefined);
    const before = groups();
    const { reason } = failure(await snapshot(), /another run of shop is under way, in pod \S+/);
    pause.resume();
    const { id } = await succeed(first, 'published');
    expect(groups()).toEqual([id, ...before].slice(0, 2));
    table.add('two runs at once', reason, 'the first published its group');
  });
});

describe('retention', () => {
  test('keeps what a claim is being made from, and removes it later', async () => {
    const oldest = groups().at(-1) as string;
    const { snapshot: name } = manifestOf(oldest).volumes[0];
    const dataSource = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name };
    // It stays Pending, as it is smaller than the snapshot.
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } }, dataSource };
    shop.put({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'trial', namespace: NAMESPACE }, spec });
    const { log } = await makes('a claim is being made from a group that is due');
    expect(log).toMatch(new RegExp(`group ${oldest} is kept, though retention lets it go: claim trial is being restored`));
    expect(groups()).toContain(oldest);
    await kubectl('delete', 'pvc', 'trial');
    await makes('it is made no more');
    expect(groups()).toHaveLength(2);
    expect(groups()).not.toContain(oldest);
  });

  test('does not count a group that has lost a snapshot, and reports it', async () => {
    const [newest, older] = groups() as [string, string];
    await kubectl('delete', 'volumesnapshot', manifestOf(newest).volumes[0].snapshot);
    const { id, log } = await makes('a group has lost a snapshot');
    expect(log).toMatch(new RegExp(`these groups count for nothing.*: ${newest} \\(4 of 5 snapshots are there\\)`));
    expect(groups()).toEqual([id, older]);
    await kubectl('delete', 'volumesnapshot', '-l', `cdk8s-backup/recovery-point=${newest}`);
  });

  test('that fails is told of, and does not make a good group bad', async () => {
    shop.plant({ verb: 'patch', resource: 'volumesnapshots', nth: 2 * CLAIMS.length + 1 }, { status: 500 });
    const { log } = await makes('pruning fails');
    expect(log).toMatch(/WARNING: pruning failed; the new group is published, and the next run prunes again: .*planted by a test/);
    expect(groups()).toHaveLength(3);
    await makes('the next run');
    expect(groups()).toHaveLength(2);
  });
});

describe.each([
  ['instant', 'v1'],
  ['instant-beta', 'v1beta2'],
])('a native group, %s', (series, version) => {
  test('is taken by the driver, and goes as one', async () => {
    const first = await makes(`native, ${version}`, series);
    expect(manifestOf(first.id, series).about).toMatchObject({ mode: 'native', group: `${series}-${first.id.toLowerCase()}` });
    if (series === 'instant') return;
    const ids = [
      first.id,
      (await makes(`native, ${version}`, series)).id,
      (await makes(`native, ${version}: the first is due`, series)).id,
    ];
    expect(groups(series)).toEqual(ids.slice(1).reverse());
    expect(shop.objects('VolumeGroupSnapshot', NAMESPACE).filter(({ metadata }) => metadata.name.startsWith(`${series}-`))).toHaveLength(2);
  });
});

describe('a native group', () => {
  test('is not there when the driver fails', async () => {
    shop.snapshotFaults.plant({ kind: 'error' });
    await fails('native, the driver fails', /the storage reports of instant-\S+: .*planted by a test/, snapshot('instant'));
    expect(strays('instant')).toEqual([]);
  });

  test('needs its labels on the claims of its members, and on no others', async () => {
    await kubectl('label', 'pvc', 'uploads', 'app-');
    const { reason } = failure(
      await snapshot('instant'),
      /claim uploads belongs to the group and lacks its labels: kubectl label pvc uploads app=shop/,
    );
    await kubectl('label', 'pvc', 'uploads', 'app=shop');
    table.add('native, a claim without the label', reason, 'nothing was touched');
  });
});

test('results say what the group is', async () => {
  const result = resultOf(await snapshot());
  expect(result).toMatchObject({ what: 'snapshot', series: 'shop', bytes: 5 * 1024 ** 3, verdict: 'published', reason: '' });
});

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
