import { execFileSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type ImageCatalog } from '../../rehearsal';
import { FaultTable, failure, flipBit } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { PostgresServer } from '../support/postgres-server';
import { RedisServer } from '../support/redis-server';
import { until, withSynthesized } from '../support/rehearse';
import { copy, snapshotOf } from '../support/snapshot';

// Servers under load, whose files are copied as a snapshot copies them, and then as nothing should: a check starts a server on each copy.

const NAMESPACE = 'checks';
const table = new FaultTable('checks of volumes');
let directory: string;
let cluster: Cluster;
let images: ImageCatalog;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'e2e-check-'));
  images = await imagesOfDist();
  cluster = await withSynthesized('test/e2e/engines/check-volume/main.ts', dist =>
    Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 }),
  );
});

afterAll(async () => {
  await cluster?.destroy();
  rmSync(directory, { recursive: true, force: true });
  table.print();
});

/** The data directory on the volume that a check mounts. */
const volume = (name: string) => join(cluster.claim(NAMESPACE, name), 'data');
const check = (name: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${name}-check` });

/** What the check says of a volume that is good. */
async function passes(name: string, what: string): Promise<string> {
  const run = await check(name);
  expect(run.succeeded, run.log).toBe(true);
  expect(run.result).toMatchObject({ what: 'check', verdict: 'succeeded', reason: '' });
  table.add(`${name}: ${what}`, 'succeeded', 'yes');
  return run.log;
}

async function fails(name: string, what: string, says: RegExp): Promise<void> {
  const { reason } = failure(await check(name), says);
  table.add(`${name}: ${what}`, reason, 'no');
}

/** What was done to a good copy, how, and what the check must say. */
type Damage = [what: string, how: (data: string) => void, says: RegExp];

async function damages(name: string, good: string, rows: Damage[]): Promise<void> {
  for (const [what, how, says] of rows) {
    copy(good, volume(name));
    how(volume(name));
    await fails(name, what, says);
  }
}

/** A file of the server's user. */
function add(file: string, content = ''): void {
  writeFileSync(file, content);
  chownSync(file, 999, 999);
}

function empty(data: string): void {
  rmSync(data, { recursive: true });
  mkdirSync(data);
  chownSync(data, 999, 999);
}

function other(data: string): void {
  empty(data);
  add(join(data, 'notes'));
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const content = readFileSync(file);
  bytes.copy(content, at);
  writeFileSync(file, content);
}

function remove(data: string, names: RegExp): void {
  for (const name of readdirSync(data)) if (names.test(name)) rmSync(join(data, name), { recursive: true });
}

describe('PostgreSQL 15', () => {
  let server: PostgresServer;
  let source: string;
  let good: string;
  const path = (of: string) => server.query('shop', `select pg_relation_filepath('${of}')`);

  beforeAll(async () => {
    const place = join(directory, 'postgres');
    mkdirSync(place);
    source = join(place, 'data');
    good = join(directory, 'postgres-good');
    server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15', { wal_level: 'logical' }, place);
    await server.stop();
    server.client('pg_checksums', ['--enable', '-D', '/srv/data']);
    await server.up();
    server.client('createdb', ['shop']);
    server.query(
      'shop',
      `create table orders (id int generated always as identity primary key, what text);
       insert into orders (what) select md5(i::text) from generate_series(1, 30000) i;
       create table items as select i, md5(i::text) as what from generate_series(1, 20000) i;
       create index words on items using gin (to_tsvector('simple', what)); checkpoint;
       select pg_create_logical_replication_slot('feed', 'pgoutput');`,
    );
  });

  afterAll(() => server?.stop());

  test('a copy of one instant, under four writers, comes up and holds what was written', async () => {
    const loop = 'do $$ begin loop insert into orders (what) values (md5(random()::text)); commit; end loop; end $$';
    const count = () => Number(server.query('shop', 'select count(*) from orders'));
    const before = count();
    const writers = [1, 2, 3, 4].map(() =>
      server.background('psql', ['-d', `host=${server.address} user=postgres dbname=shop`, '-c', loop]),
    );
    await until('something was written', () => count() > before + 1000);
    await snapshotOf(server, source, good);
    for (const writer of writers) await writer.stop();

    copy(good, volume('postgres'));
    const log = await passes('postgres', 'a snapshot of one instant under load');
    expect(log).toMatch(/the snapshot was cut while the server was: in production/);
    expect(log).toMatch(/redo done at/);
    expect(log).toMatch(/pg_amcheck found nothing wrong in: postgres \d+ kB, shop/);
  });

  test('a server that was made anew on an empty volume is sound, and holds nothing: that fails', async () => {
    server.client('initdb', ['--no-sync', '--username=postgres', '/srv/anew']);
    copy(join(dirname(source), 'anew'), volume('postgres'));
    await fails('postgres', 'a server without a table', /^the server holds no table of a user/);
  });

  test('files that were copied one after another are found torn', async () => {
    const index = path('orders_pkey');
    const early = join(directory, 'early');
    copyFileSync(join(source, index), early);
    server.query('shop', 'insert into orders (what) select md5(i::text) from generate_series(1, 5000) i; checkpoint');
    await snapshotOf(server, source, volume('postgres'));
    copyFileSync(early, join(volume('postgres'), index));
    await fails('postgres', 'one file was copied before a checkpoint', /^pg_amcheck failed: btree index "shop.public.orders_pkey"/);
  });

  test('what is damaged, is said', async () => {
    const [heap, words] = [path('items'), path('words')];
    const wal = /^[0-9A-F]{24}$/;
    const half = (data: string) => truncateSync(join(data, readdirSync(data).filter(name => wal.test(name))[0] ?? ''), 1 << 23);
    await damages('postgres', good, [
      ['a bit of a table', data => flipBit(join(data, heap)), /^pg_amcheck failed: .*page verification failed/],
      ['a bit of a GIN index', data => flipBit(join(data, words)), /^pg_checksums failed: .*checksum verification failed/],
      ['half a file of the log', data => half(join(data, 'pg_wal')), /the log is torn$/],
      ['no log', data => remove(join(data, 'pg_wal'), wal), /could not locate a valid checkpoint record/],
      ['a byte of pg_control', data => overwrite(join(data, 'global/pg_control'), 100, Buffer.from('x')), /^global\/pg_control is damaged/],
    ]);
  });

  test("a replica's volume, of a server whose superuser has a name of its own", async () => {
    server.query('postgres', `create role other superuser login password '${server.password}'`);
    server.client('psql', ['-U', 'other', '-d', 'postgres', '-c', 'alter role postgres rename to "the owner"']);
    await snapshotOf(server, source, volume('postgres'));
    add(join(volume('postgres'), 'standby.signal'));
    expect(await passes('postgres', "a replica's volume")).toMatch(/selected new timeline ID: 2/);
  });

  test('what is no data directory of this server, is refused', async () => {
    await damages('postgres', good, [
      ['an empty directory', empty, /^the data directory is empty/],
      [
        'no directory at that path',
        data => rmSync(data, { recursive: true }),
        /^the volume has no directory at that path; it holds: nothing$/,
      ],
      ['some other directory', other, /^there is no file PG_VERSION.*it holds: notes\./],
      ['files of another user', data => execFileSync('chown', ['-R', '70', data]), /set imageUser to the user that the server runs as$/],
    ]);
    await damages('postgres17', good, [
      ['a check of version 17', () => {}, /^the data directory is from PostgreSQL 15, but the image holds PostgreSQL 17/],
    ]);
  });
});

describe('MariaDB 10.11', () => {
  let server: MysqlServer;
  let good: string;

  beforeAll(async () => {
    good = join(directory, 'mariadb-good');
    server = await MysqlServer.start(imageNamed(images, 'mariadb:10.11.19-jammy'), {
      options: { 'log-bin': '/var/lib/mysql/binlog', 'server-id': '7', 'innodb-log-file-size': '8M', 'innodb-page-size': '16384' },
    });
    server.query(
      'mysql',
      `create database shop; use shop;
       create table orders (id int primary key auto_increment, what varchar(200), key (what));
       insert into orders (what) select md5(rand()) from seq_1_to_30000;
       create table items (id int primary key auto_increment, what varchar(200), key (what));
       insert into items (what) select repeat(md5(rand()), 3) from seq_1_to_20000;
       create table notes (id int primary key auto_increment, what varchar(200), key (what)) engine = aria;
       insert into notes (what) select md5(rand()) from seq_1_to_20000;`,
    );
    await server.down();
    await server.up();
  });

  afterAll(() => server?.stop());

  test('a copy of one instant, under four writers, comes up and holds what was written', async () => {
    const insert = 'insert into orders (what) values (md5(rand())); insert into notes (what) values (md5(rand()));\n'.repeat(20000);
    const count = () => Number(server.query('shop', 'select count(*) from orders'));
    const before = count();
    const writers = [1, 2, 3, 4].map(() => server.background('shop', insert));
    await until('something was written', () => count() > before + 1000);
    await snapshotOf(server, server.data, good);
    for (const writer of writers) await writer.stop();

    copy(good, volume('mariadb'));
    const log = await passes('mariadb', 'a snapshot of one instant under load');
    // Also of what was prepared: the index of the binary log names where the server had it.
    expect(log).toMatch(/Recovering after a crash using binlog/);
    expect(log).toMatch(/CHECK TABLE found nothing wrong in \d+ tables/);
    expect(log).toMatch(/tables: shop 3/);
  });

  test('a file that was copied while it was written to is found torn', async () => {
    const early = readFileSync(join(server.data, 'shop/orders.ibd'));
    server.query(
      'shop',
      `update orders set what = md5(rand()); delete from orders where id % 3 = 0; insert into orders (what) select md5(rand()) from seq_1_to_20000;
       flush tables orders for export; unlock tables`,
    );
    await snapshotOf(server, server.data, volume('mariadb'));
    const half = Math.floor(early.length / 2 / 16384) * 16384;
    overwrite(join(volume('mariadb'), 'shop/orders.ibd'), 0, early.subarray(0, half));
    await fails(
      'mariadb',
      'half of a table was copied before a checkpoint',
      /^(CHECK TABLE found damage|a server on these files did not start)/,
    );
  });

  test('what is damaged, is said', async () => {
    const page = (data: string) => overwrite(join(data, 'shop/items.ibd'), 20 * 16384 + 5000, Buffer.from('x'));
    const notStarted = /^a server on these files did not start/;
    await damages('mariadb', good, [
      ['a byte of an InnoDB table', page, /^(CHECK TABLE .*(Corrupt|corrupt)|a server on these files)/],
      ['a bit of an Aria table', data => flipBit(join(data, 'shop/notes.MAD')), /^CHECK TABLE found damage in these tables: shop\.notes/],
      ['half of the redo log', data => truncateSync(join(data, 'ib_logfile0'), 1 << 22), notStarted],
      ['no redo log', data => remove(data, /^ib_logfile0$/), /^there is no ib_logfile0/],
      ['no binary log', data => remove(data, /^binlog\.\d/), notStarted],
    ]);
  });

  test('what is no data directory of this server, is refused', async () => {
    await damages('mariadb', good, [
      ['an empty directory', empty, /^the data directory is empty/],
      ['some other directory', other, /^there is no file ibdata1.*it holds: notes\./],
      [
        'of a later version',
        data => add(join(data, 'mariadb_upgrade_info'), '11.8.9-MariaDB'),
        /^the data directory is from mariadb 11\.8\.9, but/,
      ],
      [
        'a table on another volume',
        data => add(join(data, 'shop/far.isl'), '/fast/shop/far.ibd'),
        /^the server has tables on other volumes.*: far\.isl leads to \/fast\/shop\/far\.ibd/,
      ],
      ['files of MySQL', data => add(join(data, 'mysql.ibd')), /^the data directory is from mysql, but the engine is for mariadb/],
    ]);
  });
});

describe('Redis 7.0', () => {
  let server: RedisServer;
  let good: string;
  const AOF = 'appendonlydir/appendonly.aof';

  beforeAll(async () => {
    good = join(directory, 'redis-good');
    server = await RedisServer.start({ image: imageNamed(images, 'redis:7.2.14-bookworm') });
    server.feed(Array.from({ length: 2000 }, (_, i) => `set key:${i} ${'x'.repeat(500)}${i}`));
    server.ask('save');
  });

  afterAll(() => server?.stop());

  const withoutAppendOnly = (data: string) => rmSync(join(data, 'appendonlydir'), { recursive: true });

  test('a copy of one instant, under a writer, comes up and holds what was written', async () => {
    const writer = server.repeat('lpush', 'list', 'x'.repeat(1000));
    await until('something was written', () => Number(server.ask('llen', 'list')) > 10);
    await snapshotOf(server, server.directory, good);
    await writer.stop();
    copy(good, volume('redis'));
    const log = await passes('redis', 'a snapshot of one instant under load');
    expect(log).toMatch(/loading the append-only files/);
    expect(log).toMatch(/loaded: .*"keys":2001/);

    copy(good, volume('redis'));
    withoutAppendOnly(volume('redis'));
    const ofDump = await passes('redis', 'without append-only files');
    expect(ofDump).toMatch(/loading dump\.rdb/);
    expect(ofDump).toMatch(/"keys":2000/);

    copy(good, volume('redis'));
    const tail = join(volume('redis'), `${AOF}.1.incr.aof`);
    truncateSync(tail, statSync(tail).size - 7);
    expect(await passes('redis', 'half of the last command')).toMatch(/truncat/i);
  });

  test('files that were copied one after another are found torn', async () => {
    const manifest = readFileSync(join(server.directory, `${AOF}.manifest`), 'utf8');
    server.ask('bgrewriteaof');
    await until('the files are rewritten', () => readdirSync(join(server.directory, 'appendonlydir')).every(name => !/\.1\./.test(name)));
    await snapshotOf(server, server.directory, volume('redis'));
    add(join(volume('redis'), `${AOF}.manifest`), manifest);
    await fails('redis', 'the manifest was copied before a rewrite', /^the scratch server could not load the backup: .*No such file/);
  });

  test('what is damaged, is said', async () => {
    // Within a value nothing would tell: append-only files have no checksums.
    const command = (file: string) => overwrite(file, readFileSync(file).indexOf('\r\n*3', 200_000) + 2, Buffer.from('+'));
    const twice = (file: string) => overwrite(file, readFileSync(file).indexOf('key:1234'), Buffer.from('key:1235'));
    const dump = (damage: (file: string) => void) => (data: string) => {
      withoutAppendOnly(data);
      damage(join(data, 'dump.rdb'));
    };
    await damages('redis', good, [
      ['the beginning of a command', data => command(join(data, `${AOF}.1.incr.aof`)), /could not load .*Bad file format/],
      ['a bit of the dump', dump(file => flipBit(file, statSync(file).size - 4)), /could not load .*RDB CRC error/],
      // At which the server ends by a signal, and reports of itself at length.
      ['a key twice', dump(twice), /could not load .*Duplicated key found in RDB file.* \(killed by signal 6\)$/],
      ['half of the dump', dump(file => truncateSync(file, 5000)), /could not load .*Short read/],
      ['an empty directory', empty, /^the data directory is empty/],
      ['some other directory', other, /^there is neither appendonlydir nor dump\.rdb/],
    ]);
  });
});
