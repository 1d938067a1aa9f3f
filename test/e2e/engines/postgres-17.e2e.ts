import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { resultOf, succeed, synthesize } from '../support/rehearse';

// PostgreSQL 17, restored with parallel jobs; locales, assertions, and a restore as a Job.

let cluster: Cluster;
let server: PostgresServer;
let dist: string;

beforeAll(async () => {
  const images = await imagesOfDist();
  server = await PostgresServer.start(imageNamed(images, 'postgres:17.11-trixie'), '17');
  server.query('postgres', "create database crm template template0 locale_provider icu icu_locale 'de-DE' locale 'C.UTF-8'");
  server.query('postgres', "create database mail template template0 locale_provider builtin builtin_locale 'C.UTF-8' locale 'C.UTF-8'");
  server.query(
    'crm',
    'create table customers (id int primary key, name text); insert into customers select i, md5(i::text) from generate_series(1, 5000) i; create index on customers (name)',
  );
  server.query('mail', "create table words (v text); insert into words values ('one'), ('two')");
  dist = synthesize('test/e2e/engines/postgres-17/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service('seventeen', 'crm-db', server.address);
  cluster.secret('seventeen', 'crm', { username: 'postgres', password: server.password });
  cluster.claim('seventeen', 'backups');
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  if (dist) rmSync(dist, { recursive: true });
});

const cronJob = (name: string) => ({ kind: 'CronJob' as const, namespace: 'seventeen', name });

test('is backed up into a directory of the volume, and verified with the assertions', async () => {
  const { id } = await succeed(cluster.run(cronJob('crm-backup')), 'published');
  expect(readdirSync(join(cluster.claim('seventeen', 'backups'), 'team/crm/crm', id))).toContain('mail.dump.zst');
  const verification = await cluster.run(cronJob('crm-verify'));
  expect(resultOf(verification)).toMatchObject({ verdict: 'verified', id });
  expect(verification.log).toContain("assertion 01 holds: '5000' is at-least 1000");
  expect(verification.log).toContain("assertion 02 holds: 'one, two' is equals one, two");
});

test('an assertion that does not hold fails the verification', async () => {
  server.query('mail', "insert into words values ('three')");
  await succeed(cluster.run(cronJob('crm-backup')), 'published');
  const verification = await cluster.run(cronJob('crm-verify'));
  expect(verification.succeeded).toBe(false);
  expect(resultOf(verification).reason).toMatch(/^assertion 02 does not hold: .* returned 'one, three, two', expected equals one, two$/);
});

test('the Job restores one of the databases under a new name, with its locale', async () => {
  const [job] = readFileSync(join(dist, 'seventeen.k8s.yaml'), 'utf8').match(/crm-restore-[0-9a-f]{10}/) ?? [];
  const result = await succeed(cluster.run({ kind: 'Job', namespace: 'seventeen', name: job ?? '' }), 'restored');
  expect(result.what).toBe('restore');
  expect(server.query('crm_2026', 'select count(*) from customers')).toBe('5000');
  expect(server.query('postgres', "select datlocprovider, datlocale from pg_database where datname = 'crm_2026'")).toBe('i|de-DE');
});
