import { afterAll, beforeAll, expect, test } from 'vitest';
import { resultOf, succeed } from '../e2e/support/rehearse';
import { kubectl, until } from './kubectl';
import { type ClusterObject, Namespace, RESTRICTED } from './namespace';

// What a group of snapshots has to do on every cluster that has snapshots, so on that of KUBECONFIG too. Nothing here but kubectl.

const SERIES = 'cdk8s-backup/series=shop';
const GROUPS = `${SERIES},cdk8s-backup/published=yes`;
const CLAIMS = ['data-db-0', 'files-db-0'];
let shop: Namespace;

const sql = (statement: string) =>
  shop.output(
    ...['exec', 'db-0', '--container=server', '--', 'mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--skip-column-names'],
    `--execute=${statement}`,
  );
const pointOf = ({ metadata }: ClusterObject) => metadata.labels['cdk8s-backup/recovery-point'];
const snapshots = () => shop.objects('volumesnapshots', SERIES);
/** The snapshots of groups, a list for each group. */
async function groups(): Promise<ClusterObject[][]> {
  const published = await shop.objects('volumesnapshots', GROUPS);
  return [...new Set(published.map(pointOf))].map(id => published.filter(each => pointOf(each) === id));
}

beforeAll(async () => {
  await check();
  shop = await Namespace.create(`snapshots-${Date.now().toString(36)}`, RESTRICTED);
  process.env.NAMESPACE = shop.name;
  await shop.applyApp('test/cluster/snapshots/main.ts');
  await shop.output('wait', '--for=condition=Ready', 'pod/db-0', '--timeout=10m');
  await until('the server answers', () =>
    sql('insert into shop.sales values (1)').then(
      () => true,
      () => false,
    ),
  );
  // A volume without files is no proof of anything.
  await shop.output('exec', 'db-0', '--container=server', '--', 'sh', '-c', 'echo a picture >/files/cat.jpg');
}, 900_000);
afterAll(() => shop?.delete(), 600_000);

/** Nothing may pass here that was not tried. */
async function check(): Promise<void> {
  const missing = (what: string) => new Error(`the scenarios of snapshots need ${what}. Nothing was tested`);
  const answer = await kubectl(['get', 'volumesnapshotclasses', '--output=name']);
  if (answer.exitCode !== 0) throw missing(`a cluster that answers and has the CRDs of external-snapshotter (${answer.stderr.trim()})`);
  if (answer.stdout.trim() === '') throw missing('a VolumeSnapshotClass in the cluster; a default one, or SNAPSHOT_CLASS with its name');
}

let first: string | undefined;
let newest: string | undefined;

test('a group is complete: a snapshot of every claim, all of them ready, and the server goes on', async () => {
  const { id, reason } = await succeed(shop.run('shop-snapshot'), 'published');
  expect(reason).toBe('');
  first = id;
  const [group = [], ...others] = await groups();
  expect(others).toEqual([]);
  const said = (key: string) => group.map(({ metadata }) => JSON.parse(metadata.annotations?.[`cdk8s-backup/${key}`] ?? ''));
  expect(
    said('volume')
      .map(({ claim }: { claim: string }) => claim)
      .sort(),
  ).toEqual(CLAIMS);
  for (const { quiesced } of said('group')) expect(quiesced).toMatchObject([{ pod: 'db-0' }]);
  const made = await snapshots();
  expect(made.map(({ spec }) => spec.source.persistentVolumeClaimName).sort()).toEqual(CLAIMS);
  expect(made.map(({ status }) => status?.readyToUse)).toEqual([true, true]);
  expect(made.map(pointOf)).toEqual([id, id]);
  await sql('insert into shop.sales values (2)');
  expect(await sql('select count(*) from shop.sales')).toBe('2');
});

test('a run that cannot work says so, and makes nothing', async () => {
  const { verdict, reason } = resultOf(await shop.run('classless-snapshot'));
  expect(verdict).not.toBe('published');
  expect(reason).toContain('cdk8s-backup-has-no-such-class');
  expect(await shop.objects('volumesnapshots', 'cdk8s-backup/series=classless,cdk8s-backup/recovery-point')).toEqual([]);
});

test('retention lets the oldest group go, with its snapshots', async () => {
  await succeed(shop.run('shop-snapshot'), 'published');
  ({ id: newest } = await succeed(shop.run('shop-snapshot'), 'published'));
  const kept = (await groups()).map(([each]) => each && pointOf(each));
  expect(kept).toHaveLength(2);
  expect(kept).toContain(newest);
  expect(kept).not.toContain(first);
  for (const { metadata } of (await snapshots()).filter(each => pointOf(each) === first)) {
    await shop.output('wait', '--for=delete', `volumesnapshot/${metadata.name}`, '--timeout=5m');
  }
  expect(new Set((await snapshots()).map(pointOf))).toEqual(new Set(kept));
});

// Last: a verified group is kept beyond what retention says, until a newer one is verified.
test('a group is verified: a server starts on a volume of its snapshot, which is gone afterwards', async () => {
  const { id, reason } = await succeed(shop.run('shop-verify'), 'verified');
  expect(reason, 'a volume that no check was named for').toMatch(/^files-db-0: its files could be read, but their content was not checked/);
  expect(id).toBe(newest);
  const verified = (await groups()).flat().filter(({ metadata }) => metadata.annotations?.['cdk8s-backup/verified']);
  expect(verified.map(pointOf)).toEqual(CLAIMS.map(() => newest));
  await until('its volumes are gone', async () => (await shop.objects('persistentvolumeclaims')).length === CLAIMS.length);
});
