import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster } from '../../rehearsal';
import { archivingOf, momentOf } from '../support/archiving';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { resultOf, succeed, until } from '../support/rehearse';

// The ledger of dist/: base backups and an archived log. The server's data directory is on the claim that the restore writes
// to; the server is stopped for a restore and started again on what was restored.

const NAMESPACE = 'ledger';
let cluster: Cluster;
let server: PostgresServer;
const volume = () => cluster.claim(NAMESPACE, 'data-books-db-0', { lostAndFound: true });
const batches = () => join(cluster.claim(NAMESPACE, 'backups'), 'books-log');
/** The archived log, oldest batch first: from which segment to which. */
const logBatches = () =>
  readdirSync(batches())
    .filter(name => /^\d/.test(name))
    .sort()
    .map(
      name =>
        ({ name, ...JSON.parse(readFileSync(join(batches(), name, 'manifest.json'), 'utf8')).about }) as {
          name: string;
          first: string;
          last: string;
          until?: string;
        },
    );
const run = (operation: string) => cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `books-${operation}` });
const backup = () => succeed(run('backup'), 'published');
const verify = () => succeed(run('verify'), 'verified');

beforeAll(async () => {
  const images = await imagesOfDist();
  cluster = await Cluster.create({ manifests: ['dist'], images, backoffSeconds: 0.1 });
  cluster.claim(NAMESPACE, 'books-log', { sizeLimit: '256Mi' });
  const settings = {
    wal_level: 'replica',
    track_commit_timestamp: 'on',
    summarize_wal: 'on',
    max_wal_size: '128MB',
    checkpoint_timeout: '30s',
  };
  server = await PostgresServer.start(imageNamed(images, 'postgres:17.11-trixie'), '17', settings, volume());
  server.query('postgres', `create role backup login replication password 'backup secret'`);
  server.client('createdb', ['books']);
  server.query(
    'books',
    `create table entries (id int generated always as identity primary key, what text not null);
    create index on entries (what); create unlogged table carts as select 1 as x; create table noise as select i, md5(i::text) as v from generate_series(1, 100000) i`,
  );
  cluster.service(NAMESPACE, 'books-db', server.address);
  cluster.secret(NAMESPACE, 'books-replication', { username: 'backup', password: 'backup secret' });
});

afterAll(async () => {
  await server?.stop();
  await cluster?.destroy();
});

const write = (what: string) => server.query('books', `insert into entries (what) values ('${what}')`);
const written = () => server.query('books', "select string_agg(what, ',' order by id) from entries");
const lsn = () => server.query('postgres', 'select pg_current_wal_insert_lsn()');
const moment = () => momentOf(server);
const archiving = <T>(body: () => Promise<T>) => archivingOf(server, () => cluster.deploy(NAMESPACE, 'books-log'), body);

function ask(words: { [key: string]: string }): void {
  cluster.configMap(NAMESPACE, 'books-restore-request', {
    recoveryPoint: 'newest-verified',
    series: 'books',
    safetyBackup: 'no',
    until: '',
    replace: 'yes',
    ...words,
  });
}

/** Stops the server, restores, and starts it on what came back. */
async function restore(words: { [key: string]: string }): Promise<void> {
  ask(words);
  await server.stop();
  await succeed(run('restore'), 'restored');
  await server.up();
}

/** Those that hold the newest segment of which the newest batch has nothing: an archive may store again what one before it stored. */
function batchesOfNewestSegment() {
  const stored = logBatches();
  const newest = stored.at(-1);
  const holders = stored
    .filter(({ first }) => !first.endsWith('.partial'))
    .map(({ first }) => stored.filter(batch => batch.first <= first && first <= batch.last))
    .filter(batches => newest && !batches.includes(newest));
  return holders.at(-1) ?? [];
}

const noise = () => server.query('books', 'insert into noise select i, md5(random()::text) from generate_series(1, 300000) i');

/** What is done while these batches are not there. */
async function without<T>(lost: ReturnType<typeof logBatches>, body: () => Promise<T>): Promise<T> {
  expect(lost).not.toEqual([]);
  for (const { name } of lost) renameSync(join(batches(), name), join(volume(), `lost-${name}`));
  try {
    return await body();
  } finally {
    for (const { name } of lost) renameSync(join(volume(), `lost-${name}`), join(batches(), name));
  }
}

describe('PostgreSQL 17 by base backups and its archived log', () => {
  let beforeAccident: string;
  let position: string;
  let first: string;

  test('a log archive refuses a server that would keep log for it without a limit', async () => {
    const archive = await cluster.deploy(NAMESPACE, 'books-log');
    await new Promise(resolve => setTimeout(resolve, 4000));
    await archive.pod.delete();
    const { containers } = await archive.ended;
    expect(containers[0]?.log).toMatch(/max_slot_wal_keep_size is -1 MB on the server .*alter system set max_slot_wal_keep_size/);
    expect(server.query('postgres', 'select count(*) from pg_replication_slots')).toBe('0');
    server.query('postgres', "alter system set max_slot_wal_keep_size = '1GB'");
    server.query('postgres', 'select pg_reload_conf()');
  });

  test('a base backup and the log after it are stored, and verified together', async () => {
    write('before the backup');
    symlinkSync('/etc/postgresql/more.conf', join(volume(), 'data/more.conf'));
    await archiving(async () => {
      const published = await backup();
      expect(published.reason).toContain('links in the data directory are left out, and a restore does not bring them back: more.conf. ');
      first = published.id;
      expect(published.reason).toContain(
        'unlogged tables come back empty, as a base backup does not hold their rows; these databases have some: books',
      );
      write('after the backup');
      server.query('books', 'insert into noise select i, md5(random()::text) from generate_series(1, 300000) i');
      beforeAccident = await moment();
      server.query('postgres', "select pg_create_restore_point('release')");
      write('the accident');
      position = lsn();
      await moment();
      write('after the accident');
    });
    expect(readdirSync(batches()).filter(name => /^\d/.test(name)).length).toBeGreaterThan(0);

    const verified = await run('verify');

    expect(resultOf(verified), verified.log).toMatchObject({ verdict: 'verified', id: first });
    expect(verified.log).toMatch(/recovered with [1-9]\d* batches of the log/);
  });

  test('a restore to a moment brings back what was committed before it, and nothing after it', async () => {
    await restore({ until: beforeAccident });
    expect(written()).toBe('before the backup,after the backup');
    expect(server.query('books', 'select count(*) from noise')).toBe('400000');
  });

  test('a restore to the end brings back everything', async () => {
    await restore({});
    expect(written()).toBe('before the backup,after the backup,the accident,after the accident');
  });

  test.each([
    ['a named restore point', () => 'name:release', 'before the backup,after the backup'],
    ['a position in the log', () => `lsn:${position}`, 'before the backup,after the backup,the accident'],
    ['the base backup alone', () => 'base', 'before the backup'],
  ])('a restore goes to %s', async (_, target, expected) => {
    await restore({ until: target() });
    expect(written()).toBe(expected);
  });

  test('a moment as recovery point chooses the base backup before it by itself', async () => {
    await restore({ recoveryPoint: beforeAccident });
    expect(written()).toBe('before the backup,after the backup');
  });

  test('an incremental backup builds on the one before, and is put together with it', async () => {
    const run_ = await archiving(async () => {
      const full = await backup();
      write('after the full backup');
      server.query('postgres', 'checkpoint');
      const next = await run('backup');
      expect(next.log).toContain(`incremental to ${full.id}`);
      expect(next.log).not.toContain('a full one is made instead');
      expect(resultOf(next).bytes).toBeLessThan(full.bytes / 2);
      const third = await backup();
      expect(third.bytes).toBeLessThan(full.bytes / 2);
      return run('verify');
    });
    expect(resultOf(run_), run_.log).toMatchObject({ verdict: 'verified' });
    expect(run_.log).toMatch(/combined from [1-9]\d* recovery points/);
    const before = server.checksums('books');
    await restore({});
    expect(server.checksums('books')).toEqual(before);
  });

  test('what the data directory held before each restore is still on the volume', () => {
    expect(readdirSync(volume()).filter(name => name.startsWith('data.before-')).length).toBeGreaterThan(1);
    for (const name of readdirSync(volume())) if (name.startsWith('data.before-')) rmSync(join(volume(), name), { recursive: true });
  });

  test('after a restore, the archive follows the new timeline, and the next restore too', async () => {
    let id = '';
    await archiving(async () => {
      id = (await backup()).id;
      write('on the new timeline');
    });
    expect((await verify()).id).toBe(id);
    await restore({});
    expect(written()).toBe('before the backup,after the backup,after the full backup,on the new timeline');
  });

  describe('refusals, which change nothing', () => {
    test.each([
      ['the server is running', {}, /server is running: scale it to zero first/, true],
      ['the data directory is not empty', { replace: 'no' }, /^the data directory is not empty .*Set replace to yes/, false],
      ['a moment after the end of the log', { until: '2999-01-01T00:00:00Z' }, /^the archived log ends before 2999-01-01T00:00:00Z/, false],
      [
        'a moment before the recovery point',
        { until: '2001-01-01T00:00:00Z' },
        /ends after 2001-01-01T00:00:00Z: set recoveryPoint to an older one/,
        false,
      ],
      ['a moment before every recovery point', { recoveryPoint: '2001-01-01T00:00:00Z' }, /has no recovery point from 2001/, false],
      ['no such restore point', { until: 'name:nowhere' }, /^the archived log ends before name:nowhere/, false],
      ['a target that is none', { until: 'yesterday' }, /^until is 'yesterday': write latest, gap, base, a time/, false],
    ])('%s', async (_, words, says, running) => {
      ask(words);
      const before = written();
      const directories = readdirSync(volume()).sort();
      if (!running) await server.stop();
      const refused = await run('restore');
      if (!running) await server.up();
      expect(refused.succeeded, refused.log).toBe(false);
      expect(resultOf(refused).reason).toMatch(says);
      expect(written()).toBe(before);
      expect(readdirSync(volume()).sort()).toEqual(directories);
    });
  });

  test('a gap in the archived log is found by the verification, and named', async () => {
    await archiving(async () => {
      await backup();
      noise();
    });
    await archiving(async () => void noise());
    await archiving(async () => void noise());
    const faulty = await without(batchesOfNewestSegment(), () => run('verify'));

    expect(resultOf(faulty).reason, faulty.log).toMatch(
      /^the archived log has a gap: segment [0-9A-F]{24} is missing, although [0-9A-F]{24} is there/,
    );

    const ofTimelinesThatAreOver = logBatches()
      .map(({ first }) => first)
      .filter(first => first.endsWith('.partial') && first.slice(0, 8) < (logBatches().at(-1)?.last.slice(0, 8) ?? ''));
    expect(ofTimelinesThatAreOver).toEqual([...new Set(ofTimelinesThatAreOver)]);

    // All that is left after this one is a segment that was still being written.
    await archiving(async () => void write('a little'));
    const [newest, ...others] = logBatches().reverse();
    expect(newest?.first).toMatch(/\.partial$/);
    const lost = batchesOfNewestSegment();
    const tornOff = await without(
      others.filter(({ name }) => name >= (lost[0]?.name ?? '')),
      () => run('verify'),
    );
    expect(resultOf(tornOff).reason, tornOff.log).toMatch(/^the archived log has a gap: segment [0-9A-F]{24} is missing, although/);
    await verify();
  });

  test('a restore goes as far as a log with a gap leads, and says that it went no further', async () => {
    const before = written();
    await archiving(async () => {
      await backup();
      write('before the gap');
      noise();
    });
    const known = logBatches().map(({ name }) => name);
    await archiving(async () => void noise());
    // In however many batches it came: what began before is unfinished in those, and whole in these alone.
    const lost = logBatches().filter(({ name }) => !known.includes(name));
    await archiving(async () => {
      write('after the gap');
      noise();
    });
    ask({ recoveryPoint: 'newest', until: 'gap' });
    await server.stop();
    const { reason } = await without(lost, () => succeed(run('restore'), 'restored'));
    await server.up();
    expect(reason).toMatch(/nothing that the server wrote later comes back: the archived log has a gap: segment [0-9A-F]{24} is missing/);
    expect(written()).toBe(`${before},before the gap`);
  });

  test.each(['in the middle of a segment', 'at the end of one'])(
    'files that were put back, %s: a backup builds on nothing of before, and the archive says what it lacks',
    async where => {
      // As a restore of a volume's snapshot does: neither the timeline nor the system tells of it.
      await archiving(async () => void (await backup()));
      await server.stop();
      const files = join(volume(), 'data');
      cpSync(files, join(volume(), 'snapshot'), { recursive: true, preserveTimestamps: true });
      await server.up();
      server.query(
        'books',
        "drop table if exists of_before; create table of_before as select i, md5(i::text) as v from generate_series(1, 50000) i; update noise set v = 'before' where i < 1000",
      );
      let base = { id: '' };
      await archiving(async () => {
        base = await backup();
        expect((await run('backup')).log).toContain('incremental to ');
        write('before the files were put back');
        if (where === 'at the end of one') server.query('postgres', 'select pg_switch_wal()');
      });
      await server.stop();
      execFileSync('rm', ['-rf', files]);
      renameSync(join(volume(), 'snapshot'), files);
      execFileSync('chown', ['-R', '999:999', files]);
      await server.up();
      server.query(
        'books',
        "drop table if exists of_after; create table of_after as select i, md5(i::text) as v from generate_series(1, 80000) i; update noise set v = 'after' where i between 500 and 2000; checkpoint",
      );
      for (let round = 0; round < 3; round += 1) server.query('postgres', 'select pg_switch_wal(); checkpoint');
      const archive = await cluster.deploy(NAMESPACE, 'books-log');
      const gap = join(cluster.claim(NAMESPACE, 'books-log'), 'gap');
      await until('the archive has found out', () => existsSync(gap) && existsSync(`${gap}-until`));
      write('after the files were put back');
      server.query('books', 'truncate carts');
      const everything = server.checksums('books');
      const next = await run('backup');
      expect(next.log).toMatch(/the server was started since \S+ was made, so this backup is a full one/);
      expect(resultOf(next).id > base.id).toBe(true);
      // It looks once a minute.
      await until('the backup makes up for it', () => !existsSync(gap));
      await archive.pod.delete();
      const { containers } = await archive.ended;
      expect(containers[0]?.log).toMatch(/differs from the log received under the same name: its files were reset/);
      expect(containers[0]?.log).toMatch(
        /no backup has been started since .*its files were reset to an earlier state\).*Take a backup now/,
      );
      expect(containers[0]?.log).toContain('a backup has been made since, which makes up for the gap in the archived log');
      expect(existsSync(gap)).toBe(false);
      expect((await run('backup')).log).toContain(`incremental to ${resultOf(next).id}`);
      await restore({ recoveryPoint: 'newest', until: 'base' });
      expect(server.checksums('books')).toEqual(everything);
    },
  );

  test('an archive whose slot somebody else receives from does not say that it has what it lacks', async () => {
    const elsewhere = join(volume(), 'elsewhere');
    mkdirSync(elsewhere);
    chownSync(elsewhere, 999, 999);
    const system = join(cluster.claim(NAMESPACE, 'books-log'), 'received/system');
    rmSync(system, { force: true });
    const stored = logBatches().length;
    // A server that was restored has none.
    server.query(
      'postgres',
      "select pg_create_physical_replication_slot('backup', true) where not exists (select from pg_replication_slots where slot_name = 'backup')",
    );
    const other = server.background('pg_receivewal', ['-D', '/srv/elsewhere', '--slot=backup', '--synchronous', '--no-password']);
    try {
      await until(
        'the other one receives',
        () => server.query('postgres', 'select count(*) from pg_replication_slots where active') === '1',
      );
      write('received by somebody else');
      const archive = await cluster.deploy(NAMESPACE, 'books-log');
      await until('the archive has begun', () => existsSync(system));
      await archive.pod.delete();
      const { containers } = await archive.ended;
      expect(containers[0]?.log).toMatch(
        /not everything that the server has written has been received: the server was at \S+, and the archive was at an unknown position: \S+ receives from slot backup/,
      );
    } finally {
      await other.stop();
      rmSync(elsewhere, { recursive: true });
    }
    expect(
      logBatches()
        .slice(stored)
        .filter(batch => batch.until),
    ).toEqual([]);
  });

  test('an archive whose volume was full while nothing could be stored goes on, and lacks nothing', async () => {
    const spool = cluster.claim(NAMESPACE, 'books-log');
    const free = () => statfsSync(spool).bavail * statfsSync(spool).bsize;
    await archiving(async () => void (await backup()));
    const receivers = () => server.query('postgres', "select count(*) from pg_stat_replication where application_name like 'backup by %'");
    const archive = await cluster.deploy(NAMESPACE, 'books-log');
    await until('the archive receives', () => receivers() === '1');
    writeFileSync(join(spool, 'ballast'), Buffer.alloc(free() - 56 * 1048576));
    chmodSync(batches(), 0o555);
    try {
      await until('the volume is full, and nothing receives', () => {
        noise();
        return receivers() === '0';
      });
    } finally {
      chmodSync(batches(), 0o755);
    }
    write('while the volume was full');
    await archive.pod.delete();
    const { containers } = await archive.ended;
    expect(containers[0]?.log).toContain('No space left on device');
    await archiving(async () => void write('with room again'));
    rmSync(join(spool, 'ballast'));
    await verify();
    server.query('books', 'truncate carts');
    // A sequence is logged some values ahead.
    const rows = () => Object.entries(server.checksums('books')).filter(([what]) => !what.startsWith('sequence'));
    const everything = rows();
    await restore({ recoveryPoint: 'newest' });
    expect(rows()).toEqual(everything);
  });

  test('a moment on a timeline that was left is restored where the request names the timeline, and refused where it does not', async () => {
    let [first, second] = ['', ''];
    write('before both');
    const before = written();
    await archiving(async () => {
      await backup();
      write('before the first moment');
      first = await moment();
      write('before the second moment');
      second = await moment();
      write('an accident');
      // The position that is noted of a server is what it has flushed.
      server.query('postgres', 'select pg_switch_wal()');
    });
    const timeline = server.query('postgres', 'select timeline_id from pg_control_checkpoint()');
    await restore({ recoveryPoint: 'newest', until: first });
    expect(server.query('books', 'select count(*) from entries where pg_xact_commit_timestamp(xmin) is null')).toBe('0');
    await archiving(async () => void write('on a timeline of its own'));
    const now = written();

    await server.stop();
    ask({ recoveryPoint: 'newest', until: second });
    const refused = await run('restore');
    ask({ recoveryPoint: 'newest', until: second, timeline: '77' });
    const unknown = await run('restore');
    await server.up();
    expect(resultOf(refused).reason, refused.log).toMatch(
      new RegExp(
        `^${second} is beyond [0-9A-F]+/[0-9A-F]+, where the history forks: set timeline .* timeline ${timeline}.*: segments [0-9A-F]{24}`,
      ),
    );
    expect(resultOf(unknown).reason).toMatch(/does not lead to timeline 77; the archive has timeline/);
    expect(written()).toBe(now);
    await restore({ recoveryPoint: 'newest', until: second, timeline });
    expect(written()).toBe(`${before},before the first moment,before the second moment`);
  });

  test('a log of which nothing was stored lately fails the verification, and so does one of which nothing was ever stored', async () => {
    await archiving(async () => void (await backup()));
    await verify();
    renameSync(batches(), `${batches()}-away`);
    const faulty = await run('verify');
    renameSync(`${batches()}-away`, batches());
    expect(resultOf(faulty).reason, faulty.log).toMatch(/^no log has ever been archived, although a log archive should be running/);
  });

  test('a slot whose log was recycled while it was made is made anew, and the archive goes on', async () => {
    rmSync(join(cluster.claim(NAMESPACE, 'books-log'), 'received'), { recursive: true, force: true });
    server.query('postgres', 'select pg_drop_replication_slot(slot_name) from pg_replication_slots');
    server.query('postgres', "select pg_create_physical_replication_slot('backup', true)");
    const begins = server.query('postgres', 'select pg_walfile_name(restart_lsn) from pg_replication_slots');
    server.query('postgres', 'select pg_switch_wal()');
    rmSync(join(volume(), 'data/pg_wal', begins));
    write('after the slot was made');
    await archiving(async () => {
      await until('the archive goes on', () => server.query('postgres', 'select count(flush_lsn) from pg_stat_replication') !== '0');
      await backup();
      write('received by a slot of its own');
    });
    await verify();
    const now = written();
    await restore({});
    expect(written()).toBe(now);
  });

  test('an archive that goes on from a standby that was promoted has a gap where the log of between was recycled', async () => {
    await archiving(async () => void (await backup()));
    const standby = await PostgresServer.standbyOf(server);
    try {
      const busy = (of: PostgresServer) =>
        of.query(
          'books',
          'insert into noise select i, md5(random()::text) from generate_series(1, 100000) i; select pg_switch_wal(); checkpoint',
        );
      for (let round = 0; round < 3; round += 1) busy(server);
      await until('the standby has everything', () => standby.query('postgres', `select pg_last_wal_replay_lsn() >= '${lsn()}'`) === 't');
      await server.stop();
      standby.query('postgres', 'select pg_promote()');
      cluster.moveService(NAMESPACE, 'books-db', standby.address);
      for (let round = 0; round < 2; round += 1) busy(standby);
      await archivingOf(
        standby,
        () => cluster.deploy(NAMESPACE, 'books-log'),
        async () => {
          // The first attempt goes on where the spool ends, which the standby cannot.
          await until(
            'the standby sends its log',
            () => standby.query('postgres', 'select count(*) from pg_replication_slots where active') === '1',
          );
          busy(standby);
        },
      );
      const faulty = await run('verify');
      expect(resultOf(faulty).reason, faulty.log).toMatch(
        /^the archived log has a gap: segment ([0-9A-F]{8})[0-9A-F]{16} is missing, although (?!\1)[0-9A-F]{24} is there/,
      );
    } finally {
      cluster.moveService(NAMESPACE, 'books-db', server.address);
      await standby.stop();
      await server.up();
    }
  });

  test('log that no base backup needs is pruned with the oldest of them', async () => {
    const points = join(cluster.claim(NAMESPACE, 'backups'), 'books');
    const [oldest = ''] = readdirSync(points)
      .filter(name => /^\d/.test(name))
      .sort();
    rmSync(join(points, oldest), { recursive: true });
    const [, second = ''] = [
      '',
      ...readdirSync(points)
        .filter(name => /^\d/.test(name))
        .sort(),
    ];
    await backup();
    expect(readdirSync(batches()).filter(name => /^\d/.test(name) && name < second).length).toBeLessThan(2);
    expect(readdirSync(batches()).filter(name => /^\d/.test(name)).length).toBeGreaterThan(0);
  });
});
