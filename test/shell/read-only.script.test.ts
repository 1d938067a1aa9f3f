import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';

// Verifications and restores have a repository of plain files to read only, but for one directory: that in which a verification notes what
// it has verified, or that of the safety backups.

const LAST = { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' };

let job: Job;
let marks: string;
beforeEach(() => {
  job = new Job({
    dump: 'put data.txt seq 1 200; fact rows 1',
    verify: 'get data.txt >/dev/null; eval "$(printenv MISCHIEF)"; fact rows 1; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
    restore: ':',
  });
  marks = join(job.directory, 'marks');
  mkdirSync(marks);
});
afterEach(() => job.remove());

/** In mounts of its own, as the pod of a verification has them. */
const CONFINED = (directory: string, mountedAt: string) => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mount --bind "$REPOSITORY_PATH/${directory}" "${mountedAt}" && mount --bind "$REPOSITORY_PATH" "$REPOSITORY_PATH" &&
    mount -o remount,bind,ro "$REPOSITORY_PATH" && exec sh "$@"`,
  'sh',
];
const verify = (different: object = {}) =>
  job.run('verify', { MARKS_PATH: marks, ...different }, CONFINED('.state-$SERIES', '$MARKS_PATH'));
const state = () => readdirSync(join(job.repository, '.state-orders')).sort();

test('notes what it has verified beside the recovery points, and they go together', () => {
  const { id } = job.run('backup').result;
  const { result, log } = verify();
  expect(result, log).toMatchObject({ verdict: 'verified', id, reason: '' });
  expect(state()).toEqual([`${id}.verified.json`, 'reading']);
  expect(JSON.parse(readFileSync(join(job.repository, '.state-orders', `${id}.verified.json`), 'utf8'))).toMatchObject({ id });
  expect(job.run('restore').result).toMatchObject({ id, reason: '' });
  const next = job.run('backup', LAST).result.id;
  // The newest verified one stays.
  expect(job.points()).toEqual([id, next]);
  expect(verify().result).toMatchObject({ id: next });
  job.run('backup', LAST);
  expect(job.points()).not.toContain(id);
  expect(state()).toEqual([`${next}.verified.json`, 'reading']);
});

test('counts what older versions have noted in the recovery points themselves', () => {
  const { id } = job.run('backup').result;
  expect(job.run('verify').result.verdict).toBe('verified');
  expect(existsSync(join(job.repository, 'orders', String(id), 'verified.json'))).toBe(true);
  job.run('backup');
  expect(job.run('restore').result.id).toBe(id);
});

test('can erase nothing', () => {
  job.run('backup');
  job.run('backup', { SERIES: 'users' });
  const { result } = verify({ MISCHIEF: 'rm -rf "$REPOSITORY_PATH"/* 2>/dev/null || :' });
  expect(result).toMatchObject({ verdict: 'verified' });
  expect([job.points().length, job.points('users').length]).toEqual([1, 1]);
});

describe('a restore', () => {
  const safety = () => ({ SAFETY_PATH: join(job.directory, 'safety'), MARKS_PATH: join(job.directory, 'safety') });
  const restore = (different: object = {}) => {
    mkdirSync(join(job.directory, 'safety'), { recursive: true });
    return job.run('restore', { ...safety(), RECOVERY_POINT: 'newest', ...different }, CONFINED('$SAFETY_SERIES', '$SAFETY_PATH'));
  };

  test('puts a safety backup into its series, and can erase nothing else', () => {
    const { id } = job.run('backup').result;
    job.engine({ restore: 'rm -rf "$REPOSITORY_PATH"/* 2>/dev/null || :; [ ! -w "$REPOSITORY_PATH/$SERIES" ]' });
    const { result, log } = restore({ SAFETY_BACKUP: 'yes' });
    expect(result, log).toMatchObject({ verdict: 'restored', id, reason: '' });
    expect([job.points().length, job.points('orders-safety').length]).toEqual([1, 1]);
    const [saved = ''] = job.points('orders-safety');
    expect(restore({ SERIES: 'orders-safety' }).result).toMatchObject({ verdict: 'restored', id: saved, reason: '' });
  });

  test('that is killed is told by the next one, without a right to write to the series', () => {
    job.run('backup');
    job.engine({ restore: 'kill -KILL 0' });
    expect(restore().result).toMatchObject({ verdict: 'failed' });
    writeFileSync(join(job.repository, 'orders-safety', '.running-restore'), 'orders-restore-1-abcde, begun 2026-01-01T00:00:00Z\n');
    job.engine({ restore: ':' });
    expect(restore().result.reason).toMatch(/^the restore before this one gave no verdict: .*\(orders-restore-1-abcde/);
  });
});

test('keeps pruning away by the lock of a file, which NFS shares among its clients', () => {
  job.run('backup');
  const reading = spawn('flock', ['--shared', '--no-fork', join(job.repository, '.state-orders', 'reading'), 'sleep', '30'], {
    stdio: 'ignore',
  });
  execFileSync('sleep', ['0.3']);
  expect(job.run('backup', LAST).result).toMatchObject({ verdict: 'published', reason: expect.stringContaining('nothing is pruned') });
  reading.kill();
  expect(job.points()).toHaveLength(2);
  job.run('backup', LAST);
  expect(job.points()).toHaveLength(1);
});

test.each(['verify', 'restore'])('a %s that has noted that it runs still keeps pruning away', operation => {
  const alone = 'if flock -n "$REPOSITORY_PATH/.state-$SERIES/reading" true; then die "nothing keeps pruning away"; fi';
  job.run('backup');
  job.engine({ verify: `${alone}; [ -s "$REPOSITORY_PATH/$SERIES/.running-verify" ]; fact rows 1`, restore: alone });
  expect(job.run(operation).result.verdict).not.toBe('failed');
  expect(readdirSync(join(job.repository, 'orders')), 'the note is gone with its run').not.toContain(`.running-${operation}`);
});

test('where the kubelet has made these directories before there was a backup, the backup puts that right', () => {
  const asUser = ['setpriv', '--reuid=4711', '--regid=4711', '--clear-groups', 'sh'];
  for (const name of ['.state-orders', 'orders-safety']) mkdirSync(join(job.repository, name));
  const SCRATCH = join(job.directory, 'own');
  mkdirSync(SCRATCH);
  execFileSync('chown', ['4711:4711', job.repository, job.directory, SCRATCH]);
  const { result, log } = job.run('backup', { SCRATCH }, asUser);
  expect(result, log).toMatchObject({ verdict: 'published', reason: '' });
  expect(state()).toEqual(['reading']);
  expect(statSync(join(job.repository, 'orders-safety')).uid).toBe(4711);
});
