import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../random';
import { Cluster, type JobRun, type RunningPod } from '../../rehearsal';
import {
  expectUntouched,
  FAULT_SEED,
  FaultTable,
  failure,
  flipBit,
  type Holdings,
  holdings,
  lockSeries,
  truncate,
} from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { addVariables, request, resultOf, succeed, synthesize, until, untilIn } from '../support/rehearse';

// Every fault is planted for real, in the pods of synthesized YAML. Each must end non-zero, say one clear sentence, and leave
// the recovery points that were there before as they are, byte by byte; in the end the newest of them is verified.
// The table at the end says what was done, what the job said, and what was still restorable.

const NAMESPACE = 'faults';
const table = new FaultTable('faults');

let dist: string;
let cluster: Cluster;
let server: PostgresServer;
let server17: PostgresServer;
let restic: string;

beforeAll(async () => {
  const images = await imagesOfDist();
  restic = imageNamed(images, 'restic/restic:0.18.0').root;
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  server17 = await PostgresServer.start(imageNamed(images, 'postgres:17.11-trixie'), '17');
  for (const each of [server, server17]) each.client('createdb', ['app']);
  server.client('createdb', ['void']);
  // Random bytes: neither compression nor deduplication makes a full disk out of reach.
  server.query(
    'app',
    'create table noise as select i, md5(i::text || random()::text) || md5(random()::text) as v from generate_series(1, 250000) i; create table small (x int)',
  );
  server17.query('app', 'create table t (x int)');

  dist = synthesize('test/e2e/engines/postgres-faults/main.ts');
  // Runs that are killed here leave locks that are no more than seconds old when the next verifications come.
  addVariables(dist, { CHECK_MISSES: '1000' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const claim of ['files', 'restic']) cluster.claim(NAMESPACE, claim);
  cluster.service(NAMESPACE, 'db', server.address);
  cluster.service(NAMESPACE, 'db17', server17.address);
  cluster.service(NAMESPACE, 'vault', '127.0.0.1');
  secrets();
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await server17?.stop();
  if (dist) rmSync(dist, { recursive: true });
  table.print();
});

function secrets(): void {
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: server.password });
  cluster.secret(NAMESPACE, 'backup-key', { password: 'a key' });
}

describe.each(['files', 'restic'])('faults, into %s', kind => {
  let good: string;
  /** What the repository held before the test. */
  let before: Holdings;
  const run = (name: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
    cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });
  const backup = (onPod?: (pod: RunningPod) => void | Promise<void>) => run(`${kind}-backup`, onPod);

  beforeEach(() => {
    before = holdings(cluster.claim(NAMESPACE, kind));
  });

  /** The run must have failed, and said why; and the recovery points are as they were before the test. */
  async function failed(fault: string, faulty: Promise<JobRun>, says: RegExp): Promise<void> {
    const { reason } = failure(await faulty, says);
    expectUntouched(cluster.claim(NAMESPACE, kind), before);
    table.add(`${kind}: ${fault}`, reason, `${good}, and others, byte by byte as before`);
  }

  /** Acts while pg_dump is certainly under way, and not done. */
  async function duringDump(pod: RunningPod, act: () => unknown): Promise<void> {
    await untilIn(pod, 'pg_dump is running', () => pod.processes().some(argv => String(argv).includes('--snapshot')));
    await act();
  }

  async function holdTable() {
    const holder = server.background('psql', [
      '-X',
      '-d',
      'app',
      '-c',
      'begin; lock table pg_catalog.pg_transform in access exclusive mode; select pg_sleep(60)',
    ]);
    await until(
      'the table is held',
      () =>
        server.query('app', "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 'pg_transform'::regclass") ===
        '1',
    );
    return holder;
  }

  async function withTableHeld<T>(body: () => Promise<T>): Promise<T> {
    const holder = await holdTable();
    try {
      return await body();
    } finally {
      server.query(
        'postgres',
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
      );
      await holder.stop();
    }
  }

  test('a healthy backup, to have something to lose', async () => {
    const first = await succeed(backup(), 'published');
    good = (await succeed(backup(), 'published')).id;
    expect(good > first.id).toBe(true);
    expect((await succeed(run(`${kind}-verify`), 'verified')).id).toBe(good);
  });

  test('fails: wrong password of the database', async () => {
    cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: 'wrong' });
    const faulty = await backup();
    secrets();
    await failed('wrong password', Promise.resolve(faulty), /refuses this job, .*password authentication failed/);
  });

  test('fails: the Secret is missing', async () => {
    const bare = await Cluster.create({ manifests: [dist], images: await imagesOfDist() });
    try {
      bare.service(NAMESPACE, 'db', server.address);
      bare.claim(NAMESPACE, kind);
      bare.secret(NAMESPACE, 'backup-key', { password: 'a key' });
      const faulty = await bare.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${kind}-backup` });
      expect(faulty.succeeded).toBe(false);
      expect(faulty.log).toMatch(/CreateContainerConfigError: secret "db" not found/);
      table.add(
        `${kind}: missing Secret`,
        'CreateContainerConfigError: secret "db" not found (said by the kubelet)',
        'nothing was touched',
      );
    } finally {
      await bare.destroy();
    }
  });

  test('fails: the database server is killed in the middle of the dump', async () => {
    const holder = await holdTable();
    const faulty = await backup(pod => duringDump(pod, () => server.kill()));
    await holder.stop();
    await server.up();
    await failed(
      'server killed (SIGKILL) mid-dump',
      Promise.resolve(faulty),
      /storing app\.dump failed: .*(server closed the connection|terminating|connection)/,
    );
  });

  test('fails: pg_dump is killed', async () => {
    const faulty = withTableHeld(() => backup(pod => duringDump(pod, () => pod.kill('pg_dump'))));
    await failed('pg_dump killed (SIGKILL)', faulty, /storing app\.dump failed: .*pg_dump failed: killed by signal 9/);
  });

  test('fails: a dump that outlasts its deadline', async () => {
    const late = await withTableHeld(() => backup(pod => duringDump(pod, () => pod.passDeadline())));
    expect(late.reason).toBe('DeadlineExceeded');
    await failed('deadline passed mid-dump', Promise.resolve(late), /^told to stop .*: this run published nothing/);
  });

  test('fails: a chosen database is empty', async () => {
    await failed('empty database', run(`${kind}-empty-backup`), /^database "void" holds no table/);
  });

  test('fails: a chosen database does not exist', async () => {
    await failed('missing database', run(`${kind}-missing-backup`), /^there is no database "nowhere" on this server; it has: /);
  });

  test('fails: the server is newer than the client, and no retry is made', async () => {
    cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: server17.password });
    const faulty = await run(`${kind}-newer-server-backup`);
    secrets();
    expect(faulty.pods).toHaveLength(1);
    expect(faulty.reason).toBe('PodFailurePolicy');
    await failed(
      'client older than server',
      Promise.resolve(faulty),
      /^pg_dump 15 cannot dump a PostgreSQL 17 server: .*PostgresVersion\.V17/,
    );
  });

  test('fails: the dump has shrunk', async () => {
    server.query('app', 'begin; create table kept as select * from noise; truncate noise; commit');
    server.query('app', 'alter table kept rename to kept_; create schema away; alter table kept_ set schema away');
    server.query('postgres', 'alter database app rename to app_full');
    server.query('postgres', 'create database app');
    server.query('app', 'create table noise (i int, v text); create table small (x int)');
    const faulty = await backup();
    server.query('postgres', 'drop database app');
    server.query('postgres', 'alter database app_full rename to app');
    server.query('app', 'insert into noise select * from away.kept_; drop schema away cascade');
    await failed(
      'size drop',
      Promise.resolve(faulty),
      /^the dump has \d+ bytes, and \S+ had \d+: a drop of more than 50 %\. Nothing was published or pruned/,
    );
  });

  test('two runs at once: both end well, or the one that cannot says so; none disturbs the other', async () => {
    const runs = await Promise.all([backup(), backup()]);
    const published = runs.filter(each => each.succeeded).map(each => resultOf(each).id);
    expect(published.length).toBeGreaterThan(0);
    for (const each of runs.filter(run_ => !run_.succeeded)) expect(resultOf(each).reason).toMatch(/another run is still writing series/);
    good = published.sort().at(-1) ?? '';
    const verified = await succeed(run(`${kind}-verify`), 'verified');
    expect(published).toContain(verified.id);
    good = verified.id;
    table.add(
      `${kind}: two runs at once`,
      runs.map(each => resultOf(each).reason || resultOf(each).verdict).join('; '),
      `${verified.id}, verified after both`,
    );
  });

  test('fails: the repository is locked', async () => {
    const unlock = await lock(kind);
    const faulty = await backup();
    unlock();
    await failed(
      'repository locked',
      Promise.resolve(faulty),
      kind === 'files' ? /^another run is still writing series files/ : /still locked by another run after 4 s/,
    );
  });

  test('fails: restore of an unknown recovery point', async () => {
    request(cluster, NAMESPACE, kind, { recoveryPoint: '20010101T000000Z-aaaaa', into: 'fresh' });
    await failed('restore of an unknown id', run(`${kind}-restore`), /^series \S+ has no recovery point 20010101T000000Z-aaaaa; it has: /);
  });

  test('fails: restore into a target that holds something', async () => {
    request(cluster, NAMESPACE, kind, {});
    const rows = server.query('app', 'select count(*) from noise');
    await failed('restore into a non-empty target', run(`${kind}-restore`), /^database "app" holds 2 tables: nothing was changed/);
    expect(server.query('app', 'select count(*) from noise')).toBe(rows);
  });

  test('fails: pg_restore is killed; the target is as it was, and nothing is left over', async () => {
    request(cluster, NAMESPACE, kind, { replace: 'yes' });
    const rows = server.query('app', 'select count(*) from noise');
    const faulty = run(`${kind}-restore`, async pod => void (await pod.kill('pg_restore')));
    await failed('pg_restore killed (SIGKILL)', faulty, /restoring app\.dump failed/);
    expect(server.query('app', 'select count(*) from noise')).toBe(rows);
    expect(server.query('postgres', "select count(*) from pg_database where datname like 'restore_%'")).toBe('0');
  });

  test('a node is lost in the middle of a restore: the target is as it was, and the next restore brings the data back', async () => {
    request(cluster, NAMESPACE, kind, { replace: 'yes' });
    const rows = server.query('app', 'select count(*) from noise');
    const lost = await run(`${kind}-restore`, async pod => {
      await untilIn(pod, 'pg_restore is running', () => pod.processes().some(argv => String(argv).includes('pg_restore')));
      pod.killPod();
    });
    expect(lost.succeeded).toBe(false);
    expect(server.query('app', 'select count(*) from noise')).toBe(rows);

    const next = await run(`${kind}-restore`);

    await succeed(Promise.resolve(next), 'restored');
    const [, left = ''] = /WARNING: an interrupted restore left (\S+);/.exec(next.log) ?? [];
    expect(server.query('app', 'select count(*) from noise')).toBe(rows);
    const [old = ''] = server.query('postgres', "select datname from pg_database where datname like 'app_before_%'").split('\n');
    for (const each of [left, old]) server.client('dropdb', ['--force', each]);
    table.add(
      `${kind}: node lost in the middle of a restore`,
      'nothing (it was killed)',
      'the target was as before, and the next restore brought it back',
    );
  });

  test('fails: the scratch volume of a verification is full', async () => {
    const id = (await succeed(run(`${kind}-tight-backup`), 'published')).id;
    const faulty = await run(`${kind}-tight-verify`);
    expect(faulty.succeeded).toBe(false);
    expect(resultOf(faulty).reason, faulty.log).toMatch(/No space left on device|could not (write|extend)/);
    table.add(`${kind}: scratch full`, resultOf(faulty).reason, `${id}: not noted as verified`);
    expect(statusOf(`${kind}-tight`)).not.toContain('verified.json');
  });

  test('runs killed at random instants leave nothing that looks good, and the next run cleans up', async () => {
    const random = new Random(FAULT_SEED);
    const whole = (await succeed(backup(), 'published')).seconds * 1000 + 800;
    for (let kills = 0; kills < 2; kills += 1) {
      const after = random.below(whole);
      const killed = await backup(async pod => {
        await new Promise(resolve => setTimeout(resolve, after));
        pod.killEverything();
      });
      const verified = await succeed(run(`${kind}-verify`), 'verified');
      table.add(
        `${kind}: killed after ${after} ms`,
        killed.succeeded ? 'it had published already' : 'nothing (it was killed)',
        `${verified.id}, verified after the fault`,
      );
    }
    let pods = 0;
    const disrupted = await backup(async pod => {
      pods += 1;
      if (pods > 1) return;
      await untilIn(pod, 'pg_dump is running', () => pod.processes().some(argv => String(argv).includes('pg_dump')));
      pod.killPod();
    });
    good = (await succeed(Promise.resolve(disrupted), 'published')).id;
    expect(
      disrupted.pods.map(({ phase }) => phase),
      'a node that is lost uses up no retry',
    ).toEqual(['Failed', 'Succeeded']);
    table.add(`${kind}: node lost`, 'nothing (it was killed)', `${good}, by the next pod of the Job`);
    if (kind === 'files')
      expect(readdirSync(join(cluster.claim(NAMESPACE, kind), 'files')).filter(name => name.startsWith('.staging'))).toEqual([]);
    expect((await succeed(run(`${kind}-verify`), 'verified')).id).toBe(good);
  });

  describe('a recovery point that is damaged after it was written', () => {
    const victim = (): [file: string, at?: number] =>
      kind === 'files' ? [join(cluster.claim(NAMESPACE, kind), 'files', good, 'app.dump.zst')] : middleOfDump();

    test.each([
      ['truncated', truncate],
      ['with one bit flipped', flipBit],
    ])('fails: verification and restore of a payload that is %s', async (how, damage) => {
      const [file, at] = victim();
      copyFileSync(file, `${file}.copy`);
      execFileSync('chmod', ['u+w', file]);
      damage(file, at);
      request(cluster, NAMESPACE, kind, { recoveryPoint: good, into: 'fresh' });

      const verification = await run(`${kind}-verify`);
      const restore = await run(`${kind}-restore`);

      for (const each of [verification, restore]) {
        expect(each.succeeded, each.log).toBe(false);
        expect(resultOf(each).reason, each.log).toMatch(
          kind === 'files'
            ? /is damaged: app\.dump\.zst does not match its checksum/
            : /app\.dump of recovery point \S+ cannot be read: restic dump/,
        );
      }
      expect(server.query('postgres', "select count(*) from pg_database where datname in ('fresh') or datname like 'restore_%'")).toBe('0');
      execFileSync('mv', [`${file}.copy`, file]);
      execFileSync('chown', ['999:999', file]);
      await failed(`payload ${how}`, Promise.resolve(verification), /./);
    });
  });

  test('fails: the repository cannot be opened with what the job was given', async () => {
    if (kind === 'restic') {
      cluster.secret(NAMESPACE, 'backup-key', { password: 'wrong' });
      const faulty = await backup();
      secrets();
      await failed(
        'wrong repository password',
        Promise.resolve(faulty),
        /^the password of the restic repository at \/repository\/restic is wrong: check the Secret that holds it$/,
      );
    } else {
      const series = join(cluster.claim(NAMESPACE, kind), kind);
      execFileSync('chown', ['0:0', series]);
      execFileSync('chmod', ['0555', series]);
      const faulty = await backup();
      execFileSync('chown', ['999:999', series]);
      execFileSync('chmod', ['0700', series]);
      await failed('repository may not be written', Promise.resolve(faulty), /files\/\.staging-\S+ cannot be made: .*Permission denied/);
    }
  });

  test('fails: the repository volume is full; what was there stays, and there is room again', async () => {
    const small = await Cluster.create({ manifests: [dist], images: await imagesOfDist(), backoffSeconds: 0.1 });
    try {
      small.claim(NAMESPACE, kind, { sizeLimit: '15Mi', lostAndFound: false });
      small.service(NAMESPACE, 'db', server.address);
      small.secret(NAMESPACE, 'db', { username: 'postgres', password: server.password });
      small.secret(NAMESPACE, 'backup-key', { password: 'a key' });
      const first = await succeed(small.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${kind}-backup` }), 'published');
      server.query('app', 'update noise set v = md5(random()::text) || md5(v)');
      const faulty = await small.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${kind}-backup` });
      expect(faulty.succeeded, faulty.log).toBe(false);
      expect(resultOf(faulty).reason, faulty.log).toMatch(/storing app\.dump failed: .*No space left on device/i);
      const verified = await succeed(small.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${kind}-verify` }), 'verified');
      expect(verified.id).toBe(first.id);
      table.add(`${kind}: repository volume full`, resultOf(faulty).reason, `${verified.id}, verified after the fault`);
    } finally {
      await small.destroy();
    }
  });

  test('after all this the newest recovery point verifies', async () => {
    expect((await succeed(run(`${kind}-verify`), 'verified')).id).toBe(good);
  });

  /** What the repository holds of a series, by name. */
  function statusOf(series: string): string {
    if (kind === 'files') {
      const places = [series, `.state-${series}`].map(name => join(cluster.claim(NAMESPACE, kind), name));
      return places.flatMap(place => readdirSync(place, { recursive: true, encoding: 'utf8' })).join('\n');
    }
    return resticRun(['snapshots', '--json', '--host', series]);
  }

  /** restic on the machine itself, over the claim of the pods. */
  function resticOf(words: string[]): { command: string; args: string[]; env: NodeJS.ProcessEnv } {
    const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: join(cluster.claim(NAMESPACE, 'restic'), 'restic'), RESTIC_PASSWORD: 'a key' };
    return { command: join(restic, 'usr/bin/restic'), args: ['--no-cache', ...words], env };
  }

  function resticRun(words: string[]): string {
    const { command, args, env } = resticOf(words);
    return execFileSync(command, args, { env, encoding: 'utf8' });
  }

  /** A byte that the recovery point needs: a pack holds what other runs have stored, too, and a killed one what nobody needs. */
  function middleOfDump(): [file: string, at: number] {
    const json = (words: string[]) => JSON.parse(resticRun(['--no-lock', ...words]));
    const [snapshot] = json(['snapshots', '--json', '--path', `/${kind}@${good}@app.dump`]);
    const [{ content }] = json(['cat', 'blob', snapshot.tree]).nodes;
    const wanted = content[Math.floor(content.length / 2)];
    for (const index of resticRun(['--no-lock', 'list', 'index']).trim().split('\n')) {
      for (const { id, blobs } of json(['cat', 'index', index]).packs) {
        const blob = blobs.find((each: { id: string }) => each.id === wanted);
        const file = join(cluster.claim(NAMESPACE, kind), 'restic', 'data', id.slice(0, 2), id);
        if (blob) return [file, blob.offset + Math.floor(blob.length / 2)];
      }
    }
    throw new Error(`no pack holds ${wanted}`);
  }

  /** Another run that holds the repository and does not let go. */
  async function lock(which: string): Promise<() => void> {
    const directory = cluster.claim(NAMESPACE, which);
    if (which === 'files') return lockSeries(directory, 'files');
    const { command, args, env } = resticOf(['check', '--read-data']);
    const holder = spawn(command, args, { env, stdio: 'ignore' });
    const locks = join(directory, 'restic', 'locks');
    await until('the lock is there', () => readdirSync(locks).some(name => /^[0-9a-f]{64}$/.test(name)));
    // A lock of another pod would be the pods' own user's, too.
    execFileSync('chown', ['-R', '999:999', locks]);
    holder.kill('SIGSTOP');
    return () => {
      holder.kill('SIGKILL');
      resticRun(['unlock', '--remove-all']);
    };
  }
});

describe('a repository that cannot be reached', () => {
  test('fails: and says so within the time it was given', async () => {
    const started = Date.now();
    const faulty = await cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: 'unreachable-backup' });
    expect(faulty.succeeded).toBe(false);
    expect(resultOf(faulty).reason).toMatch(
      /^the restic repository at rest:http:\/\/vault:8000\/ could not be opened within 4 s: .*connection refused/,
    );
    expect(Date.now() - started).toBeLessThan(120_000);
    table.add('restic: repository unreachable', resultOf(faulty).reason, 'nothing was touched');
  });
});
