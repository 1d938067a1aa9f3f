import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { Cluster, type ImageCatalog } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { synthesize, until } from '../support/rehearse';
import { FrozenVolume } from './quiesce/frozen';
import { QuiescedPod, runInImage } from './quiesce/pod';
import { holds, PASSWORD, printProofs, prove, proveTheRest } from './quiesce/proofs';
import { SqlServer } from './quiesce/sql';

// How servers are held still: the emitted agent beside real servers, to which eight clients write all the time.

// They mostly wait.
vi.setConfig({ maxConcurrency: 10 });

const NAMESPACE = 'quiesce';
/** What it is in SQL. */
const QUOTED = PASSWORD.replace(/[\\']/g, '\\$&');

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

let images: ImageCatalog;
let cluster: Cluster;
beforeAll(async () => {
  images = await imagesOfDist();
  const dist = synthesize(join(__dirname, 'quiesce', 'main.ts'));
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.5 });
  rmSync(dist, { recursive: true });
  const user = "create user agent@'127.0.0.1' identified by";
  const first: { [server: string]: { [file: string]: string } } = {
    mariadb: { 'start.sql': `${user} '${QUOTED}';\ngrant reload on *.* to agent@'127.0.0.1';\n` },
    mysql: { 'start.sql': `${user} '${QUOTED}';\ngrant backup_admin on *.* to agent@'127.0.0.1';\n` },
    'mysql-tables': { 'start.sql': `${user} '${QUOTED}';\ngrant reload, process on *.* to agent@'127.0.0.1';\n` },
    postgres: { password: PASSWORD },
    redis: { 'redis.conf': `bind 127.0.0.1\ndir /srv\nsave ""\nuser agent on #${sha256(PASSWORD)} +bgsave +info +time\n` },
  };
  for (const [server, files] of Object.entries(first)) cluster.secret(NAMESPACE, `${server}-first`, files);
  cluster.secret(NAMESPACE, 'agent', { username: 'agent', password: PASSWORD });
  cluster.secret(NAMESPACE, 'postgres-agent', { username: 'agent', password: PASSWORD });
});
afterAll(async () => {
  await cluster?.destroy();
  printProofs();
});

describe.concurrent('servers with eight writers', () => {
  test('MariaDB: commits and writes wait', async ({ expect }) => {
    const image = imageNamed(images, 'mariadb:10.11');
    const pod = await QuiescedPod.start(cluster, 'mariadb');
    const server = new SqlServer(pod, 'mariadb', {
      inno: 'InnoDB',
      aria: 'Aria transactional = 1',
      plain: 'Aria transactional = 0',
      isam: 'MyISAM',
    });
    await server.fill();
    await server.write(8);
    const held = {
      name: 'mariadb',
      pod,
      isHeld: async () => !(await server.isWritten()),
      block: () => server.block('backup stage start;'),
    };
    await holds(held);
    expect(await held.isHeld()).toBe(true);
    prove('mariadb', 'lock held', 'writes to InnoDB, Aria and MyISAM wait, reads go on');
    expect(await pod.hold().ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('already held, by quiesce') });
    const before = await server.count();
    const copy = pod.copyFiles();
    expect(await server.count()).toBe(before);
    expect(await pod.release()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/was held for \d s, and goes on/) });
    expect(await server.isWritten()).toBe(true);
    expect(await server.check(image, copy)).toEqual({ complaints: [], count: before });
    pod.discard(copy);
    prove('mariadb', 'copied file by file while held', 'starts, every table is sound, counts and sums are those of the held server');
    await proveTheRest(held);

    let complaints: string[] = [];
    let tries = 0;
    for (; !complaints.some(line => /\terror\t|[Cc]orrupt/.test(line)) && tries < 10; tries += 1) {
      const torn = pod.copyFiles();
      ({ complaints } = await server.check(image, torn));
      pod.discard(torn);
    }
    expect(complaints.join()).toMatch(/\terror\t|[Cc]orrupt/);
    prove(
      'mariadb',
      'copied without the lock',
      `corrupt at try ${tries}: ${complaints
        .filter(line => /\terror\t|[Cc]orrupt/.test(line))
        .slice(0, 3)
        .join(' / ')
        .replace(/\t/g, ' ')}`,
    );
    pod.pod.killPod();
  });

  test('MySQL: definitions wait, rows are written', async ({ expect }) => {
    const pod = await QuiescedPod.start(cluster, 'mysql');
    const server = new SqlServer(pod, 'mysql', { inno: 'InnoDB' });
    await server.fill();
    await server.write(8);
    const held = {
      name: 'mysql, instance',
      pod,
      isHeld: async () => !(await server.canDefine()),
      block: () => server.block('drop table if exists slow; create table slow as select sleep(50) as slept;'),
    };
    await holds(held);
    expect([await held.isHeld(), await server.isWritten()]).toEqual([true, true]);
    prove('mysql, instance', 'lock held', 'definitions wait, rows are written and read');
    const copy = await pod.snapshot();
    expect(await pod.release()).toMatchObject({ exitCode: 0 });
    expect((await server.check(imageNamed(images, 'mysql:9.7'), copy)).complaints).toEqual([]);
    pod.discard(copy);
    prove('mysql, instance', 'copied at one instant', 'starts, every table is sound');
    await proveTheRest(held);
    pod.pod.killPod();
  });

  test('MySQL, where asked for: nothing is written', async ({ expect }) => {
    const pod = await QuiescedPod.start(cluster, 'mysql-tables');
    const server = new SqlServer(pod, 'mysql', { inno: 'InnoDB', isam: 'MyISAM' });
    await server.fill();
    await server.write(8);
    const held = {
      name: 'mysql, tables',
      pod,
      isHeld: async () => !(await server.isWritten()),
      block: () => server.block('lock tables shop.inno write;'),
    };
    const endQuery = await server.block('select sleep(50) from shop.inno limit 1;');
    await sleep(2500);
    const { exitCode, stderr } = await pod.hold().ended;
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/1 statements have been running for up to \d s, and everything would wait/),
    ]);
    expect(await server.isWritten()).toBe(true);
    await endQuery();
    prove('mysql, tables', 'a long statement', `no lock is tried, nobody waits; ${stderr.trim()}`);
    await holds(held);
    expect(await held.isHeld()).toBe(true);
    prove('mysql, tables', 'lock held', 'writes to InnoDB and MyISAM wait, reads go on');
    const before = await server.count();
    const copy = pod.copyFiles();
    expect(await pod.release()).toMatchObject({ exitCode: 0 });
    expect(await server.check(imageNamed(images, 'mysql:9.7'), copy)).toEqual({ complaints: [], count: before });
    pod.discard(copy);
    prove('mysql, tables', 'copied file by file while held', 'starts, every table is sound, counts and sums are those of the held server');
    await proveTheRest(held);
    pod.pod.killPod();
  });

  test('a file system: every write waits', async ({ expect }) => {
    const frozen = new FrozenVolume({ QUIESCE_LIMIT: '12', QUIESCE_WAIT: '3' });
    const free = async (seconds: number) => until('it is written', async () => !(await frozen.isFrozen()), seconds);
    const name = 'file-system';
    try {
      await frozen.start();
      frozen.write();
      await free(5);
      expect(await frozen.ask('hold').ended).toMatchObject({ exitCode: 0 });
      expect(await frozen.isFrozen()).toBe(true);
      prove(name, 'lock held', 'writes wait, reads go on; frozen by a view that is read only');
      expect(await frozen.ask('hold').ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('already held') });
      const copy = `${frozen.disk}-copy`;
      copyFileSync(frozen.disk, copy);
      expect(await frozen.ask('release').ended).toMatchObject({ exitCode: 0 });
      expect([await frozen.isFrozen(), frozen.check(copy)]).toEqual([false, 0]);
      prove(name, 'disk copied while held', 'e2fsck finds nothing to mend, not even a journal to replay');
      expect(await frozen.ask('release').ended).toMatchObject({ exitCode: 1 });
      prove(name, 'post hook twice', 'the second fails: no lock is held');

      await frozen.ask('hold').ended;
      const since = Date.now();
      await free(15);
      prove(name, 'watchdog', `no post hook: it goes on after ${((Date.now() - since) / 1000).toFixed(1)} s, limit 12 s`);

      execFileSync('fsfreeze', ['--freeze', frozen.volume]);
      const { exitCode, stderr } = await frozen.ask('hold').ended;
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('somebody else has frozen it')]);
      expect(await frozen.isFrozen()).toBe(true);
      execFileSync('fsfreeze', ['--unfreeze', frozen.volume]);
      await free(2);
      prove(name, 'failed pre hook', 'frozen by somebody else: fails, and leaves that as it is');

      await frozen.ask('hold').ended;
      execFileSync('fsfreeze', ['--unfreeze', frozen.volume]);
      expect(await frozen.ask('release').ended).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('somebody else had thawed it'),
      });
      prove(name, 'thawed by somebody else', 'post hook fails');

      await frozen.ask('hold').ended;
      await frozen.kill();
      expect(await frozen.isFrozen()).toBe(true);
      await frozen.start();
      await free(2);
      expect(await frozen.ask('release').ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('started again') });
      prove(name, 'killed agent', 'the next start of its container thaws');

      await frozen.kill();
      await frozen.start(frozen.directory);
      expect(await frozen.ask('hold').ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('which must not be frozen') });
      prove(name, "a directory on the node's disk", 'is refused');
    } finally {
      frozen.destroy();
    }
  });

  test('PostgreSQL: a checkpoint', async ({ expect }) => {
    const name = 'postgres';
    const pod = await QuiescedPod.start(cluster, name);
    const psql = ['env', `PGPASSWORD=${PASSWORD}`, 'psql', '-XAtq', '-h', '127.0.0.1', '-U', 'postgres'];
    await pod.ready('server', ...psql, '-c', 'select 1');
    await pod.ready('quiesce', 'test', '-p', '/quiesce/events');
    const ask = (sql: string) => pod.server(...psql, '-c', sql);
    await ask(`create role agent login password '${PASSWORD.replace(/'/g, "''")}' in role pg_checkpoint`);
    await ask('create table t (id bigserial primary key, k float, pad text)');
    await ask('create index on t (k)');
    await ask('create extension amcheck');
    const insert =
      'insert into t (k, pad) values (random(), repeat(md5(random()::text), 10)); update t set k = random() where id % 97 = 1; select pg_sleep(0.02);';
    for (let i = 0; i < 8; i += 1)
      pod.pod.exec('server', ['sh', '-c', 'insert=$1; shift; yes "$insert" | "$@" >/dev/null', 'sh', insert, ...psql]);
    await until('rows are written', async () => Number(await ask('select count(*) from t')) > 500);
    const checkpoint = () => ask('select checkpoint_lsn from pg_control_checkpoint()');
    const before = await checkpoint();
    expect(await pod.hold().ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('postgres is prepared') });
    expect(await checkpoint()).not.toBe(before);
    prove(name, 'prepared', 'a checkpoint was made; reads and writes go on, there is nothing to release');
    const rows = Number(await ask('select count(*) from t'));
    const copy = await pod.snapshot();
    const image = imageNamed(images, 'postgres:15-bookworm');
    const script = `postgres -D /srv/data -c listen_addresses= -c unix_socket_directories=/srv -c dynamic_shared_memory_type=mmap >/srv/log 2>&1 & server=$!
      export PGHOST=/srv PGUSER=postgres PGPASSWORD="$1" PATH=$PATH:/usr/lib/postgresql/15/bin
      until psql -c 'select 1' >/dev/null 2>&1; do kill -0 $server || { cat /srv/log; exit 1; }; sleep 0.1; done
      pg_amcheck --heapallindexed --table t && psql -XAtqc 'select count(*) from t'; rc=$?; kill -KILL $server; wait; exit $rc`;
    rmSync(join(copy, 'data', 'postmaster.pid'), { force: true });
    const started = await runInImage(image, copy, ['env', `PATH=${image.path}`, 'sh', '-c', script, 'sh', PASSWORD]);
    expect(started).toMatchObject({ exitCode: 0 });
    expect(Number(started.stdout.trim())).toBeGreaterThanOrEqual(rows);
    pod.discard(copy);
    prove(name, 'copied at one instant', 'starts, pg_amcheck finds nothing, no row of before is missing');
    await ask('alter role agent nologin');
    const { exitCode, stderr } = await pod.hold().ended;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('postgres is not held')]);
    prove(name, 'failed pre hook', stderr.trim());
    pod.pod.killPod();
  });

  test('Redis: its dump is written anew', async ({ expect }) => {
    const name = 'redis';
    const pod = await QuiescedPod.start(cluster, name);
    await pod.ready('server', 'redis-cli', 'ping');
    await pod.ready('quiesce', 'test', '-p', '/quiesce/events');
    await pod.server('redis-cli', 'debug', 'populate', '20000').catch(() => '');
    for (let i = 0; i < 8; i += 1) pod.pod.exec('server', ['redis-cli', '-r', '-1', '-i', '0.005', 'incr', `counter-${i}`]);
    await until('it is written', async () => Number(await pod.server('redis-cli', 'get', 'counter-7')) > 20);
    await pod.server('redis-cli', 'set', 'before', 'the hook');
    await pod.server('redis-cli', 'bgsave');
    const asked = Date.now();
    expect(await pod.hold().ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('redis is prepared') });
    const copy = await pod.snapshot();
    // A file's time may be of the last tick of the kernel's clock.
    expect(statSync(join(copy, 'dump.rdb')).mtimeMs).toBeGreaterThan(asked - 10);
    prove(name, 'prepared', 'the dump is of after the hook began, although another one was being written; writes go on');
    const image = imageNamed(images, 'redis:7.0-bookworm');
    const script = `redis-check-rdb /srv/dump.rdb >/dev/null || exit 1
      redis-server --port 0 --unixsocket /srv/s --dir /srv --save '' >/srv/log & server=$!
      until redis-cli -s /srv/s ping | grep -q PONG; do sleep 0.1; done 2>/dev/null
      redis-cli -s /srv/s get before; kill -KILL $server; wait`;
    const started = await runInImage(image, copy, ['sh', '-c', script]);
    expect(started).toMatchObject({ stdout: 'the hook\n' });
    pod.discard(copy);
    prove(name, 'copied at one instant', 'the dump is sound, and a server starts from it');
    chmodSync(pod.volume, 0o555);
    const { exitCode, stderr } = await pod.hold().ended;
    chmodSync(pod.volume, 0o2775);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('the server could not write its dump')]);
    prove(name, 'failed pre hook', stderr.trim());
    pod.pod.killPod();
  });
});
