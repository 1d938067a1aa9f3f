import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Job } from '../shell/job';
import { inEachShell } from '../shell/shells';

// How old the newest recovery points of a repository may be, asked of the repository alone.

const DAY = 86_400;
const PROMISED = { OPERATION_FOLDER: 'job', MAX_AGE: String(1.5 * DAY), MAX_VERIFIED_AGE: String(4 * DAY) };

let job: Job;
beforeEach(() => {
  job = new Job({
    dump: 'put data.txt printf "%s" rows; fact rows 1',
    verify: 'get data.txt >data; fact rows 1; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
  });
  symlinkSync(resolve('lib/observability/age-check'), join(job.directory, 'home/job'));
});
afterEach(() => job.remove());

/** A recovery point that was made some days ago, by the clock of then. */
function madeDaysAgo(days: number, verified = false): string {
  const clock = job.pathOfClock(-days);
  const { result, log } = job.run('backup', clock);
  expect(result, log).toMatchObject({ verdict: 'published' });
  if (verified) expect(job.run('verify', clock).result).toMatchObject({ verdict: 'verified' });
  return result.id as string;
}

inEachShell('in %s', shell => {
  const look = (different: { [name: string]: string } = {}) => job.run('age-check', { ...PROMISED, ...different }, shell);

  test('a recovery point that is young enough, and one that is proven, are well', () => {
    const verified = madeDaysAgo(3, true);
    const newest = madeDaysAgo(1);
    const { code, result, log } = look();
    expect(result, log).toMatchObject({ what: 'age-check', verdict: 'succeeded', id: newest, reason: '' });
    expect(code).toBe(0);
    expect(log).toContain(`the newest verified recovery point of series orders is ${verified}, begun 72 h `);
    expect(log).toContain(`the newest recovery point of series orders is ${newest}, begun 24 h `);
  });

  test('backups that have stopped are found, and what to do is said', () => {
    const newest = madeDaysAgo(2, true);
    const { code, result } = look();
    expect(code).toBe(1);
    expect(result).toMatchObject({ verdict: 'failed', id: newest });
    expect(result.reason).toMatch(
      new RegExp(
        `^the newest recovery point of series orders, ${newest}, was begun 48 h 0 min ago, and at most 36 h 0 min is promised: what was written since would be lost. Start a backup`,
      ),
    );
  });

  test('verifications that have stopped are found, although backups go on', () => {
    madeDaysAgo(5, true);
    const newest = madeDaysAgo(0);
    const { result } = look();
    expect(result).toMatchObject({ verdict: 'failed', id: newest });
    expect(result.reason).toMatch(
      /^the newest verified recovery point of series orders, .* was begun 120 h 0 min ago, and at most 96 h 0 min/,
    );
    expect(look({ MAX_VERIFIED_AGE: '' }).result, 'not promised').toMatchObject({ verdict: 'succeeded' });
  });

  test('of both, both are said', () => {
    madeDaysAgo(5, true);
    madeDaysAgo(4);
    const { reason } = look().result;
    expect(reason).toContain('the newest recovery point of series orders');
    expect(reason).toContain('; the newest verified recovery point of series orders');
  });

  test('what was never verified is not proven', () => {
    madeDaysAgo(0);
    expect(look().result.reason).toMatch(/^series orders has no verified recovery point in this repository that can be read: nobody knows/);
  });

  test('a recovery point whose manifest is damaged or gone counts for nothing', () => {
    const good = madeDaysAgo(2, true);
    const damaged = madeDaysAgo(0);
    writeFileSync(join(job.repository, 'orders', damaged, 'manifest.json'), '{');
    const { result, log } = look();
    expect(result).toMatchObject({ verdict: 'failed', id: good });
    expect(log).toContain(`recovery point ${damaged} counts for nothing: `);
    rmSync(join(job.repository, 'orders', damaged, 'manifest.json'));
    expect(look().result).toMatchObject({ verdict: 'failed', id: good });
  });

  test('a recovery point of the future is not young', () => {
    const good = madeDaysAgo(2, true);
    madeDaysAgo(-3);
    expect(look().result).toMatchObject({ verdict: 'failed', id: good });
  });

  test('a repository that is empty, and one that is gone, fail', () => {
    expect(look().result.reason).toMatch(/^nothing was ever stored in this repository: no backup of series orders has succeeded/);
    rmSync(job.repository, { recursive: true });
    expect(look().result).toMatchObject({ verdict: 'failed' });
  });
});
