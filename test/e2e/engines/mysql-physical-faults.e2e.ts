import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import { expect, test } from 'vitest';
import { Engine, MariadbVersion } from '../../../lib';
import { describeFaults, type FaultSuite } from '../support/engine-faults';
import { imageNamed } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { until } from '../support/rehearse';

let server: MysqlServer;
let other: MysqlServer;

describeFaults({
  name: 'MariaDB 10.11, by copies of its files',
  engine: Engine.mariadbPhysical({ version: MariadbVersion.V10_11, lockTimeout: Duration.seconds(10) }),
  dataVolume: 'restore',
  start: async ({ images, dataVolume }) => {
    const image = imageNamed(images, 'mariadb:10.11.19-jammy');
    const options = { 'innodb-log-file-size': '8M' };
    server = await MysqlServer.start(image, { data: dataVolume, options });
    other = await MysqlServer.start(image, { options });
    fill();
    // A copy holds the redo log since the last checkpoint; now it has none, and copies are of one size.
    await server.down();
    await server.up();
    return {
      address: server.address,
      emptyAddress: other.address,
      credentials: { username: 'root', password: server.password },
      wrongCredentials: { username: 'root', password: 'wrong' },
      kill: () => server.kill(),
      down: () => server.down(),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await other.stop();
      },
      checksum: () => server.query('app', 'checksum table noise, held'),
      change: () => void server.query('app', 'insert into held values (1)'),
      hold: async () => {
        // The first lock that mariadb-backup takes waits for this one.
        const holder = server.background('app', 'lock tables held write; select sleep(60);');
        await until('the table is held', () => sessions("info like 'select sleep(60)%'") !== '');
        return async () => {
          await holder.stop();
          await server.endSessions('select sleep(60)%');
        };
      },
      isDumping: () => sessions("info like 'BACKUP STAGE%'") !== '',
    };
  },
  dumping: '--backup --stream',
  dumper: 'mariadb-backup',
  restorer: 'mariadbd',
  payload: 'data.mbstream',
  tightScratch: Size.mebibytes(6),
  says: {
    wrongCredentials: /^the mariadb-physical server refuses this job, .*Access denied/,
    serverKilled: /^storing data\.mbstream failed: .*mariadb-backup failed: /,
    dumperKilled: /^storing data\.mbstream failed: .*mariadb-backup failed: .*killed by signal 9/,
    // The server at that address has no tables; and the files are not its own.
    emptySource: /^the files in \/var\/lib\/mysql are not those of the server at empty-db: dataVolume must be the volume/,
    scratchFull: /^unpacking data\.mbstream failed: .*No space left on device/i,
    targetHoldsSomething: /^the data directory is not empty \(.*\): nothing was changed/,
    restorerKilled: /killed by signal 9/,
  },
  more: suite => {
    test('a server without a table of its users', async () => {
      server.query('mysql', 'drop database app');
      const faulty = await suite.run('app-backup');
      fill();
      suite.failed('empty server', faulty, /^the server holds no table: an empty backup is rarely intended/);
    });

    test('a table that is damaged on disk', async () => {
      const { file, whole } = await damage(suite);
      const faulty = await suite.run('app-backup');
      await server.kill();
      writeFileSync(file, whole);
      await server.up();
      suite.failed('damaged table', faulty, /^storing data\.mbstream failed: .*mariadb-backup failed: .*corrupt/i);
    });

    test('a recovery point in which the definition of a table is missing', async () => {
      const directory = join(suite.cluster.claim('faults', 'repository'), 'app', suite.good);
      const [manifest, sums] = ['manifest.json', 'SHA256SUMS'].map(name => join(directory, name)) as [string, string];
      const [before, sumsBefore] = [readFileSync(manifest, 'utf8'), readFileSync(sums, 'utf8')];
      const digest = (text: string) => createHash('sha256').update(text).digest('hex');
      const after = before.replace('"definitions/app":2', '"definitions/app":3');
      expect(after).not.toBe(before);
      writeFileSync(manifest, after);
      writeFileSync(sums, sumsBefore.replace(digest(before), digest(after)));
      const faulty = await suite.run('app-verify');
      writeFileSync(manifest, before);
      writeFileSync(sums, sumsBefore);
      suite.failed(
        'a definition less than expected',
        faulty,
        /^the restored data differs from what was backed up, .*"definitions\/app":2 was found/,
      );
    });

    test('somebody holds a table for longer than the backup waits', async () => {
      const holder = server.background('app', 'lock tables held write; select sleep(60);');
      await until('the table is held', () => sessions("info like 'select sleep(60)%'") !== '');
      const faulty = await suite.run('app-backup');
      await holder.stop();
      await server.endSessions('select sleep(60)%');
      suite.failed('a table is held', faulty, /^storing data\.mbstream failed: .*did not end within 10 s \(lockTimeout\)/);
    });
  },
});

function fill(): void {
  server.query(
    'mysql',
    `create database app; use app;
     create table noise (i int primary key, v varbinary(100)); insert into noise select seq, random_bytes(60) from seq_1_to_40000;
     create table held (i int) engine = myisam;`,
  );
}

function sessions(which: string): string {
  return server.query('mysql', `select coalesce(max(id), '') from information_schema.processlist where ${which} and id <> connection_id()`);
}

/** Writes over the middle of a table's file, while the server is away. */
async function damage(suite: FaultSuite): Promise<{ file: string; whole: Buffer }> {
  const file = join(suite.cluster.claim('faults', 'data'), 'app', 'noise.ibd');
  await server.down();
  const whole = readFileSync(file);
  const handle = openSync(file, 'r+');
  writeSync(handle, 'damaged', Math.floor(statSync(file).size / 2));
  closeSync(handle);
  await server.up();
  return { file, whole };
}
