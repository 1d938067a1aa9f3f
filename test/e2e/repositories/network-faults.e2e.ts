import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun, type RunningPod } from '../../rehearsal';
import { FaultTable, failure, flipBit } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { addVariables, request, succeed, synthesize, until } from '../support/rehearse';
import { RestServer } from '../support/rest-server';
import { backupPolicy } from '../support/s3-policies';
import { S3Server } from '../support/s3-server';
import { type Disturbance, type Fault, StoreProxy } from '../support/store-proxy';

// The network between a job and its store breaks, the store refuses, and objects are lost behind everybody's back. What passes is
// waited for; what lasts fails with a sentence that says why; and recovery points that were there before are never harmed.

const NAMESPACE = 'network';
const LASTING = ['cut', 'unavailable', 'slow', 'full', 'revoked'];
const table = new FaultTable('faults of networks and stores');
const proxies: { [host: string]: StoreProxy } = {};
const good: { [series: string]: string } = {};
let dist: string;
let cluster: Cluster;
let db: PostgresServer;
let rest: RestServer;
let s3: S3Server;

const run = (name: string, onPod?: (pod: RunningPod) => Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });
/** Runs out of time once it has met its fault: restic alone would go on for a quarter of an hour. One that ends by itself does that. */
const runUntil = (met: () => boolean, name: string) =>
  run(name, async pod => {
    let ended = false;
    void pod.done.then(() => {
      ended = true;
    });
    await until('the fault is met, or the pod ends', () => ended || met());
    if (!ended) pod.passDeadline();
  });
const proxy = (host: string) => proxies[host] as StoreProxy;
const isUpload: (request: Parameters<Fault>[0]) => boolean = ({ method, path }) =>
  ['POST', 'PUT'].includes(method) && path.includes('/data/');
const isDownload: typeof isUpload = ({ method, path }) => method === 'GET' && path.includes('/data/');

/** Random bytes, and others each time: neither compression nor deduplication makes the way short. */
const change = () =>
  db.query(
    'noise',
    "truncate noise; insert into noise select i / 30, string_agg(md5(random()::text || i), '') from generate_series(1, 90000) i group by 1",
  );

beforeAll(async () => {
  const images = await imagesOfDist();
  [rest, s3] = await Promise.all([RestServer.start(), S3Server.start()]);
  dist = synthesize('test/e2e/repositories/network/main.ts');
  addVariables(dist, { INIT_SPREAD: '0', INIT_SETTLE: '0' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  db = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  db.client('createdb', ['noise']);
  db.query('noise', 'create table noise (i int, v text)');
  change();
  cluster.service(NAMESPACE, 'db', db.address);
  for (const host of ['passing', ...LASTING]) {
    const started = await StoreProxy.start(
      host === 'revoked' ? { address: s3.address, port: 9000 } : { address: rest.address, port: 8000 },
    );
    proxies[host] = started;
    cluster.service(NAMESPACE, host, started.address);
  }
  await s3.bucket('backups');
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: db.password });
  cluster.secret(NAMESPACE, 'key', { password: 'the key' });
  cluster.secret(NAMESPACE, 'rest', { username: rest.username, password: rest.password });
  cluster.secret(NAMESPACE, 's3', { ...s3.user('backup', backupPolicy('backups', 'revoked')) });
});

afterAll(async () => {
  await cluster?.destroy();
  await Promise.all([db?.stop(), s3?.stop(), ...Object.values(proxies).map(each => each.stop())]);
  await rest?.stop();
  if (dist) rmSync(dist, { recursive: true });
  table.print();
});

test('healthy backups, to have something to lose', async () => {
  await Promise.all(
    ['passing', ...LASTING].map(async series => {
      good[series] = (await succeed(run(`${series}-backup`), 'published')).id;
    }),
  );
});

describe('what passes is waited for', () => {
  test.each<[string, string, number, (request: Parameters<Fault>[0]) => boolean, Disturbance]>([
    ['the connection breaks in the middle of an upload', 'backup', 2, isUpload, { cut: 'upload' }],
    ['the store is unavailable for a while', 'backup', 2, () => true, { status: 503, body: 'later' }],
    ['the connection breaks in the middle of a download', 'verify', 2, isDownload, { cut: 'download' }],
  ])('%s', async (what, operation, times, matches, disturbance) => {
    if (operation === 'backup') change();
    let left = times;
    proxy('passing').breaks(asked => {
      if (!matches(asked) || left === 0) return undefined;
      left -= 1;
      return disturbance;
    });
    const { id } = await succeed(run(`passing-${operation}`), operation === 'backup' ? 'published' : 'verified');
    expect(proxy('passing').disturbed).toBe(times);
    proxy('passing').heals();
    good.passing = id;
    table.add(`${what}, ${times} times`, `${operation}: no failure`, id);
  });

  test('what was stored over such a network comes back', async () => {
    const before = db.checksums('noise');
    db.client('dropdb', ['noise']);
    request(cluster, NAMESPACE, 'passing', { recoveryPoint: 'newest' });
    proxy('passing').breaks(once(isDownload, { cut: 'download' }));
    expect((await succeed(run('passing-restore'), 'restored')).id).toBe(good.passing);
    expect(proxy('passing').disturbed).toBe(1);
    proxy('passing').heals();
    expect(db.checksums('noise')).toEqual(before);
  });
});

describe('what lasts ends the run, which says why', () => {
  const runs: { [series: string]: JobRun } = {};

  test('fails: each in its own way', async () => {
    change();
    proxy('cut').breaks(asked => (isUpload(asked) ? { cut: 'upload' } : undefined));
    proxy('unavailable').breaks(() => ({ status: 503, body: 'later' }));
    proxy('slow').breaks(asked => (isUpload(asked) ? { bytesPerSecond: 20_000 } : undefined));
    proxy('full').breaks(asked => (isUpload(asked) ? { status: 507 } : undefined));
    let refused = 0;
    proxy('revoked').breaks(asked => {
      if (!isUpload(asked)) return undefined;
      s3.revoke('backup');
      refused += 1;
      return undefined;
    });
    const met: { [series: string]: () => boolean } = {
      cut: () => proxy('cut').disturbed > 5,
      unavailable: () => false,
      slow: () => proxy('slow').disturbed > 0,
      full: () => proxy('full').disturbed > 5,
      revoked: () => refused > 5,
    };
    await Promise.all(
      LASTING.map(async series => {
        runs[series] = await runUntil(met[series] as () => boolean, `${series}-backup`);
      }),
    );
    const says: { [series: string]: RegExp } = {
      cut: /^told to stop .*: this run published nothing, and earlier recovery points are untouched; the repository said: .*(EOF|reset|broken|closed)/,
      unavailable: /could not be opened within 15 s: .*503/,
      slow: /^told to stop .*: this run published nothing/,
      full: /^told to stop .*; the repository said: .*507/,
      revoked: /(^told to stop .*; the repository said|storing noise\.dump failed): .*(disabled|denied|does not exist)/i,
    };
    for (const series of LASTING) proxy(series).heals();
    for (const series of LASTING) {
      failure(runs[series] as JobRun, says[series] as RegExp);
    }
  });

  test('fails: a restore over a network that keeps breaking leaves the target as it is', async () => {
    request(cluster, NAMESPACE, 'cut', { replace: 'yes', recoveryPoint: 'newest' });
    const before = db.checksums('noise');
    proxy('cut').breaks(asked => (isDownload(asked) ? { cut: 'download' } : undefined));
    const restore = await runUntil(() => proxy('cut').disturbed > 5, 'cut-restore');
    proxy('cut').heals();
    const { reason } = failure(restore, /cannot be read|told to stop/);
    expect(db.checksums('noise')).toEqual(before);
    table.add('every download breaks', reason, 'the target was as before');
  });

  test('fails: credentials that were revoked since the last run', async () => {
    const { reason } = failure(await run('revoked-backup'), /could not be opened within 15 s: .*(disabled|denied|does not exist)/i);
    cluster.secret(NAMESPACE, 's3', { ...s3.user('another', backupPolicy('backups', 'revoked')) });
    table.add('credentials revoked between two runs', reason, 'see the next');
  });

  test('and the recovery points of before still verify', async () => {
    await Promise.all(
      LASTING.map(async series => {
        const { id } = await succeed(run(`${series}-verify`), 'verified');
        expect(id).toBe(good[series]);
        table.add(`lasting fault: ${series}`, failure(runs[series] as JobRun, /./).reason, `${id}, verified after the fault`);
      }),
    );
  });
});

describe('objects that are lost or changed behind our back', () => {
  // In repositories of one recovery point each: what the faults above have begun to upload never arrived whole.
  test.each<[string, string, string, (file: string) => void]>([
    ['a pack is deleted', 'cut', 'data', file => rmSync(file)],
    ['a bit of a pack is flipped', 'cut', 'data', flipBit],
    ['an index is deleted', 'full', 'index', file => rmSync(file)],
    ['the snapshot of a member is deleted', 'unavailable', 'snapshots', file => rmSync(file)],
  ])('fails: %s: the verification says which recovery point cannot be restored', async (what, series, folder, damage) => {
    const directory = join(rest.directory, series, folder);
    // The manifest is stored last.
    const file = folder === 'snapshots' ? oldest(directory) : largest(directory);
    const copy = readFileSync(file);
    damage(file);
    const { reason } = failure(
      await run(`${series}-verify`),
      new RegExp(`of recovery point ${good[series]} cannot be read: restic dump: `),
    );
    writeFileSync(file, copy);
    table.add(what, reason, `not ${good[series]}: the verification says so`);
  });
});

function once(matches: (request: Parameters<Fault>[0]) => boolean, disturbance: Disturbance): Fault {
  let done = false;
  return asked => {
    if (done || !matches(asked)) return undefined;
    done = true;
    return disturbance;
  };
}

function oldest(directory: string): string {
  const written = (name: string) => statSync(join(directory, name)).mtimeMs;
  return join(directory, readdirSync(directory).sort((a, b) => written(a) - written(b))[0] ?? '');
}

function largest(directory: string): string {
  const files = (readdirSync(directory, { recursive: true }) as string[])
    .map(name => join(directory, name))
    .filter(name => statSync(name).isFile());
  return files.sort((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
}
