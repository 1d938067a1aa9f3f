import { afterAll, beforeAll, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { succeed, withSynthesized } from '../e2e/support/rehearse';
import { handleOf, storedSnapshot, truncateInSnapshot } from './csi/stored';
import { kubectl, output, until } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { onVolume, podOf, volumeClaim } from './server';

// Groups of snapshots of a PostgreSQL's volume and a volume of files: proven by starting servers on them, and brought back as claims, on
// which a server starts.

const MAIN = 'test/cluster/snapshot-restore/main.ts';
const NAMESPACE = 'snapshot-restore';
const ELSEWHERE = 'snapshot-restore-elsewhere';
let shop: Namespace;
let elsewhere: Namespace;
/** The recovery points that the scenarios begin with, by their series. */
const points: { [series: string]: string } = {};
/** The jobs that verify them, which wait for nobody. */
const verifying: { [series: string]: string } = {};
/** What the server held when the first of them was cut. */
let rows: string;

const sql = (statement: string, pod = 'db-0', namespace = shop) =>
  namespace.output('exec', pod, '--', 'psql', '-U', 'postgres', '-d', 'shop', '-XAtqc', statement);
const content = (pod = 'db-0', namespace = shop) => sql('select count(*), sum(hashtext(o::text)::bigint) from orders o', pod, namespace);
const claims = async () => (await shop.objects('persistentvolumeclaims')).map(({ metadata }) => metadata.name);
const request = (words: { [key: string]: string }, series = 'shop') =>
  shop.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `${series}-restore-request` },
    data: { recoveryPoint: 'newest-verified', claims: '', ...words },
  });
const verifiedPoints = async (series: string) => {
  const snapshots = await shop.objects('volumesnapshots', `cdk8s-backup/series=${series}`);
  const verified = snapshots.filter(({ metadata }) => metadata.annotations?.['cdk8s-backup/verified']);
  return [...new Set(verified.map(({ metadata }) => metadata.labels['cdk8s-backup/recovery-point']))];
};
/** What a verification must never leave. */
const nothingIsLeft = () =>
  until('nothing of the verification is left', async () => {
    const jobs = (await shop.objects('jobs')).map(({ metadata }) => metadata.name);
    return ![...(await claims()), ...jobs].some(name => /-verify-(data|pictures)|-check-/.test(name));
  });

async function scale(name: string, replicas: 0 | 1): Promise<void> {
  await shop.output('scale', 'statefulset', name, `--replicas=${replicas}`);
  if (replicas === 0) await shop.output('wait', `pod/${name}-0`, '--for=delete', '--timeout=5m');
  else await ready(shop, name);
}

const ready = async (namespace: Namespace, name: string) => namespace.output('rollout', 'status', `statefulset/${name}`, '--timeout=5m');

const withPictures = (claim: string, command: string, namespace = shop) =>
  onVolume(namespace, claim, 'busybox:1.37.0-musl', ['sh', '-ec', command]);
const cat = (claim: string, namespace = shop) => withPictures(claim, 'cat /data/cat.jpg', namespace);

/** What is of the cluster goes with no namespace. */
async function clean(): Promise<void> {
  await Promise.all([NAMESPACE, ELSEWHERE].map(name => new Namespace(name).delete()));
  const contents = ['data-db-0', 'pictures'].map(claim => `volumesnapshotcontent/${ELSEWHERE}-of-shop-${claim}`);
  await output(['delete', `storageclass/${NAMESPACE}-waits`, ...contents, '--ignore-not-found', '--timeout=5m']);
}

beforeAll(async () => {
  // Of a run that was killed.
  await clean();
  Object.assign(process.env, { NAMESPACE, ELSEWHERE });
  shop = await Namespace.create(NAMESPACE, RESTRICTED);
  elsewhere = await Namespace.create(ELSEWHERE, RESTRICTED);
  await shop.applyApp(MAIN);
  await Promise.all([ready(shop, 'db'), withPictures('pictures', 'echo a picture >/data/cat.jpg')]);
  await shop.output('exec', 'db-0', '--', 'createdb', '-U', 'postgres', 'shop');
  await sql('create table orders (id int generated always as identity primary key, what text)');
  await sql('insert into orders (what) select md5(i::text) from generate_series(1, 20000) i');
  rows = await content();
  await Promise.all(
    ['shop', 'waiting', 'stuck'].map(async series => {
      points[series] = (await succeed(shop.run(`${series}-snapshot`), 'published')).id;
      verifying[series] = await shop.start(`${series}-verify`);
    }),
  );
});

afterAll(clean);

test('the newest group is verified: a server starts on a volume of each snapshot, and nothing of that is left', async () => {
  const { what, series, id, restoreSeconds } = await succeed(shop.ended(String(verifying.shop)), 'verified');
  expect({ what, series, id }).toEqual({ what: 'verify', series: 'shop', id: points.shop });
  expect(restoreSeconds).not.toBeNull();
  expect(await verifiedPoints('shop')).toEqual([points.shop]);
  await nothingIsLeft();
});

test('a verification of a group that nothing has followed for too long fails, though the group is good', async () => {
  failure(
    await shop.ended(String(verifying.waiting)),
    new RegExp(`^group ${points.waiting} is good, but it is the newest, and was made \\d+ minutes ago; at most`),
  );
  expect(await verifiedPoints('waiting')).toEqual([points.waiting]);
});

test('a verification whose class makes no volume says so', async () => {
  failure(
    await shop.ended(String(verifying.stuck)),
    /^group \S+ is not good: pictures: no volume was made from its snapshot within 5 s: .*nowhere/,
  );
  expect(await verifiedPoints('stuck')).toEqual([]);
});

test('a verification whose check never begins says what the cluster says of it', async () => {
  await succeed(shop.run('cramped-snapshot'), 'published');
  // Room for the pod of the verification, and not for that of its check.
  const present = (await shop.objects('pods')).filter(({ status }) => !['Succeeded', 'Failed'].includes(status?.phase)).length;
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard: { pods: String(present + 1) } } };
  await shop.apply(quota);
  await until('the pods are counted', async () => (await shop.object('resourcequota', 'pods'))?.status?.used?.pods === String(present));
  failure(
    await shop.run('cramped-verify'),
    /^group \S+ is not good: pictures: no volume was made .*; the cluster said: FailedCreate: .*exceeded quota: pods/,
  );
  await shop.output('delete', 'resourcequota', 'pods');
});

test('a group of which a table is damaged fails, and is not noted as verified', async () => {
  // What the log still holds whole, a server mends by itself.
  await sql('checkpoint');
  const { id } = await succeed(shop.run('shop-snapshot'), 'published');
  const handle = await handleOf(NAMESPACE, `shop-${id.toLowerCase()}-data-db-0`);
  await truncateInSnapshot(handle, `data/${await sql("select pg_relation_filepath('orders')")}`, 8192);
  failure(await shop.run('shop-verify'), new RegExp(`^group ${id} is not good: data-db-0: assertion 01 does not hold: `));
  expect(await verifiedPoints('shop')).toEqual([points.shop]);
});

test('a verification that is deleted half way leaves nothing', async () => {
  const job = await shop.start('shop-verify');
  await until('a check runs', async () => (await shop.object('job', 'shop-check-data-db-0')) !== undefined);
  const pod = await shop.output('get', 'pods', `--selector=job-name=${job}`, '--output=name');
  const log = shop.kubectl(['logs', '--follow', pod]);
  await shop.output('delete', pod);
  expect((await log).stdout).toMatch(/"verdict":"failed","reason":"told to stop/);
  await nothingIsLeft();
});

test('a restore takes the newest verified group; where a claim is there it is refused, and changes nothing', async () => {
  await request({});
  const refused = await shop.run('shop-restore');
  const { id } = failure(refused, /^these claims exist: data-db-0 pictures; nothing was changed\./);
  expect(id).toBe(points.shop);
  expect(refused.pods.at(-1)?.status.containerStatuses[0].state.terminated.exitCode).toBe(78);
});

test('restored under another name, a server starts on it, with the same rows', async () => {
  await sql('delete from orders where id % 2 = 0');
  await request({ claims: 'data-db-0=data-trial-0' });
  expect((await succeed(shop.run('shop-restore'), 'restored')).id).toBe(points.shop);
  await scale('trial', 1);
  expect(await content('trial-0')).toBe(rows);
  expect(await content()).not.toBe(rows);
  await scale('trial', 0);
});

test('lost claims come back under their own names', async () => {
  await scale('db', 0);
  await shop.output('delete', 'persistentvolumeclaim', 'data-db-0', 'pictures');
  await request({});
  await succeed(shop.run('shop-restore'), 'restored');
  await scale('db', 1);
  expect(await content()).toBe(rows);
  expect(await cat('pictures')).toBe('a picture');
  // By which it may be a member of other groups.
  expect((await shop.object('persistentvolumeclaim', 'pictures'))?.metadata.labels).toMatchObject({ part: 'album' });
});

test('a volume that somebody has kept is not taken for one of the snapshot: neither restored nor checked, and not deleted', async () => {
  const volumeOf = async (claim: string): Promise<string> => (await shop.object('persistentvolumeclaim', claim))?.spec.volumeName;
  await shop.apply(volumeClaim('kept'));
  await withPictures('kept', 'echo what somebody keeps >/data/cat.jpg');
  const kept = await volumeOf('kept');
  const spec = (patch: object) => output(['patch', 'persistentvolume', kept, '--type=merge', `--patch=${JSON.stringify({ spec: patch })}`]);
  const setFree = async (claim: string) => {
    await shop.output('delete', 'persistentvolumeclaim', claim);
    await spec({ claimRef: null });
    await output(['wait', 'persistentvolume', kept, '--for=jsonpath={.status.phase}=Available', '--timeout=5m']);
  };
  await spec({ persistentVolumeReclaimPolicy: 'Retain' });
  await setFree('kept');

  const says = `was given the volume ${kept}, which was there already, and not one made from its snapshot: it holds nothing of the group`;
  await request({ claims: 'pictures=pictures-again' });
  failure(await shop.run('shop-restore'), new RegExp(`^claim pictures-again ${says}`));
  expect(await volumeOf('pictures-again')).toBe(kept);
  await setFree('pictures-again');

  const verification = await shop.run('shop-verify');
  failure(verification, new RegExp(`^group \\S+ is not good: .*claim shop-verify-\\S+ ${says}`));
  const [taken = ''] = (await claims()).filter(name => name.startsWith('shop-verify-'));
  expect(await volumeOf(taken)).toBe(kept);
  expect(await shop.objects('jobs', 'cdk8s-backup/operation=check')).toEqual([]);
  await setFree(taken);

  await spec({ persistentVolumeReclaimPolicy: 'Delete', claimRef: { namespace: NAMESPACE, name: 'nobody' } });
  await shop.apply({ ...volumeClaim('nobody'), spec: { ...volumeClaim('nobody').spec, volumeName: kept } });
  expect(await cat('nobody')).toBe('what somebody keeps');
  await shop.output('delete', 'persistentvolumeclaim', 'nobody');
});

test('a restore that fails half way deletes what it has made, and nothing else', async () => {
  const before = await claims();
  failure(await shop.run('stuck-restore'), /^these claims have no volume after 5 s: pictures-stuck \(.*nowhere/);
  await until('its claim is gone', async () => !(await claims()).includes('pictures-stuck'));

  const quota = {
    ...{ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'claims' } },
    spec: { hard: { 'count/persistentvolumeclaims': String(before.length + 1) } },
  };
  await shop.apply(quota);
  await until('the claims are counted', async () => (await shop.object('resourcequota', 'claims'))?.status?.used !== undefined);
  await request({ claims: 'data-db-0=one pictures=two' });
  failure(
    await shop.run('shop-restore'),
    new RegExp(
      `^claim two could not be created: a ResourceQuota .* does not allow it .*limited: \\S*=${before.length + 1}\\); deleted again: one$`,
    ),
  );
  await until('the first is gone', async () => !(await claims()).includes('one'));
  expect(await claims()).toEqual(before);

  // Where somebody starts a server on it at once, that would go on without a word, and lose what it writes.
  await shop.apply(podOf({ name: 'waits-for-one', image: 'busybox:1.37.0-musl', command: ['sleep', '86400'], claim: 'one' }));
  failure(
    await shop.run('shop-restore'),
    /^claim two could not be created: .*; these claims, which it made, are kept: one \(a pod may use it\)$/,
  );
  expect(await claims()).toContain('one');
  await shop.output('delete', 'pod/waits-for-one', 'persistentvolumeclaim/one', '--now');
  await shop.output('delete', 'resourcequota', 'claims');
});

test('a class that waits for the first pod is no failure: the claims are there for it', async () => {
  const { reason } = await succeed(shop.run('waiting-restore'), 'restored');
  expect(reason).toMatch(/are created when a pod mounts them \(WaitForFirstConsumer\): pictures-waiting\. Keep the group/);
  expect((await shop.object('persistentvolumeclaim', 'pictures-waiting'))?.status.phase).toBe('Pending');
  expect(await cat('pictures-waiting')).toBe('a picture');
});

test('a snapshot that is made anew under its name is not taken for the one that was cut', async () => {
  const name = `stuck-${points.stuck?.toLowerCase()}-pictures`;
  const cut = await shop.object('volumesnapshot', name);
  if (!cut) throw new Error(`no ${name}`);
  await shop.output('delete', 'volumesnapshot', name);
  // As a restore of the namespace makes it: labels, annotations and all, of the claim as it is now.
  const { labels, annotations } = cut.metadata;
  await shop.apply({ apiVersion: cut.apiVersion, kind: cut.kind, metadata: { name, labels, annotations }, spec: cut.spec });
  await shop.output('wait', `volumesnapshot/${name}`, '--for=jsonpath={.status.readyToUse}=true', '--timeout=5m');
  await request({ recoveryPoint: String(points.stuck), claims: 'pictures=pictures-anew' }, 'stuck');
  failure(
    await shop.run('stuck-restore'),
    new RegExp(`^nothing can be restored from group ${points.stuck}: .*is not the one that was cut at`),
  );
});

test('requests that cannot be met are refused', async () => {
  await request({ claims: 'music' });
  await request({ recoveryPoint: '20200101T000000Z-aaaaa' }, 'waiting');
  const [ofMusic, ofYore] = await Promise.all([shop.run('shop-restore'), shop.run('waiting-restore')]);
  failure(ofMusic, /^group \S+ has no volume for claim music; it has: data-db-0 pictures/);
  failure(ofYore, /^series waiting has no recovery point 20200101T000000Z-aaaaa; it has: /);
  await request({ claims: 'data-db-0=same pictures=same' });
  failure(await shop.run('shop-restore'), /^claims is '.*': two claims would be same/);
});

test('in another namespace, and from Git, claims are made of the handles and the snapshots of a group', async () => {
  // As the documentation has it.
  const listed = await output([
    ...['get', 'volumesnapshotcontents', '-o'],
    'go-template={{range .items}}{{.spec.volumeSnapshotRef.namespace}} {{.spec.volumeSnapshotRef.name}} {{.status.snapshotHandle}}{{"\\n"}}{{end}}',
  ]);
  const prefix = `${NAMESPACE} shop-${points.shop?.toLowerCase()}-`;
  const lines = listed.split('\n').filter(line => line.startsWith(prefix));
  const handles: { [claim: string]: string } = Object.fromEntries(lines.map(line => line.slice(prefix.length).split(' ')));
  expect(Object.keys(handles).sort()).toEqual(['data-db-0', 'pictures']);

  Object.assign(process.env, { POINT: points.shop, HANDLES: JSON.stringify(handles) });
  await shop.applyApp(MAIN);
  await ready(elsewhere, 'db');
  expect(await content('db-0', elsewhere)).toBe(rows);
  expect(await cat('pictures', elsewhere)).toBe('a picture');
  expect(await cat('pictures-in-git')).toBe('a picture');

  await contentsAreAppliedAgain();

  // What is deleted there, leaves the snapshot where it is.
  await elsewhere.output('delete', 'volumesnapshot', 'of-shop-pictures');
  await output(['delete', 'volumesnapshotcontent', `${ELSEWHERE}-of-shop-pictures`]);
  expect(await storedSnapshot(handles.pictures ?? '')).toBeDefined();
});

/** In a content that was made by hand the snapshot controller notes which VolumeSnapshot it belongs to: in a field that is one whole. */
async function contentsAreAppliedAgain(): Promise<void> {
  const name = `${ELSEWHERE}-of-shop-data-db-0`;
  const snapshot = async () => elsewhere.object('volumesnapshot', 'of-shop-data-db-0');
  const noted = () => output(['get', 'volumesnapshotcontent', name, '--output=jsonpath={.spec.volumeSnapshotRef.uid}']);
  const { metadata } = (await snapshot()) ?? {};
  expect(await noted()).toBe(metadata?.uid);
  await withSynthesized(MAIN, async dist => {
    const apply = (...how: string[]) => kubectl(['apply', ...how, `--filename=${dist}/elsewhere.k8s.yaml`]);
    const conflict = await apply('--server-side');
    expect(conflict.exitCode).toBe(1);
    const ofAll = /conflict with "snapshot-controller" using \S+: \.spec\.volumeSnapshotRef$/gm;
    expect(conflict.stderr.match(ofAll), conflict.stderr).toHaveLength(2);

    // As Argo CD does, told to by the content's annotation.
    for (const said of ['configured', 'unchanged']) {
      const { exitCode, stdout, stderr } = await apply();
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toContain(`volumesnapshotcontent.snapshot.storage.k8s.io/${name} ${said}`);
      expect(await noted()).toBe(metadata?.uid);
    }

    const forced = await apply('--server-side', '--force-conflicts');
    expect(forced.exitCode, forced.stderr).toBe(0);
    await until('the controller has noted it again', async () => (await noted()) === metadata?.uid);
    expect((await snapshot())?.status).toMatchObject({ readyToUse: true, boundVolumeSnapshotContentName: name });
  });
}
