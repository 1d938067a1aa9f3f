import { afterAll, beforeAll, expect, test } from 'vitest';
import { succeed } from '../e2e/support/rehearse';
import { until } from './kubectl';
import { type ClusterObject, Namespace, RESTRICTED } from './namespace';

// The log of a server is archived by a Deployment, whose pod comes and goes, as the server's does: what was committed is in the archive,
// without a gap, as soon as the Deployment says so.

let ledger: Namespace;
let rows = 0;

beforeAll(async () => {
  ledger = await Namespace.create(`log-archive-${Date.now().toString(36)}`, RESTRICTED);
  process.env.NAMESPACE = ledger.name;
  await ledger.applyApp('test/cluster/log-archive/main.ts');
  await serverIsReady();
  await sql("create role backup login replication password 'of backup'; create table entries (n int primary key, what text)");
}, 900_000);
afterAll(() => ledger?.delete(), 600_000);

const serverIsReady = () => ledger.output('rollout', 'status', 'statefulset/db', '--timeout=10m');
const archiveIsReady = () => ledger.output('wait', 'deployment/books-log', '--for=condition=Available', '--timeout=10m');
const archiver = async () =>
  (await ledger.output('get', 'pod', '--selector=cdk8s-backup/operation=log', '--output=name')).split('\n')[0] ?? '';

function sql(statement: string): Promise<string> {
  return ledger.output('exec', 'db-0', '--', 'psql', '-U', 'postgres', '-XAtqc', statement);
}

/** Some megabytes, so that no segment holds all of it. */
async function write(): Promise<void> {
  const to = rows + 5000;
  await sql(`insert into entries select n, repeat(md5(n::text), 20) from generate_series(${rows + 1}, ${to}) n`);
  rows = to;
}

/** The server's process that sends the log. */
const receiver = () => sql('select coalesce(max(active_pid), 0) from pg_replication_slots');

const content = () => sql("select count(*), max(n), md5(string_agg(what, '' order by n)) from entries");

const restarts = (status: ClusterObject['status']): number => status?.containerStatuses?.[0].restartCount;

/** Waits until the archive claims that what is written by now is stored. */
async function isStored(): Promise<void> {
  const now = Number(await sql('select ceil(extract(epoch from clock_timestamp()))'));
  await until(
    'the archive has what was written',
    async () => {
      const { stdout } = await ledger.kubectl(['exec', await archiver(), '--container=log', '--', 'date', '-r', '/scratch/healthy', '+%s']);
      return Number(stdout) >= now;
    },
    120,
  );
}

test('it is ready when what the server has written is stored', async () => {
  expect((await ledger.object('deployment', 'books-log'))?.status.readyReplicas).toBeUndefined();
  await write();
  await succeed(ledger.run('books-backup'), 'published');
  await write();
  await archiveIsReady();
  await isStored();
});

test('its pod is deleted, and is killed, and the server is killed: the log goes on without a gap', async () => {
  await write();
  const deleted = await archiver();
  await ledger.output('delete', deleted, '--wait=false');
  await write();
  await until('another pod archives', async () => (await archiver()) !== deleted);
  await write();
  await isStored();
  const killed = await receiver();
  await ledger.output('delete', await archiver(), '--force', '--grace-period=0');
  // What it receives before the kubelet has killed it goes with it: that is a gap, and is said to be one.
  await until('the one that was killed receives no more', async () => (await receiver()) !== killed);
  await write();
  // As a server that crashes: it recovers from its own log.
  await ledger.output('exec', 'db-0', '--', 'bash', '-c', 'kill -QUIT 1');
  await until('the server runs again', async () => restarts((await ledger.object('pod', 'db-0'))?.status) === 1);
  await serverIsReady();
  await write();
  await isStored();
  await archiveIsReady();
  await succeed(ledger.run('books-verify'), 'verified');
});

test('it is not ready when it cannot ask the server for longer than it may be behind, and what it said was true: all of it comes back', async () => {
  const before = await content();
  expect(before).toContain(`${rows}|${rows}|`);
  await ledger.output('scale', 'statefulset/db', '--replicas=0');
  await ledger.output('wait', 'pod/db-0', '--for=delete', '--timeout=5m');
  await ledger.output('create', 'configmap', 'books-restore-request', '--from-literal=replace=yes');
  await succeed(ledger.run('books-restore'), 'restored');
  await ledger.output('wait', 'deployment/books-log', '--for=condition=Available=false', '--timeout=10m');
  await ledger.output('scale', 'statefulset/db', '--replicas=1');
  await serverIsReady();
  expect(await content()).toBe(before);
});

test('after a restore a new history begins: the archive goes on with that, and is ready again', async () => {
  await archiveIsReady();
  await succeed(ledger.run('books-backup'), 'published');
  await write();
  await isStored();
  await succeed(ledger.run('books-verify'), 'verified');
});
