import { afterAll, beforeAll, expect, test } from 'vitest';
import { succeed } from '../e2e/support/rehearse';
import { ASSIGNED, assignNoUsers, assignUsers, USER } from './assigned-user/admission';
import { until } from './kubectl';
import { mariadb, mariadbDump, ownerOf, startMariadb } from './mariadb-server';
import { Namespace, RESTRICTED } from './namespace';
import { ACCOUNTS, PostgresServer } from './postgres-server';
import { secret, volumeClaim } from './server';

// A namespace that gives pods their user and group, as OpenShift's do: one that no image has a name or a home for.

const NAME = 'assigned-user';
let jobs: Namespace;
let servers: Namespace;
let postgres: PostgresServer;

beforeAll(async () => {
  await assignUsers();
  jobs = await Namespace.create(NAME, { ...RESTRICTED, ...ASSIGNED });
  servers = await Namespace.create(`${NAME}-servers`, RESTRICTED);
  process.env.NAMESPACE = NAME;
  await jobs.applyApp('test/cluster/assigned-user/main.ts');
  await jobs.apply(volumeClaim('backups'), volumeClaim('restic'), ownerOf('catalog'), ...ACCOUNTS, secret('key', { password: 'of it' }));
  postgres = new PostgresServer(servers);
  await Promise.all([postgres.start(), startMariadb(servers)]);
}, 900_000);
afterAll(async () => {
  await Promise.all([jobs?.delete(), servers?.delete()]);
  await assignNoUsers();
}, 600_000);

test('a pod that names its user is refused there, and events say so', async () => {
  const job = await jobs.start('named-backup');
  const events = () => jobs.output('get', 'events', '--field-selector=reason=FailedCreate', '--output=jsonpath={.items[*].message}');
  await until('the refusal is told', async () => (await events()).includes('unable to validate against any security context constraint'));
  await jobs.output('delete', 'job', job);
});

const KINDS = [
  {
    what: 'PostgreSQL into files',
    series: 'orders',
    content: () => postgres.dump('orders'),
    lose: () => postgres.sql('postgres', 'drop database orders'),
  },
  {
    what: 'MariaDB into restic',
    series: 'catalog',
    content: () => mariadbDump(servers, 'catalog'),
    lose: () => mariadb(servers, 'drop database catalog'),
  },
];

test.each(KINDS)('$what: pods that name none run as whom they are assigned; data is backed up, verified, and comes back', async kind => {
  const { series, content, lose } = kind;
  const before = await content();
  const backup = await jobs.run(`${series}-backup`);
  const { id } = await succeed(Promise.resolve(backup), 'published');
  expect(backup.pods.map(({ spec }) => [spec.securityContext.runAsUser, spec.securityContext.fsGroup])).toEqual([[USER, USER]]);
  expect((await succeed(jobs.run(`${series}-verify`), 'verified')).id).toBe(id);
  await lose();
  await succeed(jobs.run(`${series}-restore`), 'restored');
  expect(await content()).toBe(before);
});
