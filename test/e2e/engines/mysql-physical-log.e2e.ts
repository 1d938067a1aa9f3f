import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type Deployed } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { resultOf, succeed, until } from '../support/rehearse';

// The warehouse of dist/ with its archived log: to a moment, to the end, and what stands in the way.

const SETTINGS = { 'log-bin': 'binlog', 'server-id': '7', 'innodb-log-file-size': '8M', 'binlog-format': 'MIXED' };
let cluster: Cluster;
let server: MysqlServer;
let data: string;
const batches = () => join(cluster.claim('warehouse', 'backups'), 'stock-log');
const stored = () =>
  readdirSync(batches())
    .filter(name => /^\d/.test(name))
    .sort();
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: 'warehouse', name: `stock-${operation}` });
const ask = (words: { [key: string]: string }) =>
  cluster.configMap('warehouse', 'stock-restore-request', {
    recoveryPoint: 'newest',
    series: 'stock',
    safetyBackup: 'no',
    until: '',
    replace: 'yes',
    ...words,
  });
const write = (what: string) => server.query('stock', `insert into events (what) values ('${what}')`);
const written = () => server.query('stock', "select group_concat(what order by id separator ',') from events");
const sleep = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds));
const position = () => server.query('mysql', 'show master status').split('\t').slice(0, 2).join(':');

/** The beginning of a second in which nothing has been written yet. */
async function moment(): Promise<string> {
  await sleep(1100 - (Date.now() % 1000));
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

/** Whether everything that the server has logged is in the spool. The server's own list also shows receivers that are gone. */
function received(): boolean {
  const [file = '', end] = position().split(':');
  const spool = join(cluster.claim('warehouse', 'stock-log'), 'received');
  if (!existsSync(join(spool, 'current'))) return false;
  const path = join(spool, readFileSync(join(spool, 'current'), 'utf8').trim(), file);
  return existsSync(path) && statSync(path).size === Number(end);
}

/** Runs the log archive while `body` runs; when it is told to stop, it stores what it has received. */
async function archiving<T>(body: () => Promise<T>): Promise<T> {
  const archive: Deployed = await cluster.deploy('warehouse', 'stock-log');
  try {
    await until('the log is received', received);
    const result = await body();
    await until('the rest of the log is received', received);
    return result;
  } finally {
    await archive.pod.delete();
    const { containers } = await archive.ended;
    logs = containers.map(each => each.log).join('\n');
  }
}
let logs = '';

async function restore(words: { [key: string]: string }) {
  ask(words);
  await server.down();
  const restored = await succeed(run('restore'), 'restored');
  await server.up();
  return restored;
}

beforeAll(async () => {
  const images = await imagesOfDist();
  cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
  data = cluster.claim('warehouse', 'data-stock-db-0');
  cluster.claim('warehouse', 'stock-log', { sizeLimit: '256Mi' });
  server = await MysqlServer.start(imageNamed(images, 'mariadb:10.11.19-jammy'), { data, options: SETTINGS });
  server.query(
    'mysql',
    `create database stock; use stock; create table items (id int primary key); insert into items select seq from seq_1_to_1000;
     create table events (id int primary key auto_increment, what varchar(40) not null, at timestamp(6) default now(6));
     create user backup@'%' identified by 'a secret #'; grant reload, process, binlog monitor on *.* to backup@'%';`,
  );
  cluster.service('warehouse', 'stock-db', server.address);
  cluster.secret('warehouse', 'stock-backup', { username: 'backup', password: 'a secret #' });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
});

describe('MariaDB 10.11 by copies of its files and its archived log', () => {
  let accident: string;
  let place: string;
  let everything: { [what: string]: string };

  test('an account that may not receive the log is told so', async () => {
    const archive = await cluster.deploy('warehouse', 'stock-log');
    await sleep(4000);
    await archive.pod.delete();
    expect((await archive.ended).containers[0]?.log).toMatch(/REPLICATION SLAVE/);
    server.query('mysql', "grant replication slave on *.* to backup@'%'");
  });

  test('a copy and the log after it are stored, and verified together', async () => {
    write('before the backup');
    await archiving(async () => {
      await succeed(run('backup'), 'published');
      write('by statement');
      server.query('stock', "set session binlog_format = row; insert into events (what) values ('by row ж\\'')");
      server.query(
        'stock',
        'create temporary table held as select 7 x; create table kept (x int); insert into kept select x + 1 from held',
      );
      server.query('stock', 'create table shelves (i int primary key) engine = myisam; create table old (i int)');
      for (const failing of [
        'insert into shelves values (1), (2), (1)',
        'drop table old, older',
        'create user one; drop user one, other',
      ]) {
        expect(() => server.query('stock', failing)).toThrow();
      }
      server.query('mysql', 'flush binary logs');
      write('in the next file');
      accident = await moment();
      server.query('stock', 'drop table kept; create table later (x int)');
      place = position();
      write('the accident');
    });
    everything = server.checksums('stock');
    const verified = await run('verify');
    expect(resultOf(verified), verified.log).toMatchObject({ verdict: 'verified' });
    expect(verified.log).toMatch(/replayed [1-9]\d* batches of the log, from binlog\.000001:\d+ to binlog\.000002:\d+/);
  });

  describe('refusals, which change nothing', () => {
    test.each([
      ['a moment that has not come', { until: '2999-01-01T00:00:00Z' }, /^until is '2999-01-01T00:00:00Z', which is still in the future/],
      [
        'a moment after the end of the log',
        { until: 'now' },
        /^the archived log ends before 20.*Z, at binlog\.000002:\d+: choose an earlier/,
      ],
      ['a moment before the recovery point', { until: '2001-01-01T00:00:00Z' }, /ends after 2001-01-01T00:00:00Z: set recoveryPoint/],
      ['a position after the end', { until: 'binlog:binlog.000002:99999999' }, /^the archived log ends before binlog:/],
      ['a position before the recovery point', { until: 'binlog:binlog.000001:4' }, /ends after binlog:binlog.000001:4, at binlog/],
      ['a part of a second', { until: '2999-01-01T00:00:00.5Z' }, /whole seconds only/],
      ['a target that is none', { until: 'yesterday' }, /^until is 'yesterday': write latest, gap, base, a time/],
    ])('%s', async (_, words, says) => {
      ask({ ...words, ...(words.until === 'now' && { until: await moment() }) });
      await server.down();
      const before = readdirSync(data).sort();
      const refused = await run('restore');
      expect(readdirSync(data).sort()).toEqual(before);
      await server.up();
      expect(refused.succeeded, refused.log).toBe(false);
      expect(resultOf(refused).reason).toMatch(says);
      expect(server.checksums('stock')).toEqual(everything);
    });
  });

  test('a batch that is lost is a gap, which a verification and a restore name', async () => {
    await archiving(async () => void write('one more'));
    await archiving(async () => void write('and one'));
    await archiving(async () => void write('a third'));
    const lost = stored().at(-2) ?? '';
    renameSync(join(batches(), lost), `${data}.lost`);
    const faulty = await run('verify');
    ask({});
    await server.down();
    const before = readdirSync(data).sort();
    const refused = await run('restore');
    expect(readdirSync(data).sort()).toEqual(before);
    await server.up();
    renameSync(`${data}.lost`, join(batches(), lost));
    for (const each of [faulty, refused]) {
      expect(resultOf(each).reason, each.log).toMatch(/^the archived log has a gap: binlog\.\d{6} lacks bytes \d+ to \d+/);
    }
  });

  test('a restore to the end brings back everything', async () => {
    everything = server.checksums('stock');
    await restore({});
    expect(server.checksums('stock')).toEqual(everything);
    expect(written()).toBe("before the backup,by statement,by row ж',in the next file,the accident,one more,and one,a third");
  });

  test.each([
    ['a moment: what was committed before it, and nothing after it', () => accident, 'kept', ",by statement,by row ж',in the next file"],
    ['a position', () => `binlog:${place}`, 'later', ",by statement,by row ж',in the next file"],
    ['the copy alone', () => 'base', '', ''],
  ])('a restore goes to %s', async (_, target, table, expected) => {
    await restore({ until: target() });
    expect(written()).toBe(`before the backup${expected}`);
    expect(server.query('stock', "show tables where tables_in_stock in ('kept', 'later')")).toBe(table);
    if (table === 'kept') expect(server.query('stock', 'select x from kept')).toBe('8');
  });

  test('after a restore the server begins its log anew, and so does the archive; the old recovery point still goes to its own end', async () => {
    await archiving(async () => void write('of the new history'));
    expect(logs).toMatch(/the server has started a new binary log/);
    expect(logs).not.toContain('could not be removed from the spool');
    const spool = join(cluster.claim('warehouse', 'stock-log'), 'received');
    expect(readdirSync(spool).filter(name => /^\d/.test(name))).toHaveLength(1);

    const leadsElsewhere =
      /^the archived log continues in another history, \d+-7-\d+, to which recovery point \S+ does not lead: .*set timeline to (\S+)\. The archive has: /;
    const faulty = await run('verify');
    expect(resultOf(faulty).reason, faulty.log).toMatch(leadsElsewhere);
    ask({});
    await server.down();
    const refused = await run('restore');
    ask({ timeline: 'another' });
    const unknown = await run('restore');
    await server.up();
    const [, timeline = ''] = leadsElsewhere.exec(String(resultOf(refused).reason)) ?? [];
    expect(timeline, refused.log).not.toBe('');
    expect(resultOf(unknown).reason).toMatch(
      /^recovery point \S+ belongs to history \S+ of the log, which does not lead to timeline 'another'/,
    );
    await restore({ timeline });
    expect(written()).toBe("before the backup,by statement,by row ж',in the next file,the accident,one more,and one,a third");
    for (const name of readdirSync(join(data, 'mysql'))) {
      if (name.startsWith('.before-')) rmSync(join(data, 'mysql', name), { recursive: true });
    }
  });

  test('what the server has removed before it was received is a gap; a backup after it can be restored to the end', async () => {
    await archiving(async () => void (await succeed(run('backup'), 'published')));
    for (let number = 0; number < 3; number += 1) {
      write(`file ${number}`);
      server.query('mysql', 'flush binary logs');
    }
    // As long as the server takes the archive for connected it keeps what is sent to it.
    const oldest = () => server.query('mysql', 'show binary logs').split('\t')[0];
    const newest = position().split(':')[0];
    await until('the logs are removed', () => {
      server.query('mysql', `purge binary logs to '${newest}'`);
      return oldest() === newest;
    });
    await archiving(async () => void write('after the gap'));
    expect(logs).toMatch(/the server removed binary logs before they were received, .*; take a backup now/);
    const faulty = await run('verify');
    expect(resultOf(faulty).reason, faulty.log).toMatch(
      /^the archived log has a gap: the end of binlog\.\d{6} was never received, although/,
    );

    await archiving(async () => {
      await succeed(run('backup'), 'published');
      write('all is well');
    });
    await succeed(run('verify'), 'verified');
    everything = server.checksums('stock');
    await restore({});
    expect(server.checksums('stock')).toEqual(everything);
  });

  test('what was written after a reset of the logs is never taken for what follows what was written before it', async () => {
    await archiving(async () => {
      await succeed(run('backup'), 'published');
      write('before the reset');
      await until('the log is received', received);
      server.query('mysql', 'reset master');
      write('after the reset');
      // The server goes on with its next file, as if it followed what it sent before.
      server.query('mysql', 'flush binary logs');
      write('in the second file after the reset');
    });
    expect(logs).toMatch(/started a new binary log|does not continue where binlog\.\d+ ends/);
    const faulty = await run('verify');
    expect(resultOf(faulty).reason, faulty.log).toMatch(/^the archived log (has a gap: the end of|continues in another history)/);
  });

  test('an archive that has lost what it had received receives it again from the server: no recovery point is cut off', async () => {
    await archiving(async () => {
      await succeed(run('backup'), 'published');
      write('before the loss');
    });
    rmSync(join(cluster.claim('warehouse', 'stock-log'), 'received'), { recursive: true });
    await archiving(async () => void write('after the loss'));
    await succeed(run('verify'), 'verified');
    everything = server.checksums('stock');
    await restore({});
    expect(server.checksums('stock')).toEqual(everything);
  });

  test('a restore goes as far as a log with a gap leads, and says that it went no further', async () => {
    const before = written();
    await archiving(async () => {
      await succeed(run('backup'), 'published');
      write('before the gap');
    });
    await archiving(async () => void write('in the gap'));
    const lost = stored().at(-1) ?? '';
    await archiving(async () => void write('after the gap'));
    renameSync(join(batches(), lost), `${data}.lost`);
    const { reason } = await restore({ until: 'gap' });
    renameSync(`${data}.lost`, join(batches(), lost));
    expect(reason).toMatch(
      /nothing that the server wrote later comes back: the archived log has a gap: binlog\.\d{6} lacks bytes \d+ to \d+/,
    );
    expect(written()).toBe(`${before},before the gap`);
  });

  test('what a full volume has left empty is received again', async () => {
    const spool = cluster.claim('warehouse', 'stock-log');
    const empty = () => {
      const history = join(spool, 'received', readFileSync(join(spool, 'received/current'), 'utf8').trim());
      return readdirSync(history).filter(name => /^binlog\.\d+$/.test(name) && statSync(join(history, name)).size === 0).length;
    };
    await archiving(async () => void (await succeed(run('backup'), 'published')));
    const archive = await cluster.deploy('warehouse', 'stock-log');
    await until('the log is received', received);
    chmodSync(batches(), 0o555);
    try {
      // All that is left, though some of it may be taken meanwhile.
      expect(() => writeFileSync(join(spool, 'ballast'), Buffer.alloc((statfsSync(spool).bavail + 256) * statfsSync(spool).bsize))).toThrow(
        'ENOSPC',
      );
      // The program that receives goes on, and leaves files with nothing in them.
      for (let number = 0; number < 25; number += 1) {
        write(`nowhere ${number}`);
        server.query('mysql', 'flush binary logs');
      }
      await until('there are empty files', () => empty() > 0);
    } finally {
      chmodSync(batches(), 0o755);
    }
    await archive.pod.delete();
    await archive.ended;
    rmSync(join(spool, 'ballast'));
    await archiving(async () => {
      write('with room');
      await until('all is received', () => empty() === 0 && received());
    });
    await succeed(run('verify'), 'verified');
    everything = server.checksums('stock');
    await restore({});
    expect(server.checksums('stock')).toEqual(everything);
  });

  test('an archive whose volume was full while nothing could be stored goes on, and lacks nothing', async () => {
    const spool = cluster.claim('warehouse', 'stock-log');
    const free = () => statfsSync(spool).bavail * statfsSync(spool).bsize;
    await archiving(async () => void (await succeed(run('backup'), 'published')));
    const archive = await cluster.deploy('warehouse', 'stock-log');
    writeFileSync(join(spool, 'ballast'), Buffer.alloc(free() - 24 * 1048576));
    chmodSync(batches(), 0o555);
    try {
      await until('the volume is full', () => {
        server.query('stock', 'create or replace table noise as select seq, md5(rand()) as v from seq_1_to_100000; flush binary logs');
        return free() < 1048576;
      });
    } finally {
      chmodSync(batches(), 0o755);
    }
    write('while the volume was full');
    await archive.pod.delete();
    await archive.ended;
    await archiving(async () => void write('with room again'));
    rmSync(join(spool, 'ballast'));
    await succeed(run('verify'), 'verified');
    everything = server.checksums('stock');
    await restore({});
    expect(server.checksums('stock')).toEqual(everything);
  });
});
