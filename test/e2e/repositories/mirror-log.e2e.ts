import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { archivingOf, momentOf } from '../support/archiving';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { succeed, synthesize } from '../support/rehearse';

// A mirror of base backups that build on each other, and of the log after them: with the volume that they were written to lost,
// the mirror brings the server back to a moment.

const NAMESPACE = 'ledger';
let dist: string;
let cluster: Cluster;
let server: PostgresServer;

beforeAll(async () => {
  const images = await imagesOfDist();
  dist = synthesize('test/e2e/repositories/mirror-log/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const claim of ['backups', 'copies']) cluster.claim(NAMESPACE, claim);
  const settings = {
    wal_level: 'replica',
    summarize_wal: 'on',
    max_wal_size: '128MB',
    checkpoint_timeout: '30s',
    max_slot_wal_keep_size: '1GB',
  };
  server = await PostgresServer.start(imageNamed(images, 'postgres:17.11-trixie'), '17', settings, cluster.claim(NAMESPACE, 'data'));
  server.query('postgres', `create role backup login replication password 'backup secret'`);
  server.client('createdb', ['books']);
  server.query('books', 'create table entries (id int generated always as identity primary key, what text not null)');
  cluster.service(NAMESPACE, 'books-db', server.address);
  cluster.secret(NAMESPACE, 'books-replication', { username: 'backup', password: 'backup secret' });
});

afterAll(async () => {
  await server?.stop();
  await cluster?.destroy();
  if (dist) rmSync(dist, { recursive: true });
});

const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `books-${operation}` });
const backup = async () => (await succeed(run('backup'), 'published')).id;
const mirror = () => succeed(run('mirror-copy'), 'mirrored');
const write = (what: string) => server.query('books', `insert into entries (what) values ('${what}')`);
const points = (claim: string, series = 'books') =>
  readdirSync(join(cluster.claim(NAMESPACE, claim), series)).filter(name => /^\d/.test(name));

test('a chain of recovery points and the log after them come back from the mirror, to a moment', async () => {
  let beforeAccident = '';
  let newest = '';
  await archivingOf(
    server,
    () => cluster.deploy(NAMESPACE, 'books-log'),
    async () => {
      write('before the full one');
      await backup();
      write('before the first incremental');
      await backup();
      await mirror();
      write('before the second incremental');
      newest = await backup();
      write('after it');
      beforeAccident = await momentOf(server);
      write('the accident');
    },
  );
  expect(await mirror()).toMatchObject({ id: newest, reason: '' });
  // What the two kept ones build on is there, too, in both.
  expect(points('copies')).toEqual(points('backups'));
  expect(points('copies')).toHaveLength(3);
  expect(points('copies', 'books-log')).toEqual(points('backups', 'books-log'));

  for (const name of readdirSync(cluster.claim(NAMESPACE, 'backups')))
    rmSync(join(cluster.claim(NAMESPACE, 'backups'), name), { recursive: true });
  expect((await succeed(run('verify-copy'), 'verified')).id).toBe(newest);
  cluster.configMap(NAMESPACE, 'books-restore-copy-request', {
    recoveryPoint: 'newest-verified',
    series: 'books',
    safetyBackup: 'no',
    until: beforeAccident,
    replace: 'yes',
  });
  await server.stop();
  await succeed(run('restore-copy'), 'restored');
  await server.up();
  expect(server.query('books', "select string_agg(what, ',' order by id) from entries")).toBe(
    'before the full one,before the first incremental,before the second incremental,after it',
  );
});
