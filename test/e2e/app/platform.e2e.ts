import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { request, resultOf, succeed } from '../support/rehearse';
import { RestServer } from '../support/rest-server';
import { fillOrders, leastPrivileged, ODD_DATABASE } from '../support/sample-data';

// The committed dist/, as a platform team would apply it: backup, verify, lose the database, restore, compare.

let cluster: Cluster;
let server: PostgresServer;
let restServer: RestServer;

beforeAll(async () => {
  const images = await imagesOfDist();
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  restServer = await RestServer.start();
  fillOrders(server, 10);
  leastPrivileged(server, 'backup', 'backup secret', ['orders']);

  cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
  cluster.service('shop', 'orders-db', server.address);
  cluster.service('backup', 'backup-server', restServer.address);
  cluster.secret('shop', 'orders-backup', { username: 'backup', password: 'backup secret' });
  cluster.secret('shop', 'orders-owner', { username: 'postgres', password: server.password });
  cluster.secret('shop', 'backup-key', { password: 'the key of the repository' });
  cluster.secret('shop', 'backup-server', { username: restServer.username, password: restServer.password });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await restServer?.stop();
});

describe.each([
  { repository: 'files on a volume', series: 'orders', databases: ['orders'], says: '' },
  {
    repository: 'restic on a REST server',
    series: 'shop-all',
    databases: ['orders', ODD_DATABASE],
    says: 'database "unused" is left out: it holds nothing',
  },
])('PostgreSQL 15 into $repository', ({ series, databases, says }) => {
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'shop', name: `${series}-${operation}` });
  let before: { [database: string]: { [table: string]: string } };
  let id: string;

  test('a backup publishes a recovery point', async () => {
    before = Object.fromEntries(databases.map(name => [name, server.checksums(name)]));
    const result = await succeed(run('backup'), 'published');
    expect(result).toMatchObject({ what: 'backup', series, reason: says });
    expect(result.id).toMatch(/^\d{8}T\d{6}Z-[a-z0-9]{5}$/);
    expect(result.bytes).toBeGreaterThan(1_000_000);
    id = result.id;
  });

  test('a verification restores it in a server of its own, and says so', async () => {
    const result = await succeed(run('verify'), 'verified');
    expect(result).toMatchObject({ what: 'verify', series, id });
    expect(result.restoreSeconds).toBeGreaterThan(0);
  });

  test('after the database is lost, a restore brings back every row, object, owner and grant', async () => {
    for (const name of databases) server.client('dropdb', ['--force', name]);
    server.query('postgres', 'drop role clerk; drop role "order owner"');

    // A safety backup of what is gone has nothing to save, and is no reason not to restore.
    request(cluster, 'shop', series, { safetyBackup: 'yes' });
    const result = await succeed(run('restore'), 'restored');
    request(cluster, 'shop', series, {});

    expect(result).toMatchObject({ what: 'restore', series, id });
    for (const name of databases) expect(server.checksums(name)).toEqual(before[name]);
    expect(
      server.query('postgres', `select rolcanlogin, pg_has_role('clerk', 'order owner', 'member') from pg_roles where rolname = 'clerk'`),
    ).toBe('t|t');
  });

  test('a restore into a database that holds something is refused, and changes nothing', async () => {
    const refused = await run('restore');
    expect(refused.succeeded).toBe(false);
    expect(resultOf(refused).reason).toMatch(/^database ".+" holds \d+ tables: nothing was changed\. Set replace to yes/);
    for (const name of databases) expect(server.checksums(name)).toEqual(before[name]);
  });

  test('a restore that is told to replace keeps the old database under another name', async () => {
    server.query('orders', 'create table since_then (x int); drop table events cascade');
    request(cluster, 'shop', series, { replace: 'yes', database: 'orders', recoveryPoint: id });

    await succeed(run('restore'), 'restored');

    const after = server.checksums('orders');
    const [old] = server
      .query('postgres', "select datname from pg_database where datname like 'orders_before_%' order by 1 desc limit 1")
      .split('\n');
    expect(server.query(old ?? '', 'select count(*) from since_then')).toBe('0');
    server.client('dropdb', [old ?? '']);
    expect(after).toEqual(before.orders);
  });

  test('a restore beside the original takes a new name, after a safety backup', async () => {
    request(cluster, 'shop', series, { into: 'orders_copy', database: 'orders', safetyBackup: 'yes' });
    const run_ = await run('restore');
    expect(run_.log).toMatch(new RegExp(`safety backup published as \\S+ of series ${series}-safety`));
    await succeed(Promise.resolve(run_), 'restored');
    expect(server.query('orders_copy', 'select count(*) from events')).toBe('20000');
    server.client('dropdb', ['orders_copy']);
    request(cluster, 'shop', series, {});
  });
});

test('a database with an odd name is restored by that name, under another odd name', async () => {
  const into = `copy of "odd" \\ 'ж'`;
  request(cluster, 'shop', 'shop-all', { database: ODD_DATABASE, into });
  await succeed(cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'shop-all-restore' }), 'restored');
  expect(server.query(into, 'select count(*) from things')).toBe('10');
  server.client('dropdb', [into]);
});

describe('an application that goes on writing', () => {
  test('the counts of a recovery point are those of its own snapshot', async () => {
    server.query('orders', 'truncate pgbench_history');
    const load = server.background('pgbench', ['--client=4', '--time=60', '--no-vacuum', 'orders']);
    try {
      await succeed(cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'orders-backup' }), 'published');
    } finally {
      await load.stop();
    }
    // The verification compares row by row counted in the dump's snapshot: were they counted outside it, they would differ.
    await succeed(cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'orders-verify' }), 'verified');
  });
});

describe('a replica', () => {
  test('is backed up like a primary, without the data of unlogged tables, which a replica does not have', async () => {
    const standby = await PostgresServer.standbyOf(server);
    try {
      expect(standby.query('postgres', 'select pg_is_in_recovery()')).toBe('t');
      cluster.moveService('shop', 'orders-db', standby.address);
      await succeed(cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'orders-backup' }), 'published');
      await succeed(cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'orders-verify' }), 'verified');
    } finally {
      cluster.moveService('shop', 'orders-db', server.address);
      await standby.stop();
    }
  });
});

describe('secrets', () => {
  test('no secret is in the arguments, the log or the result of any job', async () => {
    const secrets = ['backup secret', server.password, 'the key of the repository', restServer.password, 'correct horse'];
    for (const name of ['orders-backup', 'shop-all-backup', 'shop-all-verify']) {
      const seen: string[] = [];
      const run = await cluster.run(
        { kind: 'CronJob', namespace: 'shop', name },
        {
          onPod: async pod => {
            let over = false;
            void pod.done.then(() => {
              over = true;
            });
            while (!over) {
              seen.push(...pod.processes().map(argv => String(argv)));
              await new Promise(resolve => setTimeout(resolve, 20));
            }
          },
        },
      );
      expect(run.succeeded, run.log).toBe(true);
      // The look itself must have seen something, or it proves nothing.
      expect(seen.join('\n')).toMatch(/pg_dump|pg_restore/);
      for (const secret of secrets) {
        expect(seen.filter(argv => argv.includes(secret))).toEqual([]);
        expect(run.log.includes(secret)).toBe(false);
        expect(JSON.stringify(run.result).includes(secret)).toBe(false);
      }
    }
  });

  test('a verification has neither the address nor the credentials of the production server', async () => {
    const run = await cluster.run({ kind: 'CronJob', namespace: 'shop', name: 'orders-verify' });
    expect(run.succeeded, run.log).toBe(true);
    expect(run.log).not.toContain(server.address);
  });
});
