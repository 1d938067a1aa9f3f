import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AWKS } from './awk';
import { Job } from './job';
import { inEachShell } from './shells';

const SAMPLE = {
  dump: 'put data.txt printf "%s" "$(seq 1 200)"; fact rows 200; about server 1.0',
  verify: 'get data.txt >data; fact rows "$(wc -w <data | tr -d " ")"; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
  restore: 'get data.txt >"$SCRATCH/../restored" || die "$(repository_reason)"',
};

/** A time as in an id. */
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().replace(/[-:]|\.\d+/g, '');

let job: Job;
beforeEach(() => {
  job = new Job(SAMPLE);
});
afterEach(() => job.remove());

inEachShell('in %s', shell => {
  test('what is backed up is verified and restored', () => {
    const backup = job.run('backup', {}, shell);
    expect(backup.result, backup.log).toMatchObject({
      what: 'backup',
      series: 'orders',
      verdict: 'published',
      reason: '',
      restoreSeconds: null,
    });
    const verification = job.run('verify', {}, shell);
    expect(verification.result, verification.log).toMatchObject({ verdict: 'verified', id: backup.result.id });
    const restore = job.run('restore', {}, shell);
    expect(restore.result, restore.log).toMatchObject({ verdict: 'restored', id: backup.result.id });
    expect(readFileSync(join(job.directory, 'restored'), 'utf8').split('\n')).toHaveLength(200);
  });

  test('a dump that fails publishes nothing, and says why', () => {
    job.engine({ dump: 'put data.txt sh -c "echo half; echo the server went away >&2; exit 3"; fact rows 1' });
    const { code, result } = job.run('backup', {}, shell);
    expect(code).toBe(1);
    expect(result).toMatchObject({ verdict: 'failed', reason: 'storing data.txt failed: the server went away' });
    expect(readdirSync(join(job.repository, 'orders')).filter(name => name !== '.writing')).toEqual([]);
  });
});

async function appears(name: string): Promise<void> {
  const until = Date.now() + 20_000;
  while (!existsSync(join(job.directory, name))) {
    if (Date.now() > until) throw new Error(`${name} did not appear`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** A backup that is told to stop as soon as a file is there. */
async function stopped(name: string, different: { [name: string]: string } = {}) {
  const env = job.environment(different);
  const child = spawn('sh', [join(job.directory, 'home/shell/run.sh'), 'backup'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', chunk => {
    out += chunk;
  });
  await appears(name);
  child.kill('SIGTERM');
  const code = await new Promise(resolve => child.once('exit', resolve));
  return { code, result: JSON.parse(out) };
}

/** The sessions that a process has begun, as process groups. */
function sessionsOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        return readFileSync(`/proc/${name}/stat`, 'utf8').replace(/.*\) /, '').split(' ')[1] === String(pid);
      } catch {
        return false;
      }
    })
    .map(name => -Number(name));
}

describe('the verdict', () => {
  test('is one JSON line of the same shape, whatever the reason holds', () => {
    job.engine({ dump: String.raw`refuse 'a "quoted" \ reason	with a tab, ünïcode'` });
    const { code, result } = job.run('backup');
    expect(code).toBe(78);
    expect(Object.keys(result)).toEqual(['what', 'series', 'id', 'bytes', 'seconds', 'restoreSeconds', 'verdict', 'reason']);
    expect(result.reason).toBe('a "quoted" \\ reason with a tab, ünïcode');
  });

  test('says beside a good word what it does not cover: of the backup, of its verification and of its restore', () => {
    job.engine({ dump: `${SAMPLE.dump}; caveat 'table "odd\\name", left out'; caveat 'one more'` });
    const backup = job.run('backup');
    expect(backup.result, backup.log).toMatchObject({ verdict: 'published', reason: 'table "odd\\name", left out; one more' });
    for (const [operation, verdict] of [
      ['verify', 'verified'],
      ['restore', 'restored'],
    ] as const) {
      const { id } = backup.result;
      const reason = `recovery point ${id}: table "odd\\name", left out; recovery point ${id}: one more`;
      expect(job.run(operation).result).toMatchObject({ verdict, reason });
    }
    job.engine(SAMPLE);
    expect(job.run('backup').result, 'the next run is another one').toMatchObject({ verdict: 'published', reason: '' });
  });

  test('takes the line that is an error, not the hint after it', () => {
    job.engine({ dump: `put data.txt sh -c 'printf "tool: ERROR: no room\\nHINT: make some\\n" >&2; exit 1'; fact rows 1` });
    expect(job.run('backup').result.reason).toBe('storing data.txt failed: tool: ERROR: no room');
  });

  test('stays JSON when the reason is cut', () => {
    job.engine({ dump: `refuse '${'ж"'.repeat(1000)}'` });
    const { reason } = job.run('backup').result;
    expect(reason).toMatch(/^(ж")+ж?\.\.\.$/);
  });

  test('is failed also when a script dies without a word', () => {
    job.engine({ dump: 'kill -9 $$' });
    expect(job.run('backup').result).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/ended with exit code \d+ without giving a reason/),
    });
  });

  test('of a run that is told to stop says so, at once, and the dump is stopped too', async () => {
    job.engine({ dump: 'put data.txt sh -c "echo $$ >\\"$SCRATCH/../pid\\"; exec sleep 60"; fact rows 1' });
    const child = spawn('sh', [join(job.directory, 'home/shell/run.sh'), 'backup'], {
      env: job.environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let out = '';
    child.stdout.on('data', chunk => {
      out += chunk;
    });
    while (!existsSync(join(job.directory, 'pid'))) await new Promise(resolve => setTimeout(resolve, 20));
    const started = Date.now();
    child.kill('SIGTERM');
    await new Promise(resolve => child.once('exit', resolve));
    // Much less than the dump would have slept.
    expect(Date.now() - started).toBeLessThan(30_000);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(
        /^told to stop \(a deadline passed, or the pod was deleted, drained or evicted: .*this run published nothing/,
      ),
    });
    expect(job.points()).toEqual([]);
  });

  test('of a run that is told to stop while it prunes is that it has published', async () => {
    const shim = join(job.directory, 'awk');
    writeFileSync(
      shim,
      `#!/bin/sh\ncase "$*" in *retention.awk*) : >"${job.directory}/pruning"; sleep 60 ;; esac\nexec /usr/bin/awk "$@"\n`,
      { mode: 0o755 },
    );
    const env = { ...job.environment(), PATH: `${job.directory}:${process.env.PATH}` };
    const child = spawn('sh', [join(job.directory, 'home/shell/run.sh'), 'backup'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.on('data', chunk => {
      out += chunk;
    });
    while (!existsSync(join(job.directory, 'pruning'))) await new Promise(resolve => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    const code = await new Promise(resolve => child.once('exit', resolve));
    const result = JSON.parse(out);
    expect({ code, ...result }).toMatchObject({
      ...{ code: 0, verdict: 'published' },
      reason: 'the recovery point is published, but the steps after that did not finish, as the run was told to stop: the next run prunes',
    });
    expect(job.points()).toEqual([result.id]);
  });

  test('of a run that is told to stop while it publishes claims neither that it has nor that it has not', async () => {
    const shim = join(job.directory, 'sync');
    writeFileSync(shim, `#!/bin/sh\n[ ! -s "$SCRATCH/outcome/publishing" ] || { : >"${job.directory}/publishing"; sleep 60; }\n`, {
      mode: 0o755,
    });
    const { code, result } = await stopped('publishing', { PATH: `${job.directory}:${process.env.PATH}` });
    expect({ code, ...result }).toMatchObject({
      code: 143,
      verdict: 'failed',
      reason: expect.stringMatching(/it was publishing: .*as a whole or not at all/),
    });
  });

  test('of a run that is told to stop is no refusal, whatever the operation makes of the signal', async () => {
    job.engine({ dump: `trap 'refuse "the dump is empty"' TERM; : >"${job.directory}/dumping"; sleep 60 & wait` });
    const { code, result } = await stopped('dumping');
    expect({ code, ...result }).toMatchObject({ code: 143, reason: expect.stringMatching(/^told to stop/) });
  });

  test('fits into what is kept of a termination message, to the byte', () => {
    job.engine({ dump: `refuse '${'€'.repeat(5000)}'` });
    for (const VERDICT_BYTES of ['', '1500', '1501', '1502']) {
      const { line, result } = job.run('backup', { VERDICT_BYTES });
      const most = Number(VERDICT_BYTES || 4096);
      expect(Buffer.byteLength(line) + 1).toBeLessThanOrEqual(most);
      expect(Buffer.byteLength(line) + 1).toBeGreaterThan(most - 4);
      expect(result.reason).toMatch(/^€+\.\.\.$/);
    }
  });

  inEachShell('in %s', shell => {
    // The awk and the shell do not know of each other: one shell has them all.
    test.each((shell[0] === 'dash' ? AWKS : AWKS.slice(0, 1)).map(awk => awk.join(' ')))('is cut between characters, with %s', awk => {
      writeFileSync(join(job.directory, 'awk'), `#!/bin/sh\nexec ${awk} "$@"\n`, { mode: 0o755 });
      const texts = ['ü', '€', '😀', '\\', 'a"€\\😀'].map(text => text.repeat(40));
      for (const [i, text] of texts.entries()) writeFileSync(join(job.directory, `text-${i}`), text);
      const odd = Buffer.from('636166e920c0af20eda08020f09f98090a010278', 'hex');
      writeFileSync(join(job.directory, 'odd'), odd);
      const script = `eval "$(sed -n '/^json_text/,/^}/p' "$1")"; cd "$2"
      for limit in $(seq 20 24); do for i in $(seq 0 ${texts.length - 1}); do printf '%s %s ' "$limit" "$i"; json_text "$limit" <"text-$i"; echo; done; done
      printf '0 odd '; json_text 100 <odd; echo`;
      const [command = '', ...words] = shell;
      const out = execFileSync(command, [...words, '-c', script, 'sh', resolve('lib/shell/jobs/run.sh'), job.directory], {
        env: { PATH: `${job.directory}:${process.env.PATH}`, LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const lines = out.toString('utf8').trimEnd().split('\n');
      expect(lines).toHaveLength(5 * texts.length + 1);
      for (const line of lines) {
        const [, limit = '', which = '', text = ''] = /^(\d+) (\w+) (.*)$/.exec(line) ?? [];
        const said = JSON.parse(`"${text}"`);
        if (which === 'odd') {
          expect(said).toBe('caf? ?? ??? ???  x');
        } else {
          expect(Buffer.byteLength(text), line).toBeLessThanOrEqual(Number(limit));
          expect(Buffer.byteLength(text), line).toBeGreaterThan(Number(limit) - 5);
          expect(texts[Number(which)]?.startsWith(said.slice(0, -3)), line).toBe(true);
        }
      }
    });
  });

  test('is JSON whatever was noted for a number', () => {
    job.engine({ verify: `${SAMPLE.verify}; outcome restoreSeconds 08; outcome bytes many` });
    job.run('backup');
    expect(job.run('verify', { CHECK_REPOSITORY: 'no' }).result).toMatchObject({ verdict: 'verified', bytes: 0, restoreSeconds: null });
  });

  test('of a run that was killed is told by the next one, which fails, too', () => {
    job.run('backup');
    const note = join(job.repository, 'orders', '.running-backup');
    writeFileSync(note, 'orders-backup-29000000-abcde, begun 2026-01-01T00:00:00Z\n');
    job.engine({ dump: 'die "no"' });
    const told = /^no; besides, the backup before this one gave no verdict: .*\(orders-backup-29000000-abcde, begun/;
    expect(job.run('backup').result.reason).toMatch(told);
    expect(job.run('backup').result.reason, 'it is told once').toBe('no');
  });

  test('says what a program said that nobody has asked about, unless the next one went well', () => {
    const words = 'psql: error: connection to server at "db" failed: Connection refused\n\tIs the server running?';
    job.engine({ dump: `unexplained psql '${words}'; exit 2` });
    expect(job.run('backup').result.reason).toBe(
      'ended with exit code 2 after psql failed: psql: error: connection to server at "db" failed: Connection refused Is the server running?',
    );
    job.engine(SAMPLE);
    job.run('backup');
    job.engine({ verify: `unexplained psql '${words}'; explained; exit 2` });
    expect(job.run('verify', { CHECK_REPOSITORY: 'no' }).result.reason).toMatch(/ended with exit code 2 without giving a reason/);
  });

  test('of a run that has filled its scratch volume says so, though its scripts had no room for it', () => {
    job.run('backup');
    const small = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$SCRATCH" && exec sh "$@"', 'sh'];
    const fill = 'head -c 2000000 /dev/zero >fill 2>/dev/null ||';
    job.engine({ restore: `${fill} exit 3`, verify: `${fill} die "$(cat nothing 2>/dev/null)"` });
    const full = '; the scratch volume is full (scratch)';
    expect(job.run('restore', {}, small).result.reason).toBe(`ended with exit code 3 without giving a reason; read the log above${full}`);
    expect(job.run('verify', {}, small).result.reason).toContain(full);
  });

  test('is JSON whatever somebody calls a series', () => {
    expect(job.run('backup', { SERIES: 'a"b' }).result.series).toBe('a"b');
  });

  test.each(['backup', 'verify', 'restore'])('of a %s is the last word, or the next one tells that there was none', async operation => {
    job.run('backup');
    const holding = `: >"${job.directory}/holding"; sleep 60`;
    job.engine({ dump: holding, verify: holding, restore: holding });
    const child = spawn('sh', [join(job.directory, 'home/shell/run.sh'), operation], { env: job.environment(), stdio: 'ignore' });
    await appears('holding');
    // Everything at once, as the kernel does with a container that is out of memory.
    for (const pid of [...sessionsOf(Number(child.pid)), -Number(child.pid)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {}
    }
    child.kill('SIGKILL');
    await new Promise(resolve => child.once('exit', resolve));
    job.engine(SAMPLE);
    const said = new RegExp(`the ${operation} before this one gave no verdict: .*\\(orders-backup-1-\\d+, begun \\S+Z\\)$`);
    expect(job.run(operation).result).toMatchObject({ verdict: expect.not.stringMatching('failed'), reason: expect.stringMatching(said) });
    job.engine({ dump: 'die "no"', verify: 'die "no"', restore: 'die "no"' });
    expect(job.run(operation).result.reason).toBe('no');
    job.engine(SAMPLE);
    expect(job.run(operation).result.reason, 'one that failed has given a verdict').not.toContain('no verdict');
  });
});

describe('publishing', () => {
  test('leaves a directory that sha256sum can check', () => {
    const { result } = job.run('backup');
    const point = join(job.repository, 'orders', String(result.id));
    expect(readdirSync(point).sort()).toEqual(['SHA256SUMS', 'data.txt.gz', 'manifest.json']);
    const manifest = JSON.parse(readFileSync(join(point, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      format: 1,
      id: result.id,
      series: 'orders',
      engine: 'test',
      bytes: result.bytes,
      about: { server: '1.0' },
      facts: { rows: 200 },
      members: [{ name: 'data.txt', bytes: result.bytes, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) }],
    });
  });

  test('reads back what it wrote, and refuses what did not arrive whole', () => {
    job.engine({ dump: 'put data.txt seq 1 200; fact rows 200; echo lost >>"$REPOSITORY_PATH/$SERIES/.staging-$POINT/data.txt.gz"' });
    expect(job.run('backup').result.reason).toBe(
      'publishing failed: the recovery point read back differently from what was written: data.txt.gz: FAILED',
    );
    expect(job.points()).toEqual([]);
  });

  test.each(['put data.txt', 'manifest.json'])(
    'is none where the volume could not write %s, whatever can be read back from memory',
    file => {
      const sync = `case "$*" in *${file.split(' ').at(-1)}*) echo "sync: error syncing '$1': Input/output error" >&2; exit 1 ;; esac`;
      writeFileSync(join(job.directory, 'sync'), `#!/bin/sh\n${sync}\n`, { mode: 0o755 });
      const { result } = job.run('backup', { PATH: `${job.directory}:${process.env.PATH}` });
      expect(result.verdict).toBe('failed');
      expect(result.reason).toContain('Input/output error');
      expect(job.points()).toEqual([]);
    },
  );

  test('syncs everything where the file system knows no sync of a directory', () => {
    writeFileSync(join(job.directory, 'sync'), '#!/bin/sh\n[ $# = 0 ] || { echo "sync: error syncing: Invalid argument" >&2; exit 1; }\n', {
      mode: 0o755,
    });
    expect(job.run('backup', { PATH: `${job.directory}:${process.env.PATH}` }).result.verdict).toBe('published');
  });

  test('is none where a line of the checksums was lost, so that no restore would find the member', () => {
    job.engine({ dump: `${SAMPLE.dump}; put more.txt echo more; sed -i 1d "$REPOSITORY_PATH/$SERIES/.staging-$POINT/SHA256SUMS"` });
    expect(job.run('backup').result.reason).toBe('publishing failed: SHA256SUMS is cut short: it lacks data.txt');
    expect(job.points()).toEqual([]);
  });

  test('says what of an earlier run is in its way', () => {
    job.run('backup');
    const rm = join(job.directory, 'rm');
    writeFileSync(
      rm,
      `#!/bin/sh\ncase "$*" in *.staging-*) echo "rm: cannot remove 'x': Permission denied" >&2; exit 1 ;; esac\nexec /bin/rm "$@"\n`,
      {
        mode: 0o755,
      },
    );
    const { result } = job.run('backup', { PATH: `${job.directory}:${process.env.PATH}` });
    expect(result.reason).toContain("leftovers of an earlier run cannot be removed: rm: cannot remove 'x': Permission denied");
  });

  test('refuses a dump without facts: no restore of it could be checked', () => {
    job.engine({ dump: 'put data.txt echo x' });
    expect(job.run('backup').result.reason).toContain('recorded no facts');
  });

  test('refuses what is smaller than the minimum', () => {
    expect(job.run('backup', { MINIMUM_BYTES: '100000' }).result.reason).toMatch(
      /^the dump has only \d+ bytes; at least 100000 are expected/,
    );
    expect(job.points()).toEqual([]);
  });

  test('compresses with as many threads as fit into its memory, whatever the node has', () => {
    writeFileSync(join(job.directory, 'zstd'), `#!/bin/sh\necho "$*" >>'${job.directory}/threads'\nexec /usr/bin/zstd "$@"\n`, {
      mode: 0o755,
    });
    const { result, log } = job.run('backup', { COMPRESSION: 'zstd', PATH: `${job.directory}:${process.env.PATH}` });
    expect(result.verdict, log).toBe('published');
    expect(readFileSync(join(job.directory, 'threads'), 'utf8')).toContain('-T4 ');
  });

  test('refuses a drop in size, keeps everything, and lets it pass when told to', () => {
    job.run('backup', { COMPRESSION: 'none' });
    job.engine({ dump: 'put data.txt echo little; fact rows 1' });
    const refused = job.run('backup', { COMPRESSION: 'none' });
    expect(refused.code).toBe(78);
    expect(refused.result.reason).toMatch(
      /^the dump has 7 bytes, and \S+ had \d+: a drop of more than 50 %\. Nothing was published or pruned/,
    );
    expect(job.points()).toHaveLength(1);
    expect(job.run('backup', { COMPRESSION: 'none', SIZE_DROP_LIMIT: '100' }).result.verdict).toBe('published');
  });

  test('does not take the log of a busy night for data that is gone on a quiet one', () => {
    const night = (log: number, data: number) =>
      job.engine({ dump: `put data.txt seq 1 200; put log.txt head -c ${log} /dev/zero; about logBytes ${log}; fact rows ${data}` });
    night(100_000, 200);
    job.run('backup', { COMPRESSION: 'none' });
    night(10, 200);
    expect(job.run('backup', { COMPRESSION: 'none' }).result.verdict).toBe('published');
    job.engine({ dump: 'put data.txt seq 1 20; about logBytes 10; fact rows 20' });
    expect(job.run('backup', { COMPRESSION: 'none' }).result.reason).toMatch(/a drop of more than 50 %/);
  });

  test('clears away what a killed run left, but nothing that is whole', () => {
    const { result } = job.run('backup');
    const orders = join(job.repository, 'orders');
    for (const name of ['.staging-20200101T000000Z-aaaaa', '.deleting-20200101T000000Z-bbbbb']) {
      writeFileSync(join(orders, name), 'a stump');
    }
    const next = job.run('backup');
    expect(readdirSync(orders).sort()).toEqual(['.writing', result.id, next.result.id]);
  });
});

describe('pruning', () => {
  test('follows the policy', () => {
    const ids = [1, 2, 3, 4].map(() => String(job.run('backup').result.id));
    expect(job.points()).toEqual(ids.slice(-2));
  });

  test('that fails is a warning: the recovery point is published', () => {
    const { result, log } = job.run('backup', { RETENTION: 'nonsense' });
    expect(result.verdict).toBe('published');
    expect(log).toContain('WARNING: pruning failed');
  });

  test('does not count what is no recovery point', () => {
    job.run('backup');
    writeFileSync(join(job.repository, 'orders', '20990101T000000Z-zzzzz'), 'not a directory');
    const { log } = job.run('backup');
    expect(log).not.toContain('WARNING');
  });
});

describe('a recovery point that somebody has copied beside itself', () => {
  test('is named, counts for nothing, and stops neither pruning nor a verification', () => {
    const orders = join(job.repository, 'orders');
    const { id } = job.run('backup').result;
    execFileSync('cp', ['-r', join(orders, String(id)), join(orders, `${id}.bak`)]);
    const said = `${id}.bak in series orders is not the name of a recovery point, and is ignored`;
    expect(job.run('verify').result).toMatchObject({ verdict: 'verified', id, reason: said });
    expect(job.run('restore').result).toMatchObject({ verdict: 'restored', id, reason: said });
    const next = job.run('backup', { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' }).result;
    expect(next).toMatchObject({ verdict: 'published', reason: said });
    expect(job.points()).toEqual([id, `${id}.bak`, next.id]);
  });
});

describe('a verification', () => {
  test('finds a difference in facts and names it', () => {
    job.run('backup');
    job.engine({ verify: 'fact rows 199; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"' });
    expect(job.run('verify').result.reason).toBe(
      'the restored data differs from what was backed up, in 2 facts: "rows":199 was found;"rows":200 was expected;',
    );
    expect(readdirSync(join(job.repository, 'orders', job.points()[0] ?? ''))).not.toContain('verified.json');
  });

  test.each([
    ['at-least 5', '7', true],
    ['at-least 5', '4', false],
    ['at-most 5', '4.5', true],
    ['at-most 5', '', false],
    ['at-least 5', 'seven', false],
    ['equals a b', 'a b', true],
    ['equals a', 'a b', false],
  ])('judges the assertion "%s" of the answer "%s": %s', (expectation, answer, holds) => {
    job.run('backup');
    job.engine({ verify: `. "$BACKUP_HOME/shell/assertions.sh"\nask() { cat >asked; printf %s '${answer}'; }\ncheck_assertions ask` });
    job.assertion('01', { query: 'select 1;', database: 'orders', expect: expectation });
    const { result } = job.run('verify');
    expect(result.verdict).toBe(holds ? 'verified' : 'failed');
    if (!holds) expect(result.reason).toContain(`assertion 01 does not hold: select 1; returned '${answer}', expected ${expectation}`);
  });

  test('looks at older recovery points, too, and says whose checksums were cut short', () => {
    const older = String(job.run('backup').result.id);
    job.run('backup');
    const sums = join(job.repository, 'orders', older, 'SHA256SUMS');
    writeFileSync(sums, `${readFileSync(sums, 'utf8').split('\n')[0]}\n`);
    const { result } = job.run('verify');
    expect(result.verdict).toBe('failed');
    expect(result.reason).toContain(`recovery point ${older} is damaged: SHA256SUMS is cut short: it lacks manifest.json`);
  });

  test('says whose checksums have lost a line in the middle', () => {
    job.engine({ dump: `${SAMPLE.dump}; put more.txt echo more` });
    const older = String(job.run('backup').result.id);
    job.run('backup');
    const sums = join(job.repository, 'orders', older, 'SHA256SUMS');
    writeFileSync(sums, readFileSync(sums, 'utf8').replace(/.*more\.txt.*\n/, ''));
    expect(job.run('verify').result.reason).toContain(`recovery point ${older} is damaged: SHA256SUMS is cut short: it lacks more.txt`);
  });

  test('names a recovery point that has lost its manifest, whatever else is looked at', () => {
    job.run('backup');
    const newest = String(job.run('backup').result.id);
    rmSync(join(job.repository, 'orders', newest, 'manifest.json'));
    for (const operation of ['verify', 'restore']) {
      const { result } = job.run(operation, { CHECK_REPOSITORY: 'no', RECOVERY_POINT: 'newest' });
      expect(result.reason).toContain(`recovery point ${newest} has lost its manifest.json, and is ignored`);
    }
  });

  test('looks at older recovery points, too, and says which is damaged', () => {
    const older = job.run('backup').result.id;
    const newest = job.run('backup').result.id;
    writeFileSync(join(job.repository, 'orders', String(older), 'data.txt.gz'), 'rot');
    const { result } = job.run('verify');
    expect(result.reason).toMatch(
      new RegExp(
        `^the newest recovery point ${newest} is good, but the repository is not: recovery point ${older} is damaged: data.txt.gz: FAILED`,
      ),
    );
    expect(job.run('verify', { CHECK_REPOSITORY: 'no' }).result.verdict).toBe('verified');
  });

  test('fails when backups have stopped, though the last one is good', () => {
    const [last = ''] = job.backupsAt([daysAgo(6)]);
    const allowed = { MAXIMUM_AGE: String(3 * 86_400) };
    const { code, result } = job.run('verify', allowed);
    expect({ code, ...result }).toMatchObject({ code: 78, verdict: 'failed', id: last });
    expect(result.reason).toMatch(
      new RegExp(`^recovery point ${last} is good, but it is the newest, and was started 6 days ago; at most 3 days are allowed`),
    );
    expect(readdirSync(join(job.repository, 'orders', last))).toContain('verified.json');
    job.run('backup');
    expect(job.run('verify', allowed).result).toMatchObject({ verdict: 'verified', reason: '' });
  });

  test('says that there is nothing to verify', () => {
    job.run('backup', { SERIES: 'other' });
    expect(job.run('verify').result.reason).toBe('the repository has no series orders; it has: other-safety, other');
  });
});

describe('a restore', () => {
  test('takes the newest verified recovery point, even where a newer one is not, and says so', () => {
    const [proven = ''] = job.backupsAt([daysAgo(6)]);
    job.run('verify');
    const newest = job.run('backup').result.id;
    const { result } = job.run('restore');
    expect(result).toMatchObject({ verdict: 'restored', id: proven });
    expect(result.reason).toMatch(
      new RegExp(`^using the newest verified recovery point, ${proven}, from 6 days ago. The newest is ${newest}, from 0 minutes ago`),
    );
    expect(job.run('restore', { RECOVERY_POINT: 'newest' }).result).toMatchObject({ id: newest, reason: '' });
    job.run('verify');
    expect(job.run('restore').result).toMatchObject({ id: newest, reason: '' });
  });

  test('says where nothing was ever verified', () => {
    const { id } = job.run('backup').result;
    expect(job.run('restore').result).toMatchObject({
      id,
      reason: expect.stringMatching(/^no recovery point of series orders is verified: using the newest/),
    });
  });

  test('says what the safety backup has left out', () => {
    job.run('backup');
    job.engine({ dump: `${SAMPLE.dump}; caveat 'database accounts is left out'` });
    const { result } = job.run('restore', { SAFETY_BACKUP: 'yes', RECOVERY_POINT: 'newest' });
    expect(result).toMatchObject({ verdict: 'restored' });
    expect(result.reason).toContain('the safety backup: database accounts is left out');
  });

  test('does not begin when the safety backup fails', () => {
    job.run('backup');
    job.engine({ dump: 'die "no way"' });
    expect(job.run('restore', { SAFETY_BACKUP: 'yes' }).result.reason).toBe('the safety backup failed, so nothing was restored: no way');
    expect(existsSync(join(job.directory, 'restored'))).toBe(false);
  });

  test('of a member whose file is gone says which', () => {
    const { result } = job.run('backup');
    rmSync(join(job.repository, 'orders', String(result.id), 'data.txt.gz'));
    expect(job.run('restore').result.reason).toBe(`recovery point ${result.id} lacks its file data.txt.gz`);
  });

  test('does not trust a manifest that was changed', () => {
    const { result } = job.run('backup');
    const path = join(job.repository, 'orders', String(result.id), 'manifest.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"rows":200', '"rows":100'));
    expect(job.run('restore').result.reason).toContain('manifest.json does not match its checksum');
  });
});
