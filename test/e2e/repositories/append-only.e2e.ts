import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { failure } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { addVariables, request, succeed, synthesize } from '../support/rehearse';
import { RestServer } from '../support/rest-server';

// A repository to which the backup's credentials can only add: everything but pruning works with them, and nothing that is there can
// be taken away. Pruning has another server over the same directory, with a certificate of an authority that only its jobs know.

const directory = mkdtempSync(join(tmpdir(), 'e2e-append-only-'));
const certificate = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
let cluster: Cluster;
let server: PostgresServer;
let adding: RestServer;
let keeping: RestServer;
let dist: string;
let program: string;

beforeAll(async () => {
  const name = ['-subj', '/CN=keeper.vault.example', '-addext', 'subjectAltName=DNS:keeper.vault.example'];
  const paths = ['-keyout', certificate.key, '-out', certificate.cert];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...paths], { stdio: 'ignore' });
  adding = await RestServer.start({ appendOnly: true });
  keeping = await RestServer.start({ tls: certificate, directory: adding.directory });

  const images = await imagesOfDist();
  program = join(imageNamed(images, 'restic/restic:0.18.0').root, 'usr/bin/restic');
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  server.client('createdb', ['notes']);
  server.query('notes', "create table note (text text); insert into note select 'note ' || i from generate_series(1, 1000) i");
  dist = synthesize('test/e2e/repositories/append-only/main.ts');
  addVariables(dist, { INIT_SPREAD: '0', INIT_SETTLE: '1' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service('shop', 'db', server.address);
  cluster.host('vault.example', adding.address);
  cluster.host('keeper.vault.example', keeping.address);
  cluster.claim('shop', 'restic-cache');
  cluster.secret('shop', 'db', { username: 'postgres', password: server.password });
  cluster.secret('shop', 'adder', { username: adding.username, password: adding.password });
  for (const namespace of ['shop', 'keeper']) {
    cluster.secret(namespace, 'key', { password: 'a key' });
    cluster.secret(namespace, 'keeper', { username: keeping.username, password: keeping.password });
    cluster.configMap(namespace, 'authorities', { 'ca.pem': readFileSync(certificate.cert, 'utf8') });
  }
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await keeping?.stop();
  await adding?.stop();
  for (const each of [directory, dist]) if (each) rmSync(each, { recursive: true, force: true });
});

const run = (name: string, namespace = 'shop') => cluster.run({ kind: 'CronJob', namespace, name });

/** restic with the backup's own credentials, as somebody has them who took over its namespace. */
function withStolenCredentials(args: string[], input = '') {
  const env = {
    PATH: process.env.PATH,
    RESTIC_REPOSITORY: `rest:http://${adding.address}:8000/shop/`,
    RESTIC_PASSWORD: 'a key',
    RESTIC_REST_USERNAME: adding.username,
    RESTIC_REST_PASSWORD: adding.password,
  };
  return spawnSync(program, ['--no-cache', ...args], { env, input, encoding: 'utf8', timeout: 20_000 });
}

function forge(point: string): void {
  const name = `orders@${point}@manifest.json`;
  const { status, stderr } = withStolenCredentials(['backup', '--host', 'orders', '--stdin', '--stdin-filename', name], '{}');
  expect(status, stderr).toBe(0);
}

/** The recovery points of the repository, oldest first. */
function points(): string[] {
  const snapshots: { paths: string[] }[] = JSON.parse(withStolenCredentials(['snapshots', '--json', '--no-lock']).stdout);
  const manifests = snapshots.map(({ paths }) => paths[0] ?? '').filter(path => path.endsWith('@manifest.json'));
  return manifests.map(path => path.split('@')[1] ?? '').sort();
}

describe('with credentials that can only add', () => {
  let id: string;

  test('a backup, its verification and a restore work', async () => {
    id = (await succeed(run('orders-backup'), 'published')).id;
    expect((await succeed(run('orders-verify'), 'verified')).id).toBe(id);
    request(cluster, 'shop', 'orders', { into: 'again' });
    expect((await succeed(run('orders-restore'), 'restored')).id).toBe(id);
    expect(server.query('again', 'select count(*) from note')).toBe('1000');
  });

  test('fails: nothing that is there can be deleted or overwritten, but for locks', async () => {
    const { status, stderr } = withStolenCredentials(['forget', '--host', 'orders', '--keep-last', '0', '--unsafe-allow-remove-all']);
    expect({ status, stderr }).toMatchObject({
      status: expect.not.stringMatching('0'),
      stderr: expect.stringMatching(/403|unable to remove/i),
    });
    const authorization = `Basic ${Buffer.from(`${adding.username}:${adding.password}`).toString('base64')}`;
    const ask = async (method: string, path: string, body?: string) =>
      (await fetch(`http://${adding.address}:8000/shop/${path}`, { method, body, headers: { authorization } })).status;
    const [key = ''] = readdirSync(join(adding.directory, 'shop/keys'));
    expect(await ask('DELETE', `keys/${key}`)).toBe(403);
    expect(await ask('POST', `keys/${key}`, 'another')).toBe(403);
    expect(await ask('POST', 'config', 'another')).toBe(403);
    expect(await ask('POST', `locks/${'0'.repeat(64)}`, 'a lock')).toBe(200);
    expect(await ask('DELETE', `locks/${'0'.repeat(64)}`)).toBe(200);
    expect(points()).toEqual([id]);
  });

  test('a prune with other credentials removes what is old, and what was forged pushes nothing out', async () => {
    for (const point of ['20260101T000000Z-aaaaa', '20260102T000000Z-aaaaa', '20310101T000000Z-zzzzz']) forge(point);
    const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    forge(`${now}-zzzzz`);
    const second = await run('orders-backup');
    expect(second.log).not.toMatch(/prun/);
    const { id: newest } = await succeed(Promise.resolve(second), 'published');

    const pruned = await run('orders-prune', 'keeper');

    const { reason } = await succeed(Promise.resolve(pruned), 'pruned');
    expect(reason).toMatch(/so these recovery points of series orders are dated in the future: 20310101T000000Z-zzzzz\. They are ignored/);
    expect(pruned.log).toContain('pruned: 20260102T000000Z-aaaaa 20260101T000000Z-aaaaa');
    expect(pruned.log).toContain('WARNING: recovery points dated in the future are kept, and displace no others: 20310101T000000Z-zzzzz');
    expect(points()).toEqual([id, `${now}-zzzzz`, newest, '20310101T000000Z-zzzzz'].sort());
  });
});

describe('certificates', () => {
  test('a server is trusted by the authority that is given, within limits and without a cache', async () => {
    await succeed(run('trusting-backup'), 'published');
  });

  test('a cache stays on its claim', async () => {
    await succeed(run('cached-backup'), 'published');
    expect(readdirSync(cluster.claim('shop', 'restic-cache')).filter(name => /^[0-9a-f]{64}$/.test(name))).toHaveLength(1);
  });

  test('fails: a server whose certificate is of an authority that nobody named', async () => {
    failure(await run('distrusting-backup'), /certificate signed by unknown authority/);
    expect(existsSync(join(adding.directory, 'distrusting'))).toBe(false);
  });
});
