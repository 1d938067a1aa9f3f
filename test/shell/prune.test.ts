import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job, SHELLS } from './job';

// Pruning as a job of its own.

const POINTS = ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z'];
const LAST = { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' };

let job: Job;
beforeEach(() => {
  job = new Job({ dump: 'put data.txt echo data; fact rows 1; for id in $(printenv BUILDS_ON); do needs "$id"; done' });
});
afterEach(() => job.remove());

test.each(SHELLS)('%s removes what the retention does not keep, and says so', (...shell) => {
  const ids = job.backupsAt(POINTS);
  const { code, result, log } = job.run('prune', LAST, shell);
  expect({ code, ...result }, log).toMatchObject({ code: 0, what: 'prune', series: 'orders', verdict: 'pruned', reason: '' });
  expect(log).toContain('2 of 3 recovery points were removed');
  expect(job.points()).toEqual(ids.slice(-1));
  expect(job.run('prune', LAST, shell).log).toContain('0 of 1 recovery points were removed');
});

test('what a kept recovery point builds on stays', () => {
  const [first = ''] = job.backupsAt(POINTS);
  const next = String(job.run('backup', { RETENTION: '', CHAINS: 'yes', BUILDS_ON: first }).result.id);
  expect(job.run('prune', { ...LAST, CHAINS: 'yes' }).result.verdict).toBe('pruned');
  expect(job.points()).toEqual([first, next]);
});

test('a log goes with the recovery points that needed it', () => {
  job.backupsAt(POINTS);
  const batches = job.backupsAt(POINTS, 'orders-log');
  expect(job.run('prune', { ...LAST, HAS_LOG: 'yes' }).result.verdict).toBe('pruned');
  // The newest of those before the oldest recovery point is read, too.
  expect(job.points('orders-log')).toEqual(batches.slice(-2));
});

describe('a backup', () => {
  test.each([{ RETENTION: '' }, { ...LAST, APPEND_ONLY: 'yes' }])('that leaves pruning to another job removes nothing %#', different => {
    job.backupsAt(POINTS);
    const { result, log } = job.run('backup', different);
    expect(result.verdict, log).toBe('published');
    expect(log).not.toMatch(/prun/);
    expect(job.points()).toHaveLength(4);
  });
});

test('fails: a series that is not there is no empty one', () => {
  job.backupsAt(POINTS);
  const { code, result } = job.run('prune', { ...LAST, SERIES: 'users' });
  expect(code).toBe(78);
  expect(result.reason).toBe('series users has no recovery point in this repository: is it the one that the backups go to?');
});

test('fails: a policy that cannot be read removes nothing', () => {
  const ids = job.backupsAt(POINTS);
  const { code, result } = job.run('prune', { RETENTION: 'last=0' });
  expect(code).toBe(1);
  expect(result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/^pruning failed, and the next run prunes again/) });
  expect(job.points()).toEqual(ids);
});
