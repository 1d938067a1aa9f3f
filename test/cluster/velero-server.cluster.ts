import { afterAll, beforeAll, expect, test } from 'vitest';
import { failure } from '../e2e/support/faults';
import { succeed } from '../e2e/support/rehearse';
import { kubectl, until } from './kubectl';
import { Namespace, RESTRICTED } from './namespace';
import { installVelero, removeVelero } from './velero-server/install';

// Velero as it is released backs up a shop with its volumes, runs the hooks that hold its server still, and brings it back beside itself.
// The check and the drill judge what Velero says, and not what a test says that it would.

const SHOP = 'velero-shop';
const COPY = 'velero-shop-copy';
const VELERO = 'velero-server';
let shop: Namespace;
let copy: Namespace;
let velero: Namespace;

const sql = (statement: string, namespace = shop) =>
  namespace.output(
    ...['exec', 'db-0', '--container=server', '--', 'mariadb', '--socket=/tmp/mysqld.sock', '--user=root', '--skip-column-names'],
    `--execute=${statement}`,
  );
const content = (namespace = shop) => sql('select count(*), sum(crc32(n)) from shop.sales', namespace);

/** As somebody does who does not wait for the night; what became of it. */
async function backUp(name: string) {
  await velero.output(
    'exec',
    'deployment/velero',
    '--container=velero',
    '--',
    '/velero',
    'backup',
    'create',
    name,
    '--from-schedule=shop-daily',
  );
  const phase = async () => (await velero.object('backups.velero.io', name))?.status?.phase ?? '';
  await until(`the backup ${name} has ended`, async () => /^(Completed|PartiallyFailed|Failed)/.test(await phase()));
  return (await velero.object('backups.velero.io', name))?.status;
}

/** What Velero's own log of a restore says that it counts as warnings. */
async function restoreWarnings(restore: string): Promise<string[]> {
  const log = await velero.output('exec', 'deployment/velero', '--container=velero', '--', '/velero', 'restore', 'logs', restore);
  return log.split('\n').filter(line => line.includes('resource restore warning'));
}

async function clean(): Promise<void> {
  await removeVelero(VELERO);
  await Promise.all([SHOP, COPY, VELERO].map(name => new Namespace(name).delete()));
  await kubectl(['delete', 'volumesnapshotclass', `${SHOP}-disks`, '--ignore-not-found']);
}

beforeAll(async () => {
  await clean();
  Object.assign(process.env, { SHOP, COPY, VELERO });
  velero = await Namespace.create(VELERO, { 'pod-security.kubernetes.io/enforce': 'baseline' });
  shop = await Namespace.create(SHOP, RESTRICTED);
  copy = new Namespace(COPY);
  await installVelero(velero);
  await shop.applyApp('test/cluster/velero-server/main.ts');
  await shop.output('rollout', 'status', 'statefulset/db', '--timeout=10m');
  await sql('insert into shop.sales select seq from shop.seq_1_to_5000');
});
afterAll(clean);

test('a backup has the volume as it was while the server was held, and the check is content with it', async () => {
  expect(await backUp('first')).toMatchObject({ phase: 'Completed', hookStatus: { hooksAttempted: 2 }, csiVolumeSnapshotsCompleted: 1 });
  expect((await succeed(velero.run('shop-daily-check'), 'succeeded')).id).toBe('first');
});

test('a drill brings it back beside itself: a server starts, with the same rows', async () => {
  const before = await content();
  await sql('delete from shop.sales where n % 2 = 0');
  const { id, reason } = await succeed(velero.run('shop-drill'), 'succeeded');
  expect((await velero.object('restores.velero.io', id))?.status).toMatchObject({ phase: 'Completed' });
  // Every namespace has the cluster's certificate from the beginning.
  expect(reason).toMatch(/^restoring first from \S+Z, \d+ minutes ago; Velero gave 1 warnings: existing objects were left unchanged/);
  expect(await restoreWarnings(id)).toEqual([expect.stringContaining('kube-root-ca.crt already exists')]);
  await copy.output('rollout', 'status', 'statefulset/db', '--timeout=10m');
  expect(await content(copy)).toBe(before);
  expect(await content()).not.toBe(before);
});

test('a hook that cannot hold the server fails the check', async () => {
  await sql("revoke reload on *.* from quiesce@'127.0.0.1'");
  expect(await backUp('unheld')).toMatchObject({ phase: 'PartiallyFailed', hookStatus: { hooksFailed: 1 } });
  failure(await velero.run('shop-daily-check'), /the backup unheld is PartiallyFailed, with \d+ errors: 1 of \d hooks failed/);
});
