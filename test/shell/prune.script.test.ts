import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';
import { inEachShell } from './shells';

// Pruning as a job of its own.

const POINTS = ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z'];
const LAST = { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' };

let job: Job;
beforeEach(() => {
  job = new Job({ dump: 'put data.txt echo data; fact rows 1; for id in $(printenv BUILDS_ON); do needs "$id"; done' });
});
afterEach(() => job.remove());

inEachShell('%s', shell => {
  test('removes what the retention does not keep, and says so', () => {
    const ids = job.backupsAt(POINTS);
    const { code, result, log } = job.run('prune', LAST, shell);
    expect({ code, ...result }, log).toMatchObject({ code: 0, what: 'prune', series: 'orders', verdict: 'pruned', reason: '' });
    expect(log).toContain('2 of 3 recovery points were pruned');
    expect(job.points()).toEqual(ids.slice(-1));
    expect(job.run('prune', LAST, shell).log).toContain('0 of 1 recovery points were pruned');
  });
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

test('a backlog of years in a restic repository goes, though its ids are more than a program may be given at once', {
  timeout: 120_000,
}, () => {
  const tools = join(job.directory, 'tools');
  mkdirSync(tools);
  const MEMBERS = ['manifest.json', ...Array.from({ length: 39 }, (_, index) => `data-${index}`)];
  const points = Array.from({ length: 900 }, (_, index) =>
    new Date(Date.UTC(2024, 0, 1) + index * 900_000).toISOString().replace(/[-:]|\.\d+/g, ''),
  );
  const snapshots = points.flatMap((time, index) =>
    MEMBERS.map((name, member) => ({
      time: '2024-01-01T00:00:00Z',
      paths: [`/orders@${time}-aaaaa@${name}`],
      id: (MEMBERS.length * index + member).toString(16).padStart(64, '0'),
    })),
  );
  writeFileSync(join(tools, 'snapshots'), JSON.stringify(snapshots));
  // As restic 0.18 is called; it takes what it is given.
  writeFileSync(
    join(tools, 'restic'),
    `#!/bin/sh
case "$*" in
  *' snapshots '*) cat '${tools}/snapshots' ;;
  *' forget '*) shift 4; printf '%s\\n' "$@" >>'${tools}/forgotten' ;;
esac
`,
    { mode: 0o755 },
  );
  const big = new Job({}, tools);
  const { result, log } = big.run('prune', LAST);
  big.remove();
  expect(result, log.slice(0, 2000)).toMatchObject({ verdict: 'pruned', reason: '' });
  expect(log).toContain('899 of 900 recovery points were pruned');
  expect(log.length).toBeLessThan(10_000);
  const forgotten = readFileSync(join(tools, 'forgotten'), 'utf8').trim().split('\n');
  expect(forgotten).toHaveLength(MEMBERS.length * 899);
  // Manifests go first.
  expect(forgotten.slice(0, 899).every(id => Number.parseInt(id, 16) % MEMBERS.length === 0)).toBe(true);
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
  expect(result.reason).toBe(
    'series users has no recovery point in this repository: is this the repository that the backups are written to?',
  );
});

test('fails: a policy that cannot be read removes nothing', () => {
  const ids = job.backupsAt(POINTS);
  const { code, result } = job.run('prune', { RETENTION: 'last=0' });
  expect(code).toBe(1);
  expect(result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/^pruning failed, and the next run prunes again/) });
  expect(job.points()).toEqual(ids);
});
