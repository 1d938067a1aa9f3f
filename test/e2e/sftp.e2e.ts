import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../rehearsal';
import { imageNamed, imagesOfDist } from './support/images';
import { loopbackAddress, PostgresServer } from './support/postgres-server';
import { resultOf, succeed, synthesize, until } from './support/rehearse';
import { answers } from './support/rest-server';

// restic over SFTP: rclone is brought by an init container, since database images have no ssh.

let cluster: Cluster;
let server: PostgresServer;
let sftp: ChildProcess;
let dist: string;
const directory = mkdtempSync(join(tmpdir(), 'e2e-sftp-'));
const address = loopbackAddress();

beforeAll(async () => {
  for (const name of ['host', 'client'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(directory, name)]);
  mkdirSync(join(directory, 'served'));
  const keys = ['--key', join(directory, 'host'), '--authorized-keys', join(directory, 'client.pub')];
  sftp = spawn(
    'rclone',
    ['serve', 'sftp', '--addr', `${address}:2022`, '--user', 'backup', '--config', '/dev/null', ...keys, join(directory, 'served')],
    { stdio: 'ignore' },
  );
  await until('the SFTP server listens', () => answers(address, 2022));

  const images = await imagesOfDist();
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  server.client('createdb', ['notes']);
  server.query('notes', "create table note (text text); insert into note select 'note ' || i from generate_series(1, 1000) i");
  dist = synthesize('test/e2e/sftp/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service('sftp', 'db', server.address);
  cluster.host('vault.example', address);
  cluster.secret('sftp', 'db', { username: 'postgres', password: server.password });
  cluster.secret('sftp', 'key', { password: 'the key' });
  trust('host.pub');
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  sftp?.kill();
  for (const each of [directory, dist]) if (each) rmSync(each, { recursive: true, force: true });
});

function trust(key: string): void {
  const [type, text] = readFileSync(join(directory, key), 'utf8').split(' ');
  cluster.secret('sftp', 'vault', {
    privateKey: readFileSync(join(directory, 'client'), 'utf8'),
    knownHosts: `[vault.example]:2022 ${type} ${text?.trim()}\n`,
  });
}

const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'sftp', name: `notes-${operation}` });

test('backs up, verifies and restores', async () => {
  const { id } = await succeed(run('backup'), 'published');
  expect(readdirSync(join(directory, 'served', 'cluster'))).toContain('snapshots');
  expect((await succeed(run('verify'), 'verified')).id).toBe(id);
  server.client('dropdb', ['notes']);
  await succeed(run('restore'), 'restored');
  expect(server.query('notes', 'select count(*) from note')).toBe('1000');
});

test('fails: a server that is not the one whose key is known', async () => {
  trust('client.pub');
  const { reason } = resultOf(await run('backup'));
  expect(reason).toMatch(/key mismatch/);
});
