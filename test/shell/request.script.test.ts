import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Job } from './job';
import { inEachShell } from './shells';

const SAMPLE = {
  dump: 'put data.txt seq 1 200; fact rows 200',
  verify: 'get data.txt >data; fact rows 200; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
  restore: 'get data.txt >"$SCRATCH/../restored" || die "$(repository_reason)"',
};

let job: Job;
beforeEach(() => {
  job = new Job(SAMPLE);
});
afterEach(() => job.remove());

/** A request as it is mounted. */
function asked(words: { [key: string]: string }): { [name: string]: string } {
  const folder = join(job.directory, 'request');
  mkdirSync(folder, { recursive: true });
  for (const [key, value] of Object.entries(words)) writeFileSync(join(folder, key), value);
  return { REQUEST: folder, REQUEST_WORDS: 'recoveryPoint series safetyBackup replace', REQUEST_FLAGS: 'safetyBackup replace' };
}

inEachShell('a request in %s', shell => {
  test('that says what nothing reads is refused, and nothing is restored', () => {
    job.run('backup');
    const { code, result } = job.run('restore', asked({ recoverypoint: '20260801T023000Z-x7k2p', replace: 'yes' }), shell);
    expect(code).toBe(78);
    expect(result.reason).toBe(
      "the request has the key 'recoverypoint', which this job does not know; it knows recoveryPoint, series, safetyBackup, replace. Nothing was changed",
    );
    expect(readdirSync(job.directory)).not.toContain('restored');
  });

  test('that can be read is said in the log', () => {
    job.run('backup');
    const { result, log } = job.run('restore', asked({ replace: 'yes', series: 'orders' }), shell);
    expect(result).toMatchObject({ verdict: 'restored' });
    expect(log).toContain('asked for: replace=yes');
    expect(log).not.toContain('no request');
  });

  test('that is not there is named, so that nobody looks for it in vain under another name', () => {
    job.run('backup');
    const { result, log } = job.run('restore', { ...asked({}), REQUEST_NAME: 'orders-restore-far-request' }, shell);
    expect(result).toMatchObject({ verdict: 'restored' });
    expect(log).toContain('no request: there is no ConfigMap orders-restore-far-request, or it is empty');
  });

  test.each([
    [
      'that says neither yes nor no',
      { safetyBackup: 'true' },
      "the request's safetyBackup is 'true': write yes or no; nothing was changed",
    ],
    ['that leaves it empty', { safetyBackup: '' }, "the request's safetyBackup is '': write yes or no"],
    ['of another case', { safetyBackup: 'Yes' }, "the request's safetyBackup is 'Yes'"],
    ['from a file with a line break', { safetyBackup: 'yes\n' }, 'safetyBackup holds a line break'],
    [
      'from a file of Windows',
      { recoveryPoint: 'newest\r\n' },
      'recoveryPoint holds a line break or another invisible character (newest??)',
    ],
    ['with a blank behind it', { recoveryPoint: 'newest ' }, "recoveryPoint begins or ends with a blank ('newest ')"],
  ])('%s is refused before anything is done', (_, words, reason) => {
    job.run('backup');
    const { code, result } = job.run('restore', asked(words), shell);
    expect({ code, reason: result.reason }).toEqual({ code: 78, reason: expect.stringContaining(reason) });
    expect(readdirSync(job.directory)).not.toContain('restored');
  });

  test.each(['2026-08-01T9:30:00Z', '2026-02-30T00:00:00Z', '2026-08-01T00:00Z', '2026-08-01T00:00:00+02:00', 'Newest', '', '../users'])(
    'for "%s", which is neither an id nor a time, restores nothing, and names what there is',
    RECOVERY_POINT => {
      const { id } = job.run('backup').result;
      const { code, result } = job.run('restore', { RECOVERY_POINT }, shell);
      expect({ code, reason: result.reason }).toEqual({
        code: 78,
        reason: expect.stringMatching(
          new RegExp(
            `^recoveryPoint is '${RECOVERY_POINT.replace('+', '[+]')}': write newest, newest-verified, an id such as .* has: ${id} unverified$`,
          ),
        ),
      });
    },
  );

  test('for a time that has not come yet says what it got', () => {
    const { id } = job.run('backup').result;
    expect(job.run('restore', { RECOVERY_POINT: '2999-01-01T00:00:00Z' }, shell).result).toMatchObject({
      verdict: 'restored',
      id,
      reason: expect.stringMatching(new RegExp(`^2999-01-01T00:00:00Z is still in the future, .*: using ${id}, from 0 minutes ago$`)),
    });
  });

  test('that nobody has made is none', () => {
    job.run('backup');
    expect(job.run('restore', asked({}), shell).result).toMatchObject({ verdict: 'restored' });
  });
});

inEachShell('scripts that were pruned, in %s', shell => {
  test.each(['engine', 'repository', 'assertions'])('%s: the run fails at once and says so', folder => {
    job.run('backup');
    job.prune(folder);
    const { code, result } = job.run('verify', {}, shell);
    expect(code).toBe(1);
    expect(result).toMatchObject({
      what: 'verify',
      verdict: 'failed',
      reason: `the scripts ${folder} are gone: their ConfigMap was deleted while this job was running; the next run has its own`,
    });
  });
});

inEachShell('a scratch volume that outlives its pod, in %s', shell => {
  const left = () => readdirSync(join(job.directory, 'scratch-2')).sort();
  const verify = (script: string) => {
    job.run('backup');
    job.engine({
      verify: `mkdir "$SCRATCH/server" "$SCRATCH/lost+found"; : >"$SCRATCH/.hidden"; get data.txt >"$SCRATCH/server/rows"; ${script}`,
    });
    return job.run('verify', { SCRATCH_OUTLIVES: 'yes' }, shell).result;
  };

  test.each([
    ['is proved', 'fact rows 200; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"', 'verified'],
    ['is refused', "refuse 'not this one'", 'failed'],
    ['ends by a signal', 'kill -9 $$', 'failed'],
  ])('holds no data when the recovery point %s', (_, script, verdict) => {
    expect(verify(script)).toMatchObject({ verdict });
    expect(left()).toEqual(['lost+found']);
  });

  test('keeps what a step has prepared for the next', () => {
    job.run('backup');
    job.engine({ fetch: ': >"$SCRATCH/fetched"' });
    job.step('verify', 'prepare', { SCRATCH_OUTLIVES: 'yes' }, shell);
    expect(left()).toContain('fetched');
  });
});
