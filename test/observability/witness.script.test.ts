import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from '../shell/job';
import { inEachShell } from '../shell/shells';

// A witness over a repository of files that real scripts have written: what it serves is what the files say.

const IDENTITY = 'files:shop/"backups"/';
const TIMES = ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z'];
const ALL = { RETENTION: 'all' };

let job: Job;
let running: ChildProcess | undefined;
beforeEach(() => {
  job = new Job({ dump: 'put data.txt seq 1 1000; put more.txt echo more; fact rows 1', verify: 'fact rows 1' });
});
afterEach(async () => {
  if (running?.exitCode === null) {
    const ended = new Promise(done => running?.on('exit', done));
    running.kill('SIGTERM');
    await ended;
  }
  running = undefined;
  job.remove();
});

/** What a witness's pod has. */
function environment(more: { [name: string]: string } = {}): NodeJS.ProcessEnv {
  const given = job.environment();
  const home = String(given.BACKUP_HOME);
  for (const [name, folder] of [
    ['witness', 'lib/observability/witness'],
    ['listing', 'lib/repositories/files/witness'],
  ] as const) {
    rmSync(join(home, name), { force: true });
    symlinkSync(resolve(folder), join(home, name));
  }
  // The image ships a program of that name.
  const bin = join(job.directory, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'httpd'), '#!/bin/sh\nexec busybox httpd "$@"\n');
  chmodSync(join(bin, 'httpd'), 0o755);
  return {
    ...given,
    PATH: `${bin}:${process.env.PATH}`,
    SERIES: '',
    WITNESS_REPOSITORY: IDENTITY,
    WITNESS_EVERY: '1',
    WITNESS_TIMEOUT: '60',
    WITNESS_READ_SECONDS: '1',
    ...more,
  };
}

interface Look {
  readonly code: number | null;
  readonly log: string;
  readonly text: string;
  readonly values: { [sample: string]: number };
  readonly scratch: string;
}

/** One listing; `scratch` is that of an earlier one. */
function look(shell: string[], more: { [name: string]: string } = {}, scratch?: string): Look {
  const env = environment({ ...more, ...(scratch !== undefined && { SCRATCH: scratch }) });
  const [command = 'sh', ...args] = shell;
  const done = spawnSync(command, [...args, join(String(env.BACKUP_HOME), 'witness/look.sh')], { env, encoding: 'utf8' });
  const text = done.status === 0 ? readFileSync(join(String(env.SCRATCH), 'look.prom'), 'utf8') : '';
  return { code: done.status, log: done.stderr, text, values: valuesOf(text), scratch: String(env.SCRATCH) };
}

/** Samples by metric, without its prefix, and series. */
function valuesOf(text: string): { [sample: string]: number } {
  const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    samples.map(line => {
      const [, metric = '', labels = '', value = ''] = /^cdk8s_backup_(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
      const series = /series="([^"]*)"/.exec(labels)?.[1];
      return [series === undefined ? metric : `${metric} ${series}`, Number(value)];
    }),
  );
}

const manifest = (id: string, series = 'orders') => JSON.parse(readFileSync(join(job.repository, series, id, 'manifest.json'), 'utf8'));
const seconds = (time: string) => Math.floor(Date.parse(time) / 1000);

inEachShell('a witness of files, in %s', shell => {
  test('says of each series what the newest manifest and the note of its verification say', () => {
    job.backupsAt(TIMES);
    const { result } = job.run('backup', ALL);
    job.run('backup', { ...ALL, SERIES: 'users' });
    job.run('verify');
    const first = look(shell);
    expect(first.code, first.log).toBe(0);
    const { started, finished, bytes } = manifest(String(result.id));
    const note = JSON.parse(readFileSync(join(job.repository, 'orders', String(result.id), 'verified.json'), 'utf8'));
    expect(first.values).toMatchObject({
      repository_unreadable_entries: 0,
      'points orders': 4,
      'points users': 1,
      'damaged_points orders': 0,
      'future_points orders': 0,
      'unread_points orders': 0,
      'recovery_point_timestamp_seconds orders': seconds(started),
      'bytes orders': bytes,
      'duration_seconds orders': seconds(finished) - seconds(started),
      'verified_recovery_point_timestamp_seconds orders': seconds(started),
      'verified_timestamp_seconds orders': seconds(note.verified),
    });
    expect(first.values).not.toHaveProperty('verified_timestamp_seconds users');
    expect(first.text).toContain(`cdk8s_backup_points{engine="test",series="orders",repository="files:shop/\\"backups\\"/"} 4\n`);
    // Each metric is said once, all of its samples after it.
    const types = first.text.split('\n').flatMap(line => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
    expect(new Set(types).size).toBe(types.length);
    expect(first.text).not.toMatch(/# HELP \S+ ?\n/);
    const again = look(shell, {}, first.scratch);
    expect(again.text, again.log).toBe(first.text);
  });

  test('reads a manifest once, until something of its recovery point is another', () => {
    const [oldest = '', , newest = ''] = job.backupsAt(TIMES);
    const { scratch } = look(shell);
    const records = join(scratch, 'records');
    writeFileSync(records, readFileSync(records, 'utf8').replaceAll(' test ', ' remembered '));
    const { text } = look(shell, {}, scratch);
    expect(text).toContain('engine="remembered"');
    // What it remembers is no more than what is there.
    rmSync(join(job.repository, 'orders', oldest), { recursive: true });
    expect(look(shell, {}, scratch).values['points orders']).toBe(2);
    expect(readFileSync(records, 'utf8').trim().split('\n')).toHaveLength(2);
    writeFileSync(join(job.repository, 'orders', newest, 'manifest.json'), '{');
    expect(look(shell, {}, scratch).values).toMatchObject({ 'points orders': 1, 'damaged_points orders': 1 });
  });

  test.each<[string, (point: string) => void]>([
    ['torn', point => writeFileSync(join(point, 'manifest.json'), readFileSync(join(point, 'manifest.json')).subarray(0, -3))],
    ['missing', point => rmSync(join(point, 'manifest.json'))],
    [
      'changed',
      point => {
        const file = join(point, 'manifest.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('"bytes":', '"bytes":9'));
      },
    ],
    ['there, with a member less', point => rmSync(join(point, 'more.txt.gz'))],
    ['there, with a member that was cut', point => writeFileSync(join(point, 'data.txt.gz'), 'x')],
    ['there, without sums', point => rmSync(join(point, 'SHA256SUMS'))],
    ['there, in the directory of another', point => renameSync(point, point.replace('20260103T000000Z', '20260104T000000Z'))],
  ])('counts a recovery point as none whose manifest is %s', (_, damage) => {
    const [, middle = '', newest = ''] = job.backupsAt(TIMES);
    const before = look(shell);
    expect(before.values['recovery_point_timestamp_seconds orders']).toBe(seconds(manifest(newest).started));
    damage(join(job.repository, 'orders', newest));
    for (const { code, log, values } of [look(shell), look(shell, {}, before.scratch)]) {
      expect(code, log).toBe(0);
      expect(values).toMatchObject({
        'points orders': 2,
        'damaged_points orders': 1,
        'recovery_point_timestamp_seconds orders': seconds(manifest(middle).started),
      });
    }
  });

  test('takes what is being made, what is being removed and what lies about for no recovery point', () => {
    const [, , newest = ''] = job.backupsAt(TIMES);
    const series = join(job.repository, 'orders');
    for (const name of ['.staging-20260104T000000Z-aaaaa', '.deleting-20260105T000000Z-aaaaa', '20260106T000000Z-aaaaa.old', 'notes'])
      cpSync(join(series, newest), join(series, name), { recursive: true });
    mkdirSync(join(job.repository, 'lost+found'), { mode: 0 });
    mkdirSync(join(job.repository, 'empty'));
    const { values, log, code } = look(shell);
    expect(code, log).toBe(0);
    expect(values).toMatchObject({ 'points orders': 3, 'damaged_points orders': 0, 'points empty': 0 });
    expect(Object.keys(values).filter(name => name.includes('lost'))).toEqual([]);
  });

  test('shows recovery points of the future, and takes none of them for the newest', () => {
    const [, , newest = ''] = job.backupsAt([...TIMES.slice(0, 2), '20260103T000000Z']);
    job.backupsAt(['29990101T000000Z']);
    expect(look(shell).values).toMatchObject({
      'points orders': 3,
      'future_points orders': 1,
      'future_recovery_point_timestamp_seconds orders': seconds('2999-01-01T00:00:00Z'),
      'recovery_point_timestamp_seconds orders': seconds(manifest(newest).started),
    });
  });

  test('believes no note of a verification that is torn, nor one of a recovery point that is gone', () => {
    const [, middle = '', newest = ''] = job.backupsAt(TIMES);
    const notes = join(job.repository, '.state-orders');
    mkdirSync(notes, { recursive: true });
    const note = (id: string) => `{\n"id":"${id}",\n"verified":"2026-01-05T00:00:00Z",\n"restoreSeconds":7\n}\n`;
    writeFileSync(join(notes, `${middle}.verified.json`), note(middle));
    writeFileSync(join(notes, `${newest}.verified.json`), note(newest).slice(0, -3));
    writeFileSync(join(notes, '20260104T000000Z-aaaaa.verified.json'), note('20260104T000000Z-aaaaa'));
    const first = look(shell);
    expect(first.log).toContain(`recovery point ${newest} of series orders was verified cannot be read: it counts as not verified`);
    expect(first.values).toMatchObject({
      'verified_recovery_point_timestamp_seconds orders': seconds(manifest(middle).started),
      'verified_timestamp_seconds orders': seconds('2026-01-05T00:00:00Z'),
      'restore_seconds orders': 7,
    });
    // It may be verified again.
    writeFileSync(join(notes, `${newest}.verified.json`), note(newest).replace('7', 'null').replace('2026-01-05', '2028-02-29'));
    const { values } = look(shell, {}, first.scratch);
    expect(values).toMatchObject({ 'verified_timestamp_seconds orders': seconds('2028-02-29T00:00:00Z') });
    expect(values).not.toHaveProperty('restore_seconds orders');
  });

  test('says until when a log is stored, by what its batches say', () => {
    job.engine({ dump: 'put data.txt echo data; fact rows 1; about until "2026-01-02T10:00:00.5Z"' });
    job.run('backup', { ...ALL, SERIES: 'orders-log' });
    job.engine({ dump: 'put data.txt echo data; fact rows 1' });
    job.run('backup', { ...ALL, SERIES: 'orders' });
    expect(look(shell).values).toMatchObject({
      'log_timestamp_seconds orders': seconds('2026-01-02T10:00:00Z'),
      'points orders': 1,
      'points orders-log': 1,
    });
  });

  test('fails where the repository cannot be read, and says why', () => {
    job.backupsAt(TIMES);
    const { code, log } = look(shell, { REPOSITORY_PATH: join(job.directory, 'nowhere') });
    expect(code).toBe(1);
    expect(log).toMatch(/the repository could not be listed: .*nowhere.* cannot be read/);
  });

  test.each(['awk', 'sort', 'find', 'sha256sum'])('says the same, or that it failed, where a call of %s is killed', program => {
    job.backupsAt(TIMES);
    job.run('verify');
    const whole = look(shell);
    expect(whole.code, whole.log).toBe(0);
    const real = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
    const calls = join(job.directory, 'calls');
    writeFileSync(
      join(job.directory, 'bin', program),
      `#!/bin/sh\necho x >>'${calls}'\n[ "$(wc -l <'${calls}')" != "$KILLED" ] || kill -KILL $$\nexec ${real} "$@"\n`,
    );
    chmodSync(join(job.directory, 'bin', program), 0o755);
    let failures = 0;
    for (let call = 1; ; call += 1) {
      writeFileSync(calls, '');
      // A look at what is new, each time.
      const scratch = join(job.directory, `killed-${call}`);
      mkdirSync(scratch);
      const { code, text } = look(shell, { KILLED: String(call) }, scratch);
      if (code === 0) expect(text, `call ${call} of ${program}`).toBe(whole.text);
      else failures += 1;
      const made = readFileSync(calls, 'utf8').split('\n').length - 1;
      if (made >= call) continue;
      // busybox' shell asks its own.
      if (made > 0) expect(failures).toBeGreaterThan(0);
      break;
    }
  });

  test('writes nothing into the repository', () => {
    job.backupsAt(TIMES);
    const state = () => spawnSync('find', [job.repository, '-printf', '%p %s %T@ %i\\n'], { encoding: 'utf8' }).stdout;
    const before = state();
    expect(look(shell).code).toBe(0);
    expect(state()).toBe(before);
  });
});

/** A port that nobody listens on. */
function freePort(): Promise<number> {
  return new Promise(done => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 100_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise(done => setTimeout(done, 50));
  }
}

inEachShell('what a witness serves, in %s', shell => {
  let port: number;
  let log: string;
  const start = async (more: { [name: string]: string } = {}, prepare: (env: NodeJS.ProcessEnv) => void = () => {}) => {
    port = await freePort();
    log = '';
    const env = environment({ WITNESS_PORT: String(port), ...more });
    prepare(env);
    const [command = 'sh', ...args] = shell;
    running = spawn(command, [...args, join(String(env.BACKUP_HOME), 'witness/witness.sh')], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    running.stderr?.on('data', data => {
      log += data;
    });
  };
  const served = async () => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      const text = await response.text();
      return { status: response.status, type: response.headers.get('content-type'), text, values: valuesOf(text) };
    } catch {
      return undefined;
    }
  };
  const servedWith = (what: string, holds: (values: { [sample: string]: number }) => boolean) =>
    until(what, async () => {
      const answer = await served();
      return answer && holds(answer.values) ? answer : undefined;
    });

  test('is what the last good look found, with its age, in the format that Prometheus takes', async () => {
    job.backupsAt(TIMES);
    const before = Math.floor(Date.now() / 1000);
    await start();
    const { status, type, values } = await servedWith('the repository is listed', ({ repository_up }) => repository_up === 1);
    expect([status, type]).toEqual([200, 'text/plain;version=0.0.4']);
    expect(values).toMatchObject({ 'points orders': 3, witness_interval_seconds: 1 });
    expect(values.repository_listed_timestamp_seconds).toBeGreaterThanOrEqual(before);

    // The store goes, and comes back.
    renameSync(job.repository, `${job.repository}.gone`);
    const gone = await servedWith('the store is gone', ({ repository_up }) => repository_up === 0);
    expect(gone.values['points orders']).toBe(3);
    const { repository_listed_timestamp_seconds: listed = 0 } = gone.values;
    await until('it has tried again', async () => (log.match(/could not be listed/g) ?? []).length > 1 || undefined);
    expect((await served())?.values.repository_listed_timestamp_seconds).toBe(listed);
    renameSync(`${job.repository}.gone`, job.repository);
    rmSync(join(job.repository, 'orders', readdirSync(join(job.repository, 'orders')).filter(name => /^\d/.test(name))[0] ?? ''), {
      recursive: true,
    });
    const back = await servedWith('the store is back', ({ repository_up }) => repository_up === 1);
    expect(back.values['points orders']).toBe(2);
    expect(back.values.repository_listed_timestamp_seconds).toBeGreaterThan(listed);
  });

  test('is nothing but that the repository is not listed, where it hangs; and what it held, where it hangs later', async () => {
    const [oldest = ''] = job.backupsAt(TIMES);
    const hangs = join(job.directory, 'hangs');
    const listing = join(job.directory, 'listing.sh');
    const original = readFileSync('lib/repositories/files/witness/witness.sh', 'utf8');
    writeFileSync(listing, `${original}\nfind() { if [ -e '${hangs}' ]; then sleep 1000; else command find "$@"; fi; }\n`);
    writeFileSync(hangs, '');
    await start({ WITNESS_TIMEOUT: '6' }, ({ BACKUP_HOME: home = '', SCRATCH: scratch = '' }) => {
      rmSync(join(home, 'listing'));
      mkdirSync(join(home, 'listing'));
      symlinkSync(listing, join(home, 'listing/witness.sh'));
      symlinkSync(resolve('lib/repositories/files/witness/files.awk'), join(home, 'listing/files.awk'));
      // What another container has left is of nobody knows when.
      writeFileSync(join(scratch, 'good.prom'), 'cdk8s_backup_points{series="orders"} 9\n');
    });
    const { values } = await servedWith('it serves', () => true);
    expect(values).toEqual({ repository_up: 0, witness_interval_seconds: 1 });
    rmSync(hangs);
    await until('it was given up', async () => log.includes('did not answer within 6 s') || undefined);
    await servedWith('the repository answers', ({ repository_up }) => repository_up === 1);
    writeFileSync(hangs, '');
    rmSync(join(job.repository, 'orders', oldest), { recursive: true });
    const later = await servedWith('it hangs again', ({ repository_up }) => repository_up === 0);
    expect(later.values).toMatchObject({ 'points orders': 3 });
  });

  test('ends when its server ends, and leaves no process when it is told to end', async () => {
    await start({ WITNESS_EVERY: '100' });
    await servedWith('it serves', ({ repository_up }) => repository_up === 1);
    const other = running;
    await start({ WITNESS_PORT: String(port) });
    // Its port is taken.
    await until('it has ended', async () => running?.exitCode ?? undefined);
    expect(running?.exitCode).toBe(1);
    expect(log).toContain('httpd has ended');
    running = other;
    other?.kill('SIGTERM');
    await until('the other has ended', async () => other?.exitCode ?? undefined);
    expect(other?.exitCode).toBe(0);
  });
});

describe.skipIf(spawnSync('promtool', ['--version']).status !== 0)('promtool', () => {
  test('finds nothing wrong with what is served', () => {
    job.backupsAt(TIMES);
    job.run('backup', { ...ALL, SERIES: 'orders-log' });
    job.run('verify');
    const own = spawnSync('awk', ['-f', 'lib/observability/witness/own.awk'], {
      encoding: 'utf8',
      env: {
        ...process.env,
        WITNESS_REPOSITORY: IDENTITY,
        WITNESS_UP: '1',
        WITNESS_LISTED: '1',
        WITNESS_TOOK: '0.25',
        WITNESS_EVERY: '300',
      },
    });
    const done = spawnSync('promtool', ['check', 'metrics'], { input: own.stdout + look(['sh']).text, encoding: 'utf8' });
    expect([done.status, done.stdout + done.stderr]).toEqual([0, '']);
  });
});
