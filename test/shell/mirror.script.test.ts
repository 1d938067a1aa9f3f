import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';
import { inEachShell } from './shells';

// What a mirror copies and what it leaves, with an engine whose data are a line of text.

const TIMES = ['20260101T000000Z', '20260102T000000Z', '20260103T000000Z'];
const keep = (last: number) => `last=${last} hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1`;
const ALL = { RETENTION: 'all' };

let job: Job;
beforeEach(() => {
  job = new Job({
    dump: 'put data.txt echo "data of $POINT"; put more.txt seq 1 100; fact rows 1; about version "1 \\"two\\""; for id in $(printenv BUILDS_ON); do needs "$id"; done',
    verify: 'get data.txt >/dev/null; fact rows 1; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
  });
});
afterEach(() => job.remove());

const mirrored = (series?: string) => job.points(series, job.mirror);
const manifest = (repository: string, id: string) => JSON.parse(readFileSync(join(repository, 'orders', id, 'manifest.json'), 'utf8'));

/** One bit of a member is not what was written. */
function damage(id: string, name = 'more.txt.gz'): void {
  const file = join(job.repository, 'orders', id, name);
  chmodSync(file, 0o600);
  const bytes = readFileSync(file);
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

inEachShell('a mirror, in %s', shell => {
  test('has what the repository has: ids, facts and times as they were, and digests of its own', () => {
    const ids = job.backupsAt(TIMES.slice(1));
    const { result, log } = job.runMirror(ALL, shell);
    expect(result, log).toMatchObject({ what: 'mirror', id: ids.at(-1), verdict: 'mirrored', reason: '', bytes: 2 * (31 + 292) });
    expect(mirrored()).toEqual(ids);
    const id = ids[0] ?? '';
    const { members, bytes, ...copied } = manifest(job.mirror, id);
    const { members: sourceMembers, bytes: sourceBytes, ...original } = manifest(job.repository, id);
    expect(copied).toEqual(original);
    expect(bytes).not.toBe(sourceBytes);
    expect(members.map(({ name }: { name: string }) => name)).toEqual(sourceMembers.map(({ name }: { name: string }) => name));
    expect(readFileSync(join(job.mirror, 'orders', id, 'data.txt'), 'utf8')).toMatch(/^data of /);
    expect(job.run('verify', { REPOSITORY_PATH: job.mirror }, shell).result).toMatchObject({ id: ids[1], verdict: 'verified' });

    const again = job.runMirror(ALL, shell);
    expect(again.result).toMatchObject({ id: ids[1], bytes: 0, verdict: 'mirrored' });
  });

  test('leaves out what is damaged, names it, and copies the rest', () => {
    const [first = '', second = '', third = ''] = job.backupsAt(TIMES);
    damage(second);
    const { code, result } = job.runMirror(ALL, shell);
    expect(code).toBe(1);
    expect(result).toMatchObject({ id: third, verdict: 'failed' });
    expect(result.reason).toContain(
      `1 of the recovery points of series orders could not be read from the source repository; everything else was copied. ${second}: recovery point ${second} is damaged: more.txt.gz`,
    );
    expect(mirrored()).toEqual([first, third]);
  });
});

describe('what a mirror keeps', () => {
  test('is by its own rules: nothing is copied to be dropped, and nothing goes because the repository lost it', () => {
    const [first = '', second = '', third = ''] = job.backupsAt(TIMES);
    const { log } = job.runMirror({ RETENTION: keep(2) });
    expect(log).not.toContain(`copied ${first}`);
    expect(mirrored()).toEqual([second, third]);
    rmSync(join(job.repository, 'orders', third), { recursive: true });
    rmSync(join(job.repository, 'orders', second), { recursive: true });
    expect(job.runMirror({ RETENTION: keep(2) }).result).toMatchObject({ id: third, verdict: 'mirrored' });
    expect(mirrored()).toEqual([second, third]);
    const [fourth = ''] = job.backupsAt(['20260104T000000Z']);
    expect(job.runMirror({ RETENTION: keep(2) }).result.id).toBe(fourth);
    expect(mirrored()).toEqual([third, fourth]);
  });

  test('that a recovery point was verified is not copied with it', () => {
    job.backupsAt(TIMES.slice(0, 1));
    expect(job.run('verify').result.verdict).toBe('verified');
    job.runMirror(ALL);
    expect(existsSync(join(job.mirror, 'orders', mirrored()[0] ?? '', 'verified.json'))).toBe(false);
  });

  test('what a recovery point builds on comes with it; and without that it does not come', () => {
    const [first = ''] = job.backupsAt(TIMES.slice(0, 1));
    job.engine({ dump: `put data.txt echo more; fact rows 1; needs ${first}` });
    const [second = ''] = job.backupsAt(TIMES.slice(1, 2));
    damage(first, 'data.txt.gz');
    const lost = job.runMirror({ RETENTION: keep(1), CHAINS: 'yes' });
    expect(lost.code).toBe(1);
    expect(lost.result.reason).toContain(`${second}: it builds on ${first}, which is not in the mirror`);
    damage(first, 'data.txt.gz');
    expect(job.runMirror({ RETENTION: keep(1), CHAINS: 'yes' }).result).toMatchObject({ id: second, verdict: 'mirrored' });
    expect(mirrored()).toEqual([first, second]);
  });

  test('of the archived log, what its own recovery points need', () => {
    const ids = job.backupsAt(TIMES);
    job.engine({ dump: 'put data.txt echo log; fact rows 1' });
    const batches = job.backupsAt(
      ['20251231T000000Z', '20251231T120000Z', '20260101T120000Z', '20260102T120000Z', '20260103T120000Z'],
      'orders-log',
    );
    const { result, log } = job.runMirror({ RETENTION: keep(2), HAS_LOG: 'yes' });
    expect(result, log).toMatchObject({ id: ids.at(-1), verdict: 'mirrored' });
    expect(mirrored('orders-log')).toEqual(batches.slice(2));
    expect(job.runMirror({ RETENTION: keep(2), HAS_LOG: 'yes' }).log).toContain('copied 0 batches');
  });
});

describe('a mirror', () => {
  test('of a series that is empty fails; and when all that it has is gone where it came from', () => {
    const empty = job.runMirror(ALL);
    expect(empty.code).toBe(78);
    expect(empty.result).toMatchObject({
      id: '',
      verdict: 'failed',
      reason: expect.stringMatching(/^series orders has no recovery point in the source repository: nothing was copied/),
    });
    const ids = job.backupsAt(TIMES.slice(0, 1));
    job.runMirror(ALL);
    rmSync(join(job.repository, 'orders'), { recursive: true });
    const { code, result } = job.runMirror(ALL);
    expect(code).toBe(78);
    expect(result.reason).toBe('the source repository no longer has any recovery point of series orders; the mirror keeps its 1');
    expect(mirrored()).toEqual(ids);
  });

  test('publishes nothing that is not what was read, even where its repository finds nothing wrong with it', () => {
    job.backupsAt(TIMES.slice(0, 1));
    job.kind('liar', 'compress() { sed s/of/or/; }');
    const { code, result } = job.runMirror({ ...ALL, REPOSITORY_FOLDER: 'liar' });
    expect(code).toBe(1);
    expect(result.reason).toMatch(
      /^the copy of data\.txt of \S+ differs from its source: its SHA-256 is [0-9a-f]{64}\. It was not published/,
    );
    expect(mirrored()).toEqual([]);
  });
});

test('what has lost its manifest in the source is named, as its copy is missed', () => {
  const older = job.run('backup').result.id;
  const newest = job.run('backup').result.id;
  rmSync(join(job.repository, 'orders', String(newest), 'manifest.json'));
  expect(job.runMirror().result).toMatchObject({
    verdict: 'mirrored',
    id: older,
    reason: `in the source repository: recovery point ${newest} has lost its manifest.json, and is ignored`,
  });
});
