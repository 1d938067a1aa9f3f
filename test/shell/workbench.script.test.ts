import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job, type Workbench } from './job';
import { inEachShell } from './shells';

const SAMPLE = {
  dump: 'put data.txt seq 1 200000; put more.txt echo more; fact rows 200000',
  verify: 'get data.txt >data; fact rows "$(wc -l <data | tr -d " ")"; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
};

let job: Job;
beforeEach(() => {
  job = new Job(SAMPLE);
});
afterEach(() => job.remove());

const ends = async ({ broker, bench }: Workbench) => {
  const [verdict, other] = await Promise.all([broker, bench]);
  return { verdict, other };
};

inEachShell('in %s', shell => {
  test('a recovery point is verified by a script that knows nothing of the repository', async () => {
    const { result } = job.run('backup');
    job.engine({ verify: `env >&2; ${SAMPLE.verify}; outcome restoreSeconds 7; caveat 'one thing was not looked at'` });
    const { verdict, other } = await ends(job.onWorkbench('verify', {}, shell));
    const reason = 'one thing was not looked at';
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified', id: result.id, restoreSeconds: 7, reason });
    expect(verdict.log, 'the environment of the script').toContain('RELAY=');
    expect(verdict.log).not.toContain(`${job.repository}\n`);
    expect({ code: other.code, result: other.result }).toEqual({ code: 0, result: {} });
    expect(execFileSync('ls', [join(job.repository, 'orders', String(result.id))], { encoding: 'utf8' })).toContain('verified.json');
  });

  test('why it fails there is the reason, and how it ends is how the run ends', async () => {
    job.run('backup');
    job.engine({ verify: `refuse 'the image holds another version'` });
    const { verdict, other } = await ends(job.onWorkbench('verify', {}, shell));
    expect(verdict).toMatchObject({ code: 78, result: { verdict: 'failed', reason: 'the image holds another version' } });
    expect(other.code).toBe(0);
  });
});

describe('the two containers of a verification', () => {
  test('stream several members at once, and one whose reader goes away', async () => {
    job.run('backup');
    job.engine({
      verify: `get data.txt | { head -n 1; get more.txt; cat; } >all
        get data.txt | head -n 3 >three || :
        [ "$(tail -n 1 all)" = 200000 ] && grep -qx more all && [ "$(wc -l <three)" -eq 3 ] || die 'not what was stored'
        fact rows 200000`,
    });
    const { verdict } = await ends(job.onWorkbench('verify'));
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified' });
  });

  test('read other recovery points, of a repository that looks their members up in their manifests', async () => {
    job.kind(
      'restic-like',
      `intact() { case $2 in *manifest.json) ;; *) [ "$(manifest_field "$SCRATCH/manifest.json" id)" = "$1" ] || because "not the manifest of $1" ;; esac; }`,
    );
    job.run('backup', { RETENTION: 'all' });
    job.run('backup', { RETENTION: 'all' });
    job.engine({
      verify: `POINT=$(repository_list | sort | head -n 1 | cut -d ' ' -f 1); manifest_fetch "$POINT"
        get data.txt >data || die "$(repository_reason)"; fact rows "$(wc -l <data | tr -d ' ')"`,
    });
    const { verdict } = await ends(job.onWorkbench('verify', { REPOSITORY_FOLDER: 'restic-like', CHECK_REPOSITORY: 'no' }));
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified' });
  });

  test('read the archived log, too', async () => {
    job.run('backup');
    job.run('backup', { SERIES: 'orders-log', RETENTION: 'all' });
    job.engine({
      'log-unpack': 'get more.txt >"$SCRATCH/../unpacked"',
      verify: `[ "$(sh "$BACKUP_HOME/shell/read-log.sh" begin)" = 1 ] || die 'no batch'
        sh "$BACKUP_HOME/shell/read-log.sh" next
        grep -qx more unpacked && fact rows 200000`,
    });
    const { verdict } = await ends(job.onWorkbench('verify'));
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified' });
  });

  test('say what is wrong with the repository', async () => {
    const { result } = job.run('backup');
    const member = join(job.repository, 'orders', String(result.id), 'data.txt.gz');
    writeFileSync(member, 'something else');
    job.engine({ verify: 'fetch data.txt data; fact rows 200000' });
    const { verdict } = await ends(job.onWorkbench('verify'));
    expect(verdict.result.verdict).toBe('failed');
    expect(verdict.result.reason).toContain('data.txt.gz');
  });

  test('end together when the first one fails before there is anything to do', async () => {
    const { verdict, other } = await ends(job.onWorkbench('verify'));
    expect(verdict.result.verdict).toBe('failed');
    expect({ code: other.code, result: other.result }).toEqual({ code: 0, result: {} });
  });

  test('end together when the first one fails before any of its own lines has run', async () => {
    job.run('backup');
    const copied = { MADE_FOR_NAMESPACE: 'shop', POD_NAMESPACE: 'drill' };
    const { verdict, other } = await ends(job.onWorkbench('verify', copied));
    expect(verdict.result.reason).toContain('this job is a copy');
    expect(other).toMatchObject({ code: 0, result: {} });
  });

  test('end both when the first one is killed while it opens the repository', async () => {
    job.run('backup');
    job.kind('slow', 'repository_open() { echo opening >&2; sleep 600; }');
    const run = job.onWorkbench('verify', { REPOSITORY_FOLDER: 'slow', PATIENCE: '3' });
    run.broker.catch(() => {});
    await said(run, 'opening');
    killAll(run.processes.broker.pid ?? 0);
    const other = await run.bench;
    expect(other.code).not.toBe(0);
    expect(other.result.reason).toContain('the container that has the repository and gives the verdict is gone');
  });

  test('do not wait for one another for ever, and say that they wait', async () => {
    job.run('backup');
    const wait = { WORKBENCH_WAIT: '6' };
    const [verdict, other] = await Promise.all([job.containers('verify', wait).broker().end, job.containers('verify', wait).bench().end]);
    expect(verdict.log).toMatch(/waiting for the container workbench to start since \S+, until \S+ at most/);
    expect(verdict.result.reason).toMatch(/^the container workbench did not start within 6 s: .*kubectl describe/);
    expect(other.log).toMatch(/waiting for the container that has the repository to start since/);
    expect(other.code).not.toBe(0);
  });

  test.each(['007', 'null,"verdict":"verified"'])('say nothing of restore seconds that are no number: "%s"', async seconds => {
    job.run('backup');
    job.engine({ verify: `${SAMPLE.verify}; outcome restoreSeconds '${seconds}'` });
    const { verdict } = await ends(job.onWorkbench('verify', { CHECK_REPOSITORY: 'no' }));
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified', restoreSeconds: null });
    const mark = join(job.repository, 'orders', String(verdict.result.id), 'verified.json');
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toMatchObject({ restoreSeconds: null });
  });

  test('a workbench that says that it has ended, and is gone, fails the run', async () => {
    job.run('backup');
    job.engine({ verify: 'echo "ended end 0" >"$RELAY/request"; kill -KILL 0' });
    // The pipe for the answer comes when nobody is there any more to open it.
    const programs = join(job.directory, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'mkfifo'), '#!/bin/sh\ncase $1 in */ended.answer) sleep 3 ;; esac\nexec /usr/bin/mkfifo "$@"\n', {
      mode: 0o755,
    });
    const run = job.onWorkbench('verify', { PATH: `${programs}:${process.env.PATH}` });
    run.bench.catch(() => {});
    const verdict = await run.broker;
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'failed' });
  });

  test('do not wait for an answer whose giver was killed', async () => {
    job.run('backup');
    job.kind('deadly', 'repository_get() { case $2 in manifest.json) cat "$series_path/$1/$2" ;; *) kill -KILL "$PPID" $$ ;; esac; }');
    job.engine({ verify: 'fetch data.txt data; fact rows 200000' });
    // Longer than the time between two signs of life, which the other half gives all the same.
    const { verdict } = await ends(job.onWorkbench('verify', { REPOSITORY_FOLDER: 'deadly', PATIENCE: '20' }));
    expect(verdict.result, verdict.log).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(
        /^data\.txt of \S+ cannot be fetched: .* did not say how the answer to 'get orders \S+ data\.txt' ended: .* was killed/,
      ),
    });
  }, 300_000);

  test('a workbench that is killed without a word fails the run', async () => {
    job.run('backup');
    job.engine({ verify: 'echo at work >&2; sleep 600' });
    const run = job.onWorkbench('verify');
    run.bench.catch(() => {});
    await said(run, 'at work');
    killAll(run.processes.bench.pid ?? 0);
    const verdict = await run.broker;
    expect(verdict.result.verdict).toBe('failed');
    expect(verdict.result.reason).toContain('the container workbench ended without an outcome');
  });

  test('stay together for as long as it takes, in an image that lacks what tidies up', async () => {
    job.run('backup');
    job.engine({ verify: `sleep 12; ${SAMPLE.verify}` });
    const programs = join(job.directory, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'find'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
    const { verdict } = await ends(job.onWorkbench('verify', { PATIENCE: '8', PATH: `${programs}:${process.env.PATH}` }));
    expect(verdict.result, verdict.log).toMatchObject({ verdict: 'verified' });
  });

  test('a workbench whose other half is gone ends as well', async () => {
    job.run('backup');
    job.engine({ verify: 'echo at work >&2; sleep 600' });
    const run = job.onWorkbench('verify', { PATIENCE: '3' });
    run.broker.catch(() => {});
    await said(run, 'at work');
    killAll(run.processes.broker.pid ?? 0);
    const other = await run.bench;
    expect(other.code).not.toBe(0);
    expect(other.result.reason).toContain('the container that has the repository');
  });

  test.each([
    [
      'that it ended well',
      `id=$(basename "$(mktemp "$SCRATCH/xXXXXXX")"); echo "$id end 0" >"$RELAY/request"; sleep 1; : >"$RELAY/$id.answer"; sleep 1`,
    ],
    [
      'that it ended with a code that no process can end with',
      `id=$(basename "$(mktemp "$SCRATCH/xXXXXXX")"); echo "$id end 256" >"$RELAY/request"; sleep 1; : >"$RELAY/$id.answer"; sleep 1`,
    ],
    ['another series', `SERIES=other; repository_list && fact rows 200000`],
    ['a name that leaves the recovery point', `repository_get "$POINT" ../../secret && fact rows 200000`],
  ])('what runs on the workbench cannot claim, or ask for, %s', async (_, verify) => {
    job.run('backup');
    job.engine({ verify });
    const { verdict } = await ends(job.onWorkbench('verify', { PATIENCE: '3' }));
    expect(verdict.result.verdict, verdict.log).toBe('failed');
  });
});

/** Waits until the workbench has said something, which the other half logs. */
function said(run: Workbench, words: string): Promise<void> {
  return new Promise(resolve => run.processes.broker.stderr?.on('data', data => String(data).includes(words) && resolve()));
}

/** As the end of a container does. */
function killAll(first: number): void {
  for (const pid of descendants(first)) spawnSync('kill', ['-KILL', String(pid)]);
}

/** The processes below one, and itself. */
function descendants(pid: number): number[] {
  const children = execFileSync('sh', ['-c', `pgrep -P ${pid} || :`], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean)
    .map(Number);
  return [pid, ...children.flatMap(descendants)];
}
