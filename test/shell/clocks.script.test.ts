import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';

// Recovery points that a node has made whose clock was wrong.

let job: Job;
beforeEach(() => {
  job = new Job({
    dump: `put data.txt head -c "\${BYTES:-1000}" /dev/urandom; fact rows 1; echo "$(tail -n 1 "$SCRATCH/points" | cut -d " " -f 1)" >"$SCRATCH/../parent"`,
    verify: 'fact rows 1; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
    restore: ':',
  });
});
afterEach(() => job.remove());

const keep = (last: number) => ({ RETENTION: `last=${last} hourly=0 daily=0 weekly=0 monthly=0 yearly=0 within=86400 at-least=1` });
const idOf = (outcome: { result: { [key: string]: unknown } }) => String(outcome.result.id);
const minutes = (days: number) => Math.floor((Date.now() + days * 86_400_000) / 60_000);

describe('a run on a node whose clock is 200 days ahead', () => {
  test('is the newest for nobody, and its size is no measure; it is named, and restored by its id', () => {
    const first = idOf(job.run('backup'));
    const future = idOf(job.run('backup', { ...job.pathOfClock(200), BYTES: '100000' }));
    const third = job.run('backup');
    const fourth = job.run('backup');
    for (const { result, log } of [third, fourth]) {
      expect(result, log).toMatchObject({ verdict: 'published', reason: expect.stringContaining(future) });
      expect(result.reason).toContain('restored only by their ids');
    }
    const newest = idOf(fourth);
    expect(job.points()).toEqual([idOf(third), newest, future]);
    expect(job.points()).not.toContain(first);
    const verification = job.run('verify');
    expect(verification.result, verification.log).toMatchObject({
      verdict: 'verified',
      id: newest,
      reason: expect.stringContaining(future),
    });
    expect(job.run('restore').result).toMatchObject({ id: newest, reason: expect.stringContaining(future) });
    expect(job.run('restore', { RECOVERY_POINT: 'newest' }).result.id).toBe(newest);
    expect(job.run('restore', { RECOVERY_POINT: '2999-01-01T00:00:00Z' }).result.id).toBe(newest);
    expect(job.run('restore', { RECOVERY_POINT: future }).result).toMatchObject({ verdict: 'restored', id: future });
  });

  test('is not what the next one builds on, nor what a mirror takes for the newest', () => {
    const first = idOf(job.run('backup'));
    const future = idOf(job.run('backup', job.pathOfClock(200)));
    job.run('backup');
    expect(readFileSync(join(job.directory, 'parent'), 'utf8')).toBe(`${first}\n`);
    const { result, log } = job.runMirror(keep(9));
    expect(result, log).toMatchObject({ verdict: 'mirrored', id: job.points().at(-2), reason: expect.stringContaining(future) });
    expect(job.points('orders', job.mirror)).not.toContain(future);
    expect(job.points('orders', job.mirror)).toContain(first);
  });

  test('leaves a mirror nothing to copy, which says why', () => {
    job.run('backup', job.pathOfClock(200));
    const { code, result } = job.runMirror(keep(9));
    expect({ code, ...result }).toMatchObject({
      code: 78,
      verdict: 'failed',
      reason: expect.stringContaining('only recovery points dated in the future'),
    });
    expect(result.reason).not.toContain('Has the backup ever run');
  });

  test('of a CronJob says so itself, and prunes nothing by that clock', () => {
    const ids = [job.run('backup'), job.run('backup')].map(idOf);
    const POD_NAME = `orders-backup-${minutes(0)}-abcde`;
    const { result, log } = job.run('backup', { ...job.pathOfClock(200), ...keep(1), POD_NAME });
    expect(result, log).toMatchObject({ verdict: 'published', reason: expect.stringMatching(/^the clock of this node is ahead/) });
    expect(job.points()).toEqual([...ids, result.id]);
    expect(job.run('prune', { ...job.pathOfClock(200), ...keep(1), POD_NAME }).result).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/^the clock of this node is ahead/),
    });
    expect(job.run('backup', { POD_NAME }).result.verdict).toBe('published');
  });
});

test('a series that has recovery points of the future only is verified and restored by ids, and does not stop backups', () => {
  const future = idOf(job.run('backup', job.pathOfClock(200)));
  for (const operation of ['verify', 'restore']) {
    const { code, result } = job.run(operation);
    expect({ code, ...result }).toMatchObject({
      code: 78,
      verdict: 'failed',
      reason: expect.stringMatching(/only recovery points dated in the future/),
    });
    expect(result.reason).toContain(future);
  }
  expect(job.run('restore', { RECOVERY_POINT: future }).result.verdict).toBe('restored');
  expect(job.run('backup').result.verdict).toBe('published');
});

test('clocks that differ by minutes are no matter', () => {
  const older = idOf(job.run('backup'));
  const [ahead = ''] = job.backupsAt([new Date(Date.now() + 1_800_000).toISOString().replace(/[-:]|\.\d+/g, '')]);
  expect(job.run('verify').result).toMatchObject({ verdict: 'verified', id: ahead, reason: '' });
  expect(older < ahead).toBe(true);
});

test('a run on a node whose clock is behind does not publish what pruning would drop', () => {
  job.run('backup');
  const { code, result } = job.run('backup', { ...job.pathOfClock(-200), POD_NAME: `orders-backup-${minutes(0)}-abcde` });
  expect({ code, ...result }).toMatchObject({
    code: 1,
    verdict: 'failed',
    reason: expect.stringMatching(/^the clock of this node is behind: it says .* and this run was due for /),
  });
  expect(job.points()).toHaveLength(1);
  // One that somebody has started does not know when it was due: it says what it sees.
  const byHand = job.run('backup', job.pathOfClock(-200)).result;
  expect(byHand).toMatchObject({ verdict: 'published', reason: expect.stringContaining('Correct the clock that is wrong') });
});
