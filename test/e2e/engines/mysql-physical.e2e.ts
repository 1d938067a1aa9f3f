import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { resultOf, succeed } from '../support/rehearse';

// The committed dist/: copy the files of a MariaDB that goes on working, verify, lose the data directory, put it back, and start
// the real server over it.

const IMAGE = 'mariadb:10.11.19-jammy';
// A copy holds the redo log since the last checkpoint, too: with a large one, copies of a small server differ much in size.
const SETTINGS = { 'log-bin': 'binlog', 'server-id': '7', 'innodb-log-file-size': '8M' };
const DATABASES = ['stock', 'odd "na/me" ж'];

let dist: string;
let cluster: Cluster;
let server: MysqlServer;
let data: string;
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'warehouse', name: `stock-${operation}` });
const request = (words: { [key: string]: string }) =>
  cluster.configMap('warehouse', 'stock-restore-request', {
    recoveryPoint: 'newest-verified',
    series: 'stock',
    safetyBackup: 'no',
    until: '',
    replace: 'no',
    ...words,
  });
const checksums = () => Object.fromEntries(DATABASES.map(name => [name, server.checksums(name)]));
const accounts = () => server.query('mysql', "select concat(user, '@', host) from user order by 1");

beforeAll(async () => {
  const images = await imagesOfDist();
  // No archive runs here, and the verification of a backup that has one would miss its log.
  dist = mkdtempSync(join(tmpdir(), 'e2e-dist-'));
  cpSync('dist', dist, { recursive: true });
  const file = join(dist, 'warehouse.k8s.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/(- name: MAXIMUM_LOG_AGE\n\s+value: )"\d+"/g, '$1""'));
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  data = cluster.claim('warehouse', 'data-stock-db-0');
  server = await MysqlServer.start(imageNamed(images, IMAGE), { data, options: SETTINGS });
  fillStock(server);
  cluster.service('warehouse', 'stock-db', server.address);
  cluster.secret('warehouse', 'stock-backup', { username: 'backup', password: 'a "backup" \\ secret #' });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  if (dist) rmSync(dist, { recursive: true });
});

describe('MariaDB 10.11 by copies of its files', () => {
  let before: ReturnType<typeof checksums>;
  let id: string;

  test('a backup of a server that goes on writing, and a verification of it', async () => {
    const load = server.background(
      'stock',
      `${"insert into movements (item, note) select seq, repeat(md5(rand()), 8) from seq_1_to_200; update items set name = concat(name, '!') where id % 97 = 1;\n".repeat(400)}`,
    );
    const written = server.query('stock', 'select count(*) from movements');
    try {
      await succeed(run('backup'), 'published');
    } finally {
      await load.stop();
    }
    expect(Number(server.query('stock', 'select count(*) from movements'))).toBeGreaterThan(Number(written));
    await succeed(run('verify'), 'verified');
  });

  test('a backup publishes a recovery point, and a verification brings it up in a server of its own', async () => {
    before = checksums();
    const result = await succeed(run('backup'), 'published');
    expect(result.bytes).toBeGreaterThan(1_000_000);
    id = result.id;
    const verified = await succeed(run('verify'), 'verified');
    expect(verified).toMatchObject({ what: 'verify', series: 'stock', id });
  });

  test('a restore is refused while the server runs, whatever its password, and even when its name leads nowhere', async () => {
    request({ replace: 'yes' });
    expect(resultOf(await run('restore')).reason).toMatch(/^the mariadb-physical server is running: scale it to zero first/);

    cluster.secret('warehouse', 'stock-backup', { username: 'backup', password: 'wrong' });
    expect(resultOf(await run('restore')).reason).toMatch(/^the mariadb-physical server is running: scale it to zero first/);
    cluster.secret('warehouse', 'stock-backup', { username: 'backup', password: 'a "backup" \\ secret #' });

    cluster.moveService('warehouse', 'stock-db', '127.99.99.99');
    const refused = await run('restore');
    cluster.moveService('warehouse', 'stock-db', server.address);
    expect(resultOf(refused).reason, refused.log).toMatch(
      /^the mariadb-physical server is running: scale it to zero first; nothing was changed \(a server has \/data\/ibdata1 open\)/,
    );
    expect(checksums()).toEqual(before);
  });

  test('after the data directory is lost, a restore puts it back, and the server starts over it', async () => {
    const accountsBefore = accounts();
    await server.kill();
    for (const entry of readdirSync(data)) if (entry !== 'lost+found') rmSync(join(data, entry), { recursive: true });

    request({});
    expect(await succeed(run('restore'), 'restored')).toMatchObject({ what: 'restore', series: 'stock', id });

    await server.up();
    expect(checksums()).toEqual(before);
    expect(accounts()).toBe(accountsBefore);
  });

  test('a restore over a directory that holds something is refused; told to replace it, it puts the old one aside', async () => {
    server.query('stock', 'create table since_then (x int); drop table movements');
    const changed = checksums();
    const databases = server.query('mysql', 'show databases').split('\n').sort();
    await server.down();

    request({});
    expect(resultOf(await run('restore')).reason).toMatch(/^the data directory is not empty \(.*\): nothing was changed/);
    request({ replace: 'yes', recoveryPoint: id });
    await succeed(run('restore'), 'restored');

    // What was put aside is in the server's own data directory, and must not look like a database to it.
    await server.up();
    const [aside = ''] = readdirSync(join(data, 'mysql')).filter(name => name.startsWith('.before-'));
    expect(readdirSync(join(data, 'mysql', aside))).toContain('ibdata1');
    expect(server.query('mysql', 'show databases').split('\n').sort()).toEqual(databases);
    rmSync(join(data, 'lost+found'), { recursive: true });
    expect(server.client('dump', ['--all-databases', '--no-data'])).toContain('Dump completed');
    expect(checksums()).toEqual(before);
    expect(changed).not.toEqual(before);
  });

  test('no secret is in the arguments or the log of a backup', async () => {
    const seen: string[] = [];
    const backup = await cluster.run(
      { kind: 'CronJob', namespace: 'warehouse', name: 'stock-backup' },
      {
        onPod: async pod => {
          let over = false;
          void pod.done.then(() => {
            over = true;
          });
          while (!over) {
            seen.push(...pod.processes().map(argv => String(argv)));
            await new Promise(resolve => setTimeout(resolve, 10));
          }
        },
      },
    );
    expect(backup.succeeded, backup.log).toBe(true);
    expect(seen.join('\n')).toContain('--backup');
    for (const text of [...seen, backup.log]) expect(text.includes('secret #')).toBe(false);
  });
});

/** A bit of everything that lives in files of its own. */
function fillStock(target: MysqlServer): void {
  target.query(
    'mysql',
    `
    create database stock; use stock;
    create table items (id int primary key auto_increment, name varchar(200), amount decimal(10,2), key (name));
    insert into items (name, amount) select concat('item ', seq % 977), seq / 7 from seq_1_to_20000;
    create table movements (id int primary key auto_increment, item int, note text);
    insert into movements (item, note) select seq, repeat(md5(rand()), 8) from seq_1_to_20000;
    create table legacy (id int primary key, v varchar(40)) engine = myisam; insert into legacy select seq, md5(seq) from seq_1_to_5000;
    create table crashsafe (id int primary key, v varchar(40)) engine = aria; insert into crashsafe select seq, md5(seq) from seq_1_to_5000;
    create table parted (id int, at date) partition by range (year(at)) (partition p0 values less than (2020), partition p1 values less than maxvalue);
    insert into parted select seq, date('2018-01-01') + interval seq day from seq_1_to_2000;
    create table documents (id int primary key auto_increment, body text, fulltext (body)); insert into documents (body) select concat('word', seq) from seq_1_to_1000;
    create table packed (id int primary key, b text) row_format = compressed; insert into packed select seq, repeat('x', 500) from seq_1_to_1000;
    create sequence invoice start 100; do nextval(invoice);
    create view expensive as select * from items where amount > 1000;
    create function total() returns int deterministic return (select count(*) from items);
    create trigger noted before insert on movements for each row set new.note = coalesce(new.note, '');
    create event nightly on schedule every 1 day starts '2030-01-01' do delete from movements where id < 0;
    create database ${'`'}${DATABASES[1]}${'`'};
    create table ${'`'}${DATABASES[1]}${'`'}.${'`'}tab.le \\ 'q'${'`'} (x int); insert into ${'`'}${DATABASES[1]}${'`'}.${'`'}tab.le \\ 'q'${'`'} values (1), (2);
    create user backup@'%' identified by 'a "backup" \\\\ secret #'; grant reload, process, binlog monitor on *.* to backup@'%';
    create user clerk@'%' identified by 'clerk'; grant select on stock.* to clerk@'%';`,
  );
}
