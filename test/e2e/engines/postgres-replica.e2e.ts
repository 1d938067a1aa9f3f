import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { resultOf, succeed, synthesize, until } from '../support/rehearse';

// A physical backup of PostgreSQL 15 from a replica, with the log archived from there too, in a restic repository.

const NAMESPACE = 'replica';
const dist = synthesize('test/e2e/engines/postgres-replica/main.ts');
let cluster: Cluster;
let primary: PostgresServer;
let standby: PostgresServer;
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `books-${operation}` });

beforeAll(async () => {
  const images = await imagesOfDist();
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  const image = imageNamed(images, 'postgres:15.19-bookworm');
  primary = await PostgresServer.start(image, '15', { max_slot_wal_keep_size: '1GB' });
  primary.query('postgres', `create role backup login replication password 'backup secret'`);
  primary.client('createdb', ['books']);
  primary.query('books', `create table entries (what text); insert into entries values ('first')`);
  standby = await PostgresServer.standbyOf(primary);
  cluster.claim(NAMESPACE, 'restic');
  cluster.service(NAMESPACE, 'primary', primary.address);
  cluster.service(NAMESPACE, 'standby', standby.address);
  cluster.secret(NAMESPACE, 'books', { username: 'backup', password: 'backup secret' });
  cluster.secret(NAMESPACE, 'key', { password: 'a key' });
});

afterAll(async () => {
  await standby?.stop();
  await primary?.stop();
  await cluster?.destroy();
  rmSync(dist, { recursive: true, force: true });
});

test('a replica that does not catch up is not backed up as it was a while ago', async () => {
  standby.query('postgres', 'select pg_wal_replay_pause()');
  await until('replay is paused', () => standby.query('postgres', 'select pg_get_wal_replay_pause_state()') === 'paused');
  primary.query('books', `insert into entries values ('second')`);

  const faulty = await run('backup');

  expect(faulty.succeeded, faulty.log).toBe(false);
  expect(resultOf(faulty).reason).toMatch(/^the replica standby has not caught up with \S+ of primary within 3 s; it is at /);
  standby.query('postgres', 'select pg_wal_replay_resume()');
});

test('a base backup and the log of a replica bring back what the primary committed', async () => {
  const archive = await cluster.deploy(NAMESPACE, 'books-log');
  await until('the log is received', () => standby.query('postgres', 'select count(*) from pg_stat_replication') !== '0');
  const { id } = await succeed(run('backup'), 'published');
  primary.query('books', `insert into entries values ('third')`);
  const position = primary.query('postgres', 'select pg_current_wal_lsn()');
  await until(
    'it is received',
    () => standby.query('postgres', `select bool_and(flush_lsn >= '${position}') from pg_stat_replication`) === 't',
  );
  await archive.pod.delete();
  await archive.ended;

  // The assertion counts what was written after the base backup, too.
  const verified = await run('verify');
  expect(resultOf(verified), verified.log).toMatchObject({ verdict: 'verified', id });

  const volume = cluster.claim(NAMESPACE, 'data');
  cluster.configMap(NAMESPACE, 'books-restore-request', {
    recoveryPoint: 'newest-verified',
    series: 'books',
    safetyBackup: 'no',
    until: '',
    replace: 'no',
  });
  await standby.stop();
  // An empty volume, as a new StatefulSet brings it, that the server's user may write.
  rmSync(`${volume}/lost+found`, { recursive: true });
  execFileSync('chown', ['999:999', volume]);
  const faulty = await run('restore');
  expect(resultOf(faulty).verdict, faulty.log).toBe('restored');
  const restored = await PostgresServer.over(volume, primary);
  try {
    expect(restored.query('books', `select string_agg(what, ',') from entries`)).toBe('first,second,third');
  } finally {
    await restored.stop();
  }
});
