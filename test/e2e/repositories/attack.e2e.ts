import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Cluster } from '../../rehearsal';
import { FaultTable } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { addVariables, request, resultOf, succeed, synthesize } from '../support/rehearse';
import { RestServer } from '../support/rest-server';
import { backupPolicy, lockedPolicy, restorePolicy } from '../support/s3-policies';
import { S3Server } from '../support/s3-server';

// Somebody has a backup job's own credentials, and does with them what they can: through restic, and through the store's protocol.
// Afterwards the newest recovery point that was good comes back, equal.

const NAMESPACE = 'attack';
const table = new FaultTable('attacks with the credentials of a backup job');
const secrets: { [name: string]: { [key: string]: string } } = {};
let dist: string;
let cluster: Cluster;
let db: PostgresServer;
let rest: RestServer;
let s3: S3Server;
let restic: string;

const run = (name: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name });

function secret(name: string, values: { [key: string]: string }): void {
  secrets[name] = values;
  cluster.secret(NAMESPACE, name, values);
}

beforeAll(async () => {
  const images = await imagesOfDist();
  restic = join(imageNamed(images, 'restic/restic:0.18.0').root, 'usr/bin/restic');
  [rest, s3] = await Promise.all([RestServer.start({ appendOnly: true }), S3Server.start()]);
  dist = synthesize('test/e2e/repositories/attack/main.ts');
  // Nobody waits for weeks until locks are due, and here no two first runs come at once.
  addVariables(dist, { LOCK_RENEW_AFTER: '1', INIT_SPREAD: '0', INIT_SETTLE: '0' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  db = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  db.client('createdb', ['notes']);
  db.query('notes', "create table note (text text); insert into note select 'note ' || i || random() from generate_series(1, 1000) i");
  cluster.service(NAMESPACE, 'db', db.address);
  cluster.service(NAMESPACE, 'vault', rest.address);
  cluster.service(NAMESPACE, 'store', s3.address);
  secret('db', { username: 'postgres', password: db.password });
  secret('key', { password: 'the key' });
  secret('rest', { username: rest.username, password: rest.password });
  await s3.bucket('kept', { versioned: true });
  await s3.bucket('locked', { lock: { mode: 'GOVERNANCE', days: 30 } });
  secret('kept', { ...s3.user('kept-backup', backupPolicy('kept', 'blue')) });
  secret('locked', { ...s3.user('locked-backup', lockedPolicy('locked', 'blue')) });
});

afterAll(async () => {
  await cluster?.destroy();
  await Promise.all([db?.stop(), rest?.stop(), s3?.stop()]);
  if (dist) rmSync(dist, { recursive: true });
  table.print();
});

/** The variables of a backup's pod, with the Secrets that it is given: all that somebody who broke into it has. */
function stolen(store: string): { [name: string]: string } {
  const objects = readdirSync(dist)
    .filter(file => file.endsWith('.yaml'))
    .flatMap(file => parseAllDocuments(readFileSync(join(dist, file), 'utf8')).map(each => each.toJS()));
  const { env } = objects.find(object => object?.kind === 'CronJob' && object.metadata.name === `${store}-backup`).spec.jobTemplate.spec
    .template.spec.containers[0];
  const variables: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[] = env;
  return Object.fromEntries(
    variables.map(({ name, value, valueFrom }) => {
      const { secretKeyRef } = valueFrom ?? {};
      return [name, value ?? secrets[secretKeyRef?.name ?? '']?.[secretKeyRef?.key ?? ''] ?? ''];
    }),
  );
}

/** restic in the attacker's hands: what it printed, and whether it was let. */
function attackWith(store: string, ...words: string[]): { done: boolean; said: string } {
  const { RESTIC_REPOSITORY = '', RESTIC_PASSWORD_FILE: _, ...environment } = stolen(store);
  const repository = RESTIC_REPOSITORY.replace('//store:', `//${s3.address}:`).replace('//vault:', `//${rest.address}:`);
  const env = { ...environment, PATH: process.env.PATH, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: secrets.key?.password };
  try {
    // restic tries for a quarter of an hour what is refused.
    const said = execFileSync('timeout', ['8', restic, '--no-cache', ...words], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { done: true, said };
  } catch (error) {
    return { done: false, said: String((error as { stderr?: string }).stderr) };
  }
}

/** restic's own words for destruction. */
function destroyThroughRestic(store: string): boolean[] {
  const snapshots = JSON.parse(attackWith(store, 'snapshots', '--no-lock', '--json').said).map(({ id }: { id: string }) => id);
  const [key] = JSON.parse(attackWith(store, 'key', 'list', '--no-lock', '--json').said).map(({ id }: { id: string }) => id);
  return [
    attackWith(store, 'forget', '--prune', ...snapshots).done,
    attackWith(store, 'key', 'remove', key).done,
    attackWith(store, 'init').done,
  ];
}

/** Something to lose: the id of a recovery point that was proved. */
async function backedUp(store: string): Promise<string> {
  const { id } = await succeed(run(`${store}-backup`), 'published');
  expect((await succeed(run(`${store}-verify`), 'verified')).id).toBe(id);
  return id;
}

async function comesBack(store: string, id: string, words: { [key: string]: string } = {}): Promise<void> {
  const before = db.checksums('notes');
  db.client('dropdb', ['notes']);
  request(cluster, NAMESPACE, store, words);
  expect((await succeed(run(`${store}-restore`), 'restored')).id).toBe(id);
  expect(db.checksums('notes')).toEqual(before);
}

describe('a REST server that only appends', () => {
  let good: string;

  test('a backup and its verification need no more than to append', async () => {
    good = await backedUp('rest');
  });

  test('nothing is deleted and nothing overwritten', async () => {
    expect(destroyThroughRestic('rest')).toEqual([false, false, false]);
    const authorization = `Basic ${Buffer.from(`${rest.username}:${rest.password}`).toString('base64')}`;
    const stored = () =>
      Object.fromEntries(
        readdirSync(rest.directory, { recursive: true, withFileTypes: true })
          .filter(entry => entry.isFile() && !entry.parentPath.endsWith('locks'))
          .map(entry => join(entry.parentPath, entry.name))
          .map(path => [path.slice(rest.directory.length).replace(/^\/data\/..\//, '/data/'), readFileSync(path, 'base64')]),
      );
    const before = stored();
    const paths = Object.keys(before);
    expect(paths.length).toBeGreaterThan(5);
    const answers: number[] = [];
    for (const path of paths) {
      for (const method of ['DELETE', 'POST', 'PUT']) {
        const body = method === 'DELETE' ? {} : { body: 'garbage' };
        const { status } = await fetch(`http://${rest.address}:8000${path}`, { method, headers: { authorization }, ...body });
        answers.push(status);
      }
    }
    expect(answers.filter(status => status < 400)).toEqual([]);
    expect(stored()).toEqual(before);
    table.add(
      'append-only REST: restic forget --prune, key remove; DELETE, POST, PUT of every file',
      `refused (${[...new Set(answers)]})`,
      good,
    );
  });

  test('the newest recovery point verifies and comes back', async () => {
    expect((await succeed(run('rest-verify'), 'verified')).id).toBe(good);
    await comesBack('rest', good);
  });
});

describe('a bucket whose policy lets nobody delete', () => {
  let good: string;
  let before: string;

  test('a backup, its verification and a restore need no more than the policy of the documentation', async () => {
    good = await backedUp('kept');
    await comesBack('kept', good);
    before = await pause();
  });

  test('nothing is deleted; what is overwritten leaves its old version', async () => {
    expect(destroyThroughRestic('kept')).toEqual([false, false, false]);
    const { accessKeyId = '', secretAccessKey = '' } = secrets.kept ?? {};
    const thief = s3.client({ accessKeyId, secretAccessKey });
    const keys = (await s3.owner.keys('kept')).filter(key => !key.startsWith('blue/locks/'));
    const versions = await s3.owner.versions('kept');
    expect(keys.length).toBeGreaterThan(5);
    for (const key of keys) expect((await thief.request('DELETE', `/kept/${key}`)).status).toBe(403);
    for (const { key, id } of versions.filter(each => !each.key.startsWith('blue/locks/')))
      expect((await thief.request('DELETE', `/kept/${key}`, { query: { versionId: id } })).status).toBe(403);
    const suspend = { query: { versioning: '' }, body: '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>' };
    expect((await thief.request('PUT', '/kept', suspend)).status).toBe(403);
    for (const key of keys) expect((await thief.request('PUT', `/kept/${key}`, { body: 'garbage' })).status).toBe(200);
  });

  test('a verification finds it, and the recovery point comes back as it was before, with credentials that may read versions', async () => {
    const damaged = resultOf(await run('kept-verify'));
    expect(damaged.verdict).toBe('failed');
    secret('kept', { ...s3.user('kept-restore', restorePolicy('kept', 'blue')) });
    await comesBack('kept', good, { asOf: before });
    table.add('S3 without delete: every object overwritten', damaged.reason, `${good}, restored asOf ${before}`);
  });
});

describe('a bucket that locks', () => {
  let good: string;
  let before: string;

  test('backups work as on any bucket', async () => {
    good = await backedUp('locked');
  });

  test('what would be unlocked some day is locked anew, with the rights of a backup', async () => {
    const locks = async () => {
      const current = (await s3.owner.versions('locked')).filter(
        ({ isLatest, isMarker, key }) => isLatest && !isMarker && !key.includes('/locks/'),
      );
      return new Map(await Promise.all(current.map(async each => [each.key, await s3.owner.lockedUntil('locked', each)] as const)));
    };
    const old = await locks();
    await pause();
    const renewal = await run('locked-renew-locks');
    await succeed(Promise.resolve(renewal), 'succeeded');
    const renewed = await locks();
    expect([...renewed.keys()]).toEqual([...old.keys()]);
    for (const [key, until] of old) expect(renewed.get(key)?.getTime()).toBeGreaterThan(until.getTime() + 1000);
    expect((await succeed(run('locked-verify'), 'verified')).id).toBe(good);
    before = await pause();
  });

  test('fails: locks that cannot be renewed', async () => {
    const { locked = {} } = secrets;
    secret('locked', { ...s3.user('locked-reader', restorePolicy('locked', 'blue')) });
    expect(resultOf(await run('locked-renew-locks')).reason).toMatch(/^object locks were not renewed: rclone touch: .*AccessDenied/);
    secret('locked', locked);
  });

  test('what is deleted is hidden, and none of it can be removed or unlocked', async () => {
    const { accessKeyId = '', secretAccessKey = '' } = secrets.locked ?? {};
    const thief = s3.client({ accessKeyId, secretAccessKey });
    const kept = (await thief.versions('locked')).filter(({ isMarker, key }) => !isMarker && !key.includes('/locks/'));
    expect(destroyThroughRestic('locked')[0]).toBe(true);
    for (const key of await thief.keys('locked')) expect((await thief.request('DELETE', `/locked/${key}`)).status).toBe(204);
    expect(await thief.keys('locked')).toEqual([]);
    const soon = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>${new Date(Date.now() + 60_000).toISOString()}</RetainUntilDate></Retention>`;
    for (const { key, id } of kept) {
      const query = { versionId: id };
      const bypass = { 'x-amz-bypass-governance-retention': 'true' };
      const tried = [
        await thief.request('DELETE', `/locked/${key}`, { query }),
        await thief.request('DELETE', `/locked/${key}`, { query, headers: bypass }),
        await thief.request('PUT', `/locked/${key}`, { query: { ...query, retention: '' }, headers: bypass, body: soon }),
        // The owner has to say that a lock is to be bypassed, too.
        await s3.owner.request('DELETE', `/locked/${key}`, { query }),
      ];
      expect(tried.map(({ status }) => status)).toEqual([expect.toSatisfy(refused), 403, 403, expect.toSatisfy(refused)]);
    }
    const never = '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>';
    expect((await thief.request('PUT', '/locked', { query: { 'object-lock': '' }, body: never })).status).toBe(403);
    const still = (await s3.owner.versions('locked')).map(({ id }) => id);
    for (const { id } of kept) expect(still).toContain(id);
  });

  test('a verification finds nothing, and the recovery point comes back as it was before', async () => {
    const emptied = resultOf(await run('locked-verify'));
    expect(emptied.reason).toMatch(/there is no restic repository at/);
    await comesBack('locked', good, { asOf: before });
    table.add(
      'locked S3: forget --prune, every object deleted; versions, locks: refused',
      emptied.reason,
      `${good}, restored asOf ${before}`,
    );
  });

  test('fails: asOf that is no time, and one before there was a repository', async () => {
    request(cluster, NAMESPACE, 'locked', { asOf: 'yesterday' });
    expect(resultOf(await run('locked-restore')).reason).toMatch(/^asOf is yesterday: write a time such as 2026-08-01T00:00:00Z/);
    request(cluster, NAMESPACE, 'locked', { asOf: '2020-01-01T00:00:00Z' });
    expect(resultOf(await run('locked-restore')).reason).toMatch(/there is no restic repository at .*, as it was at 2020-01-01T00:00:00Z/);
  });
});

const refused = (status: number) => status >= 400;

/** A moment that is after all that was done, and before all that will be. */
async function pause(): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, 1100));
  const now = new Date().toISOString().replace(/\.\d+/, '');
  await new Promise(resolve => setTimeout(resolve, 1100));
  return now;
}
