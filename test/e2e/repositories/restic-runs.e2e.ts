import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun, type RunningPod } from '../../rehearsal';
import { Job } from '../../shell/job';
import { FaultTable, failure } from '../support/faults';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { addVariables, request, resultOf, succeed, synthesize, until, untilIn } from '../support/rehearse';
import { RestServer } from '../support/rest-server';

// Runs of a restic repository that meet each other: one that was killed and left its lock, one that holds it and lives, and two
// that find no repository and begin to make one.

const NAMESPACE = 'restic';
const DEAD_AFTER = 3;
const table = new FaultTable('restic runs');

let cluster: Cluster;
let server: PostgresServer;
let vault: RestServer;
let dist: string;
let program: string;

beforeAll(async () => {
  const images = await imagesOfDist();
  program = join(imageNamed(images, 'restic/restic:0.18.0').root, 'usr/bin/restic');
  server = await PostgresServer.start(imageNamed(images, 'postgres:15.19-bookworm'), '15');
  server.client('createdb', ['notes']);
  server.query('notes', "create table note (text text); insert into note select 'note ' || i from generate_series(1, 1000) i");
  dist = synthesize('test/e2e/repositories/restic/main.ts');
  // Minutes that a test does not have.
  addVariables(dist, { LOCK_DEAD_AFTER: String(DEAD_AFTER), INIT_SPREAD: '10', INIT_SETTLE: '3' });
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  for (const claim of ['notes', 'found', 'volume-1', 'volume-2', 'made-twice']) cluster.claim(NAMESPACE, claim);
  cluster.service(NAMESPACE, 'db', server.address);
  cluster.secret(NAMESPACE, 'db', { username: 'postgres', password: server.password });
  vault = await RestServer.start();
  cluster.host('vault.example', vault.address);
  cluster.secret(NAMESPACE, 'vault', { username: vault.username, password: vault.password });
  cluster.secret(NAMESPACE, 'key', { password: 'a key' });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await vault?.stop();
  if (dist) rmSync(dist, { recursive: true });
  table.print();
});

const backup = (series: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: `${series}-backup` }, { onPod });
const repository = (place: string) =>
  place.startsWith('server') ? join(vault.directory, place) : join(cluster.claim(NAMESPACE, place), 'restic');
const filesBelow = (directory: string) => readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
/** Those that are written: before, they have other names. */
const locks = (claim: string) => readdirSync(join(repository(claim), 'locks')).filter(name => /^[0-9a-f]{64}$/.test(name));

function restic(claim: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: repository(claim), RESTIC_PASSWORD: 'a key' };
  return execFileSync(program, ['--no-cache', ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The recovery points that are whole. */
function points(claim: string): string[] {
  const snapshots: { paths: string[] }[] = JSON.parse(restic(claim, 'snapshots', '--json', '--no-lock'));
  return snapshots.map(({ paths }) => paths[0] ?? '').filter(path => path.endsWith('@manifest.json'));
}

/** Another host that holds the repository for itself alone, and does not let go; returns how to end it. */
async function hold(claim: string, host: string): Promise<ChildProcess> {
  const before = locks(claim).length;
  const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: repository(claim), RESTIC_PASSWORD: 'a key' };
  const script = 'hostname "$1"; shift; exec "$@"';
  const holder = spawn('unshare', ['--uts', 'sh', '-c', script, 'sh', host, program, '--no-cache', 'check', '--read-data'], {
    env: { ...env, TZ: 'UTC' },
    stdio: 'ignore',
  });
  await until('the lock is there', () => locks(claim).length > before);
  holder.kill('SIGSTOP');
  execFileSync('chown', ['-R', '999:999', join(repository(claim), 'locks')]);
  return holder;
}

async function end(holder: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise(resolve => holder.once('exit', resolve));
  holder.kill('SIGCONT');
  holder.kill(signal);
  await ended;
}

const pause = (seconds: number) => new Promise(resolve => setTimeout(resolve, seconds * 1000));

describe('locks', () => {
  /** A run that publishes, and is killed while it prunes, with the repository locked for itself alone. */
  async function killedWhilePruning(): Promise<JobRun> {
    const run = await backup('notes', async pod => {
      await untilIn(pod, 'it prunes', () => pod.processes().some(argv => argv.includes('prune')) && locks('notes').length > 0);
      pod.killEverything();
    });
    expect(run.succeeded).toBe(false);
    expect(JSON.parse(restic('notes', 'cat', 'lock', locks('notes')[0] ?? '', '--no-lock'))).toMatchObject({ exclusive: true });
    return run;
  }

  test('the exclusive lock of a pod that was killed while it pruned is removed by the next run of its CronJob, once it is old enough', async () => {
    await succeed(backup('notes'), 'published');
    const killed = await killedWhilePruning();

    const next = await backup('notes');

    await succeed(Promise.resolve(next), 'published');
    expect(next.log).toMatch(/removed 1 locks of the repository .* all of earlier pods of notes-backup, which are gone: notes-backup-\d+-/);
    expect(next.log).toContain(killed.pods[0]?.name);
    expect(next.log).not.toContain('WARNING: pruning');
    expect(resultOf(next).reason).toMatch(/^an earlier run of this job was cut short, .*: pod notes-backup-\d+-\S+ left a lock from /);
    expect({ locks: locks('notes'), points: points('notes').length }).toEqual({ locks: [], points: 1 });
    table.add('killed while pruning', 'removed 1 locks, all of earlier pods of notes-backup', 'the next run published and pruned');
  });

  test('the lock of another host is waited for and stays, however old it is; a restore reads beside it; given back, it costs nothing', async () => {
    const holder = await hold('notes', 'users-backup-29000000-abcde');
    await pause(DEAD_AFTER);
    const { reason } = failure(
      await backup('notes'),
      /^the restic repository is still locked by another run after 6 s: users-backup-29000000-abcde since \S+Z \(exclusive\)$/,
    );
    expect(locks('notes')).toHaveLength(1);
    table.add('an exclusive lock of another CronJob', reason, 'the lock stayed');

    request(cluster, NAMESPACE, 'notes', { into: 'beside' });
    const restore = await cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name: 'notes-restore' });
    await succeed(Promise.resolve(restore), 'restored');
    expect(restore.log).toMatch(/reading in spite of locks .*: users-backup-29000000-abcde since/);
    expect(server.query('beside', 'select count(*) from note')).toBe('1000');
    expect(locks('notes')).toHaveLength(1);

    const waiting = backup('notes', async pod => {
      await untilIn(pod, 'it waits', () => pod.processes().some(argv => argv.includes('snapshots') && !argv.includes('0s')));
      await end(holder, 'SIGTERM');
    });
    expect((await succeed(waiting, 'published')).reason).toBe('');
  });

  test('fails: a lock that is not dead protects one beside it that is', async () => {
    const holders = [await hold('notes', 'notes-backup-29000000-abcde')];
    // restic itself would not lock beside it: the lock is put away for that long.
    const place = join(repository('notes'), 'locks');
    const [dead = ''] = locks('notes');
    renameSync(join(place, dead), join(repository('notes'), dead));
    holders.push(await hold('notes', 'somebody'));
    renameSync(join(repository('notes'), dead), join(place, dead));
    await pause(DEAD_AFTER);
    failure(await backup('notes'), /somebody since \S+ \(exclusive\)/);
    expect(locks('notes')).toHaveLength(2);
    for (const holder of holders) await end(holder, 'SIGKILL');
  });

  test('one that restic itself calls stale, of a process of this host that is no more, is removed at once', async () => {
    const job = new Job({ dump: 'put data.txt seq 1 20; fact rows 20' }, join(program, '..'));
    const mine = { POD_NAME: hostname(), INIT_SPREAD: '0', INIT_SETTLE: '0' };
    try {
      expect(job.run('backup', mine).result.verdict).toBe('published');
      const place = join(job.repository, 'restic');
      const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: place, RESTIC_PASSWORD: 'a key' };
      const child = spawn(program, ['--no-cache', 'check', '--read-data'], { env, stdio: 'ignore' });
      await until('the lock is there', () => readdirSync(join(place, 'locks')).some(name => /^[0-9a-f]{64}$/.test(name)));
      await end(child, 'SIGKILL');
      const { result, log } = job.run('backup', { ...mine, REPOSITORY_WAIT: '3' });
      expect(result.verdict, log).toBe('published');
      expect(log).toMatch(/removed 1 locks of the repository that restic calls stale; there were: .* \(exclusive\)/);
    } finally {
      job.remove();
    }
  });
});

describe('a repository that is not there', () => {
  test.each(['volume-1', 'volume-2', 'server-1', 'server-2', 'server-3'])(
    'is made once by two runs that begin at once, or both refuse, and nothing is stored in what cannot be opened: %s',
    async round => {
      const runs = await Promise.all([backup(`left-${round}`), backup(`right-${round}`)]);
      const keys = readdirSync(join(repository(round), 'keys')).length;
      if (round.startsWith('volume') || runs.every(run => run.succeeded)) {
        for (const run of runs) await succeed(Promise.resolve(run), 'published');
        expect(keys).toBe(1);
        expect(points(round)).toHaveLength(2);
        expect(restic(round, 'check', '--read-data')).toContain('no errors were found');
      } else {
        for (const run of runs)
          expect(resultOf(run).reason, run.log).toMatch(/^two runs created the restic repository .* at the same time/);
        expect(filesBelow(join(repository(round), 'snapshots'))).toEqual([]);
      }
      table.add(`two first runs, ${round}`, runs.map(run => resultOf(run).verdict).join(', '), `${keys} keys`);
    },
  );

  test('fails: one that two runs have made is refused, by every run, and nothing is stored in it', async () => {
    const place = repository('made-twice');
    restic('made-twice', 'init');
    mkdirSync(`${place}-other`);
    execFileSync(program, ['-r', `${place}-other`, '--no-cache', 'init'], {
      env: { PATH: process.env.PATH, RESTIC_PASSWORD: 'a key' },
      stdio: 'ignore',
    });
    for (const key of readdirSync(join(`${place}-other`, 'keys'))) cpSync(join(`${place}-other`, 'keys', key), join(place, 'keys', key));
    execFileSync('chown', ['-R', '999:999', place]);
    for (const series of ['left-made-twice', 'right-made-twice']) {
      const run = await backup(series);
      expect(run.succeeded).toBe(false);
      const { reason } = resultOf(run);
      expect(reason).toMatch(
        /delete its file keys\/[0-9a-f]{64}, which does not open it|two runs created it at the same time: it is empty, so delete it/,
      );
      table.add('a repository that two runs have made', reason, 'nothing was stored in it');
    }
    expect(filesBelow(join(place, 'snapshots'))).toEqual([]);
  });

  test('fails: where one was said to exist, none is made', async () => {
    const { reason } = failure(await backup('found'), /^there is no restic repository at \/repository\/restic, and none is created here/);
    expect(existsSync(repository('found'))).toBe(false);
    table.add('no repository where one was said to exist', reason, 'nothing was made');

    restic('found', 'init');
    execFileSync('chown', ['-R', '999:999', repository('found')]);
    await succeed(backup('found'), 'published');
  });
});
