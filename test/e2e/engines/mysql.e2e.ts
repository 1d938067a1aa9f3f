import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { ACCOUNTS, fillOdd, fillStore, leastPrivileged, ODD_DATABASE, writing } from '../support/mysql-data';
import { MysqlServer } from '../support/mysql-server';
import { request, resultOf, succeed, synthesize } from '../support/rehearse';

// MariaDB and MySQL: backup, verify, lose the database, restore, compare. The first two from the committed dist/, as a team
// would apply it; the third from an app of its own, over TLS.

const BACKUP_PASSWORD = `b "a" c'k \\ #up`;

let cluster: Cluster;
let dist: string;
const servers: { [host: string]: MysqlServer } = {};

beforeAll(async () => {
  const images = await imagesOfDist();
  dist = synthesize('test/e2e/engines/mysql/main.ts');
  cluster = await Cluster.create({ manifests: ['dist', dist], images, backoffSeconds: 0.1 });
  for (const { namespace, series, image, database } of SUBJECTS) {
    const server = await MysqlServer.start(imageNamed(images, image), { options: { 'log-bin': 'binlog', 'server-id': '1' } });
    servers[series] = server;
    fillStore(server, database);
    leastPrivileged(server, 'backup', BACKUP_PASSWORD);
    cluster.service(namespace, `${series}-db`, server.address);
    cluster.secret(namespace, `${series}-backup`, { username: 'backup', password: BACKUP_PASSWORD });
    cluster.secret(namespace, `${series}-owner`, { username: 'root', password: server.password });
  }
  fillOdd(server('catalog'));
  cluster.service('eleven', 'payments-db', server('payments').address);
  cluster.claim('eleven', 'backups');
});

afterAll(async () => {
  await cluster?.destroy();
  for (const each of Object.values(servers)) await each.stop();
  if (dist) rmSync(dist, { recursive: true });
});

const SUBJECTS = [
  { product: 'MariaDB 10.11', namespace: 'store', series: 'catalog', image: 'mariadb:10.11.19-jammy', database: 'catalog' },
  { product: 'MySQL 9.7', namespace: 'store', series: 'payments', image: 'mysql:9.7.2-oraclelinux9', database: 'payments' },
  { product: 'MariaDB 11.8', namespace: 'eleven', series: 'eleven', image: 'mariadb:11.8.9-noble', database: 'app_db' },
];

function server(series: string): MysqlServer {
  const found = servers[series];
  if (!found) throw new Error(`no server ${series}`);
  return found;
}

const databasesLike = (of: MysqlServer, pattern: string) =>
  of.query('information_schema', `select schema_name from schemata where schema_name like '${pattern}'`).split('\n').filter(Boolean);

describe.each(SUBJECTS)('$product', ({ namespace, series, database }) => {
  const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace, name: `${series}-${operation}` });
  const ask = (words: { [key: string]: string }) => request(cluster, namespace, series, words);
  let before: { [what: string]: string };
  let grants: { [account: string]: string };
  let id: string;

  test('a backup publishes a recovery point', async () => {
    before = server(series).checksums(database);
    grants = server(series).grants(ACCOUNTS);
    const backup = await run('backup');
    const result = await succeed(Promise.resolve(backup), 'published');
    expect(result.bytes).toBeGreaterThan(1_000_000);
    expect(backup.log).toContain(`in database "${database}" these tables have no transactions`);
    id = result.id;
  });

  test('a verification restores it in a server of its own, and says so', async () => {
    expect(await succeed(run('verify'), 'verified')).toMatchObject({ what: 'verify', series, id });
  });

  test('after the database and its accounts are lost, a restore brings back every row, object, account and grant', async () => {
    const lost = server(series);
    lost.query('mysql', `drop database \`${database}\`; drop user ${ACCOUNTS.join(', ')}; drop role seller`);
    ask({ database });

    const restored = await run('restore');

    expect(await succeed(Promise.resolve(restored), 'restored')).toMatchObject({ id });
    expect(lost.checksums(database)).toEqual(before);
    expect(lost.grants(ACCOUNTS)).toEqual(grants);
    expect(restored.log).not.toContain('WARNING');
    expect(databasesLike(lost, 'restore%')).toEqual([]);
  });

  test('a restore into a database that holds something is refused, and changes nothing', async () => {
    const refused = await run('restore');
    expect(resultOf(refused).reason).toMatch(/^database ".+" holds \d+ tables: nothing was changed\. Set replace to yes/);
    expect(server(series).checksums(database)).toEqual(before);
  });

  test('a restore that is told to replace keeps what was there, all of it, under another name', async () => {
    const target = server(series);
    target.query(
      database,
      `drop table empty_table; alter table log add column more int; delete from orders; create table since_then (x int);
       create trigger since before insert on since_then for each row set new.x = 1; alter event tick disable;
       create event later on schedule every 1 hour do select 1`,
    );
    const changed = target.checksums(database);
    ask({ database, replace: 'yes', recoveryPoint: id });

    await succeed(run('restore'), 'restored');

    expect(target.checksums(database)).toEqual(before);
    const [old = ''] = databasesLike(target, '%before%');
    expect(target.query('information_schema', `select status, count(*) from events where event_schema = '${old}' group by 1`)).toBe(
      'DISABLED\t3',
    );
    target.query(old, 'alter event later enable');
    // What routines, triggers and events say of it is theirs; everything else is as it was.
    expect(target.checksums(old)).toEqual(changed);
    target.query('mysql', `drop database \`${old}\``);
  });

  test('a backup while an application writes holds one moment, and a restore of it goes under another name', async () => {
    const source = server(series);
    const load = source.background(database, writing(20000));
    let backup: Awaited<ReturnType<typeof run>>;
    try {
      backup = await run('backup');
      await succeed(Promise.resolve(backup), 'published');
    } finally {
      await load.stop();
    }
    // Compares rows counted in the dump itself; were they counted beside it, they would differ.
    await succeed(run('verify'), 'verified');
    const into = `copy of \`${database}\` "ж"`;
    ask({ database, into });
    await succeed(run('restore'), 'restored');
    expect(source.query(into, 'select n from `view on a view`')).toBe(source.query(database, 'select n from `view on a view`'));
    if (source.mariadb) {
      source.query(into, 'insert into bills (v) values (7)');
      expect(
        source.query(
          'information_schema',
          `select count(*) from columns where table_schema = '${into}' and column_default like '%copy of%'`,
        ),
      ).toBe('1');
    }
    source.query('mysql', `drop database \`${into.replaceAll('`', '``')}\``);
  });
});

test('a database with an odd name is restored by that name, under another odd name', async () => {
  const into = `Another \`odd\` \\ "name"`;
  request(cluster, 'store', 'catalog', { database: ODD_DATABASE, into });
  await succeed(cluster.run({ kind: 'CronJob', namespace: 'store', name: 'catalog-restore' }), 'restored');
  expect(server('catalog').query(into, 'select count(*) from seen')).toBe('3');
  expect(server('catalog').checksums(into)).toEqual(server('catalog').checksums(ODD_DATABASE));
});

describe('where in the binary log a dump is', () => {
  const positions = (namespace: string, series: string, id: string) =>
    execFileSync('zstd', ['-dcq', join(cluster.claim(namespace, 'backups'), series, id, 'binlog-position.zst')], { encoding: 'utf8' });

  test('is noted for MariaDB, whose snapshots know it: what is written later comes after it', async () => {
    server('catalog').query('catalog', "insert into log (what) values ('before')");
    const gtid = server('catalog').query('mysql', 'select @@gtid_binlog_pos');
    const { id } = await succeed(cluster.run({ kind: 'CronJob', namespace: 'store', name: 'catalog-backup' }), 'published');
    server('catalog').query('catalog', "insert into log (what) values ('after')");
    const line = positions('store', 'catalog', id)
      .split('\n')
      .find(each => each.endsWith('\tcatalog'));
    expect(line).toMatch(/^binlog\.\d{6}\t\d+\t\d+-\d+-\d+\tcatalog$/);
    expect(line?.split('\t')[2]).toBe(gtid);
  });

  test('is noted for MySQL when it is asked for', async () => {
    const status = server('payments').query('mysql', 'show binary log status').split('\t').slice(0, 2).join('\t');
    const { id } = await succeed(cluster.run({ kind: 'CronJob', namespace: 'eleven', name: 'positions-backup' }), 'published');
    expect(positions('eleven', 'positions', id)).toBe(`${status}\t\tpayments\n`);
  });
});

test('tables without transactions are a reason to refuse, when they are to be', async () => {
  const run = await cluster.run({ kind: 'CronJob', namespace: 'eleven', name: 'strict-backup' });
  expect(resultOf(run).reason).toBe(
    'database "app_db" holds tables without transactions, which no dump can read at one point in time: tally (MyISAM). Convert them to InnoDB, or leave out transactionalOnly',
  );
});

describe('what is refused before the first byte is stored, without a retry', () => {
  const refused = async (says: RegExp) => {
    const run = await cluster.run({ kind: 'CronJob', namespace: 'store', name: 'catalog-backup' });
    expect(resultOf(run).reason, run.log).toMatch(says);
    expect(run.reason, run.log).toBe('PodFailurePolicy');
    expect(run.pods).toHaveLength(1);
  };
  const backupAt = async (series: string, says: RegExp) => {
    cluster.moveService('store', 'catalog-db', server(series).address);
    try {
      await refused(says);
    } finally {
      cluster.moveService('store', 'catalog-db', server('catalog').address);
    }
  };

  test('a server newer than the image', () =>
    backupAt('eleven', /^the server is MariaDB 11\.8\..*, newer than the MariaDB 10\.11 of this job's image: set version/));

  test.each([
    ['triggers', 'select, show view, event on *.*', /^the role has no TRIGGER on database ".*": its dump would silently lack something/],
    ['whole databases', 'select, show view, trigger, event on catalog.*', /^no databases are named, and the role sees only those/],
  ])('a role that would leave out %s without a word', async (_, grant, says) => {
    server('catalog').query('mysql', `create or replace user poor identified by 'poor'; grant ${grant} to poor`);
    cluster.secret('store', 'catalog-backup', { username: 'poor', password: 'poor' });
    try {
      await refused(says);
    } finally {
      cluster.secret('store', 'catalog-backup', { username: 'backup', password: BACKUP_PASSWORD });
    }
  });
});

test.each(['catalog', 'payments'])('no secret is in the arguments, the log or the result of a job of %s', async series => {
  for (const operation of ['backup', 'verify']) {
    const seen: string[] = [];
    const run = await cluster.run(
      { kind: 'CronJob', namespace: 'store', name: `${series}-${operation}` },
      {
        onPod: async pod => {
          let over = false;
          void pod.done.then(() => {
            over = true;
          });
          while (!over) {
            seen.push(...pod.processes().map(argv => argv.join(' ')));
            await new Promise(resolve => setTimeout(resolve, 10));
          }
        },
      },
    );
    expect(run.succeeded, run.log).toBe(true);
    // The look itself must have seen something, or it proves nothing.
    expect(seen.join('\n')).toMatch(/--defaults-file=/);
    for (const secret of [BACKUP_PASSWORD, server(series).password]) {
      expect(seen.filter(argv => argv.includes(secret))).toEqual([]);
      expect(run.log.includes(secret)).toBe(false);
    }
    // Nor is the server's address where it has no business to be.
    if (operation === 'verify') expect(run.log).not.toContain(server(series).address);
  }
});
