import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ofKind, type PodTemplate, podTemplates, readManifests } from '../../manifests/manifest';
import { Cluster, type Deployed } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { request, succeed, synthesize, until } from '../support/rehearse';
import { fillOrders, leastPrivileged } from '../support/sample-data';

// What Velero does with the pod of a VeleroDump: it runs the command of the annotation in the container of the annotation, and copies
// the volume of the annotation file by file. Here the same is done by hand, with the annotations of what was synthesized.

const NAMESPACE = 'shop';
const dist = synthesize('test/e2e/velero/dump/main.ts');
const [template] = podTemplates(ofKind(readManifests(dist), 'Deployment')) as [PodTemplate];
const annotations = template.template.metadata?.annotations ?? {};
const PRE = 'pre.hook.backup.velero.io';

let cluster: Cluster;
let server: PostgresServer;
let deployed: Deployed;

beforeAll(async () => {
  const images = await imagesOfDist();
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  fillOrders(server, 2);
  server.query('orders', 'create table goods (name text)');
  fillGoods();
  leastPrivileged(server, 'backup', 'backup secret', ['orders']);
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service(NAMESPACE, 'orders-db', server.address);
  cluster.secret(NAMESPACE, 'orders-backup', { username: 'backup', password: 'backup secret' });
  cluster.secret(NAMESPACE, 'orders-owner', { username: 'postgres', password: server.password });
  cluster.claim(NAMESPACE, 'backups');
  deployed = await cluster.deploy(NAMESPACE, 'orders-velero');
  await until('the pod waits', () => deployed.pod.processes().some(([, script]) => script?.endsWith('/wait.sh')));
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  rmSync(dist, { recursive: true, force: true });
});

/** Most of the data, as far as a compressed dump can tell. */
function fillGoods(): void {
  server.query('orders', 'insert into goods select md5(i::text) || md5((-i)::text) from generate_series(1, 100000) i');
}

/** Runs the hook as Velero does, and gives what it would see. */
async function hook() {
  const command = JSON.parse(annotations[`${PRE}/command`] ?? '') as string[];
  const { exitCode, stdout } = await deployed.pod.exec(annotations[`${PRE}/container`] ?? '', command).ended;
  return { exitCode, result: JSON.parse(stdout.trim().split('\n').pop() ?? '') };
}

/** The directory of the volume that Velero is told to copy. */
function volume(): string {
  const name = annotations['backup.velero.io/backup-volumes'];
  const claim = template.pod.volumes?.find(one => one.name === name)?.persistentVolumeClaim?.claimName;
  return cluster.claim(NAMESPACE, claim ?? '');
}

/** One file after the other, with owners and modes, as Velero's uploader does. */
function copyFiles(from: string, to: string): void {
  execFileSync('cp', ['--archive', '--no-target-directory', from, to]);
}

const points = () => readdirSync(join(volume(), 'orders')).filter(name => /^\d/.test(name));
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `orders-${operation}` });

describe('the hook', () => {
  test('publishes a recovery point, which can be verified', async () => {
    const { exitCode, result } = await hook();
    expect(result).toMatchObject({ what: 'backup', series: 'orders', verdict: 'published', reason: '' });
    expect(exitCode).toBe(0);
    expect(points()).toEqual([result.id]);
    await succeed(run('verify'), 'verified');
  });

  test('runs twice at once when Velero has given up on one, and both are whole', async () => {
    const [one, other] = await Promise.all([hook(), hook()]);
    expect([one.exitCode, other.exitCode]).toEqual([0, 0]);
    expect(points()).toEqual(expect.arrayContaining([one.result.id, other.result.id]));
    expect(one.result.id).not.toBe(other.result.id);
  });

  test('leaves nothing in the pod that the next one could stumble over', async () => {
    const { stdout } = await deployed.pod.exec('backup', ['sh', '-c', 'ls /scratch']).ended;
    expect(stdout.split('\n').filter(name => name.startsWith('hook-'))).toEqual([]);
  });

  test.each<[string, () => Promise<void> | void, () => Promise<void> | void, RegExp]>([
    [
      'the server refuses it',
      () => void server.query('postgres', "alter role backup password 'another'"),
      () => void server.query('postgres', "alter role backup password 'backup secret'"),
      /password authentication failed/,
    ],
    ['most of the data is gone', () => void server.query('orders', 'truncate goods'), () => void fillGoods(), /drop of more than 50 %/],
  ])('fails when %s: so does the backup of Velero, and what there was is there', async (_, plant, mend, reason) => {
    const before = points();
    await plant();
    const { exitCode, result } = await hook();
    await mend();
    expect(result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(reason) });
    expect(exitCode).not.toBe(0);
    expect(points()).toEqual(before);
    expect((await hook()).exitCode).toBe(0);
  });
});

test('a copy of the volume, made file by file while the database is written, brings the database back when all else is lost', async () => {
  const { result } = await hook();
  const before = server.checksums('orders');
  const load = server.background('pgbench', ['--client=2', '--time=60', '--no-vacuum', 'orders']);
  const copy = `${dist}/copy`;
  copyFiles(volume(), copy);
  await load.stop();

  rmSync(join(volume(), 'orders'), { recursive: true });
  server.client('dropdb', ['--force', 'orders']);
  copyFiles(copy, volume());

  request(cluster, NAMESPACE, 'orders', { recoveryPoint: result.id });
  expect((await succeed(run('restore'), 'restored')).id).toBe(result.id);
  expect(server.checksums('orders')).toEqual(before);
});
