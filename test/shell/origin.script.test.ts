import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job } from './job';

// Pods that run elsewhere than where they were made for, and series that come from elsewhere.

let job: Job;
beforeEach(() => {
  job = new Job({
    dump: 'put data.txt seq 1 200; fact rows 1',
    verify: 'fact rows 1; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"',
    restore: ': >"$SCRATCH/../restored"',
    'log-choose': 'echo log',
    'log-pack': 'put log echo x; fact files 1',
    'log-stored': ':',
  });
});
afterEach(() => job.remove());

const SHOP = { MADE_FOR_NAMESPACE: 'shop', POD_NAMESPACE: 'shop' };
const COPY = { MADE_FOR_NAMESPACE: 'shop', POD_NAMESPACE: 'drill' };
const DRILL = { MADE_FOR_NAMESPACE: 'drill', POD_NAMESPACE: 'drill' };
const KEEP = { RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' };

describe('in a copy of its namespace', () => {
  test.each(['backup', 'verify', 'prune', 'reencrypt', 'renew-locks', 'add-key', 'archive'])('a %s refuses', operation => {
    job.run('backup', SHOP);
    const { code, result } = job.run(operation, { ...COPY, ...KEEP, SPOOL: job.directory });
    expect({ code, ...result }).toMatchObject({
      code: 78,
      verdict: 'failed',
      reason: expect.stringMatching(
        /^this job is a copy: it was made for namespace shop, and runs in drill\. Nothing was done\. Suspend this job/,
      ),
    });
    expect(job.points()).toHaveLength(1);
  });

  test('a mirror refuses', () => {
    job.run('backup', SHOP);
    expect(job.runMirror({ RETENTION: 'all', ...COPY }).result).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(/is a copy/),
    });
    expect(job.runMirror({ RETENTION: 'all', ...SHOP }).result).toMatchObject({ verdict: 'mirrored', reason: '' });
  });

  test('a restore restores into the copy where it can do no harm, and writes no safety backup', () => {
    job.run('backup', SHOP);
    expect(job.run('restore', COPY).result).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/is a copy/) });
    const here = { ...COPY, ALSO_IN_COPIES: 'yes' };
    expect(job.run('restore', { ...here, SAFETY_BACKUP: 'yes' }).result.reason).toMatch(/set safetyBackup to no$/);
    const { result } = job.run('restore', here);
    expect(result).toMatchObject({
      verdict: 'restored',
      reason: expect.stringMatching(/is a copy: .* restores to the server of that name here/),
    });
  });

  test('what was made for no namespace runs in any', () => {
    expect(job.run('backup', { POD_NAMESPACE: 'drill' }).result.verdict).toBe('published');
  });
});

test('in another cluster with a namespace of that name it refuses, where it knows its own', () => {
  const CLUSTER_AUTHORITY = join(job.directory, 'ca.crt');
  writeFileSync(CLUSTER_AUTHORITY, 'an authority');
  const MADE_FOR_CLUSTER = createHash('sha256').update('an authority').digest('hex');
  const known = { ...SHOP, CLUSTER_AUTHORITY, MADE_FOR_CLUSTER };
  expect(job.run('backup', known).result).toMatchObject({ verdict: 'published', reason: '' });
  writeFileSync(CLUSTER_AUTHORITY, 'another authority');
  expect(job.run('backup', known).result.reason).toMatch(/made for the cluster whose certificate authority has the SHA-256/);
  // A series of a known cluster is that cluster's.
  const elsewhere = { ...known, MADE_FOR_CLUSTER: createHash('sha256').update('another authority').digest('hex') };
  expect(job.run('backup', elsewhere).result.reason).toContain(`comes from 'shop@${MADE_FOR_CLUSTER}'`);
  expect(job.run('backup', { ...elsewhere, TAKES_OVER_FROM: `shop@${MADE_FOR_CLUSTER}` }).result.verdict).toBe('published');
  expect(job.run('backup', known).code).toBe(78);
});

describe('a series', () => {
  test('of another namespace is not written into, until somebody says that it has moved', () => {
    const { id } = job.run('backup', SHOP).result;
    const manifest = readFileSync(join(job.repository, 'orders', String(id), 'manifest.json'), 'utf8');
    expect(JSON.parse(manifest)).toMatchObject({ origin: 'shop' });
    const { code, result } = job.run('backup', DRILL);
    expect({ code, ...result }).toMatchObject({
      code: 78,
      verdict: 'failed',
      reason: expect.stringMatching(/^series orders comes from 'shop' /),
    });
    expect(result.reason).toContain("set takesOverFrom: 'shop'");
    expect(job.points()).toEqual([id]);
    expect(job.run('restore', { ...DRILL, SAFETY_BACKUP: 'yes' }).result.verdict).toBe('restored');
    expect(job.run('backup', { ...DRILL, TAKES_OVER_FROM: 'other' }).code).toBe(78);
    expect(job.run('backup', { ...DRILL, TAKES_OVER_FROM: 'shop' }).result.verdict).toBe('published');
    expect(job.run('backup', DRILL).result.verdict).toBe('published');
    expect(job.run('backup', SHOP).result.reason).toMatch(/^series orders comes from 'drill' /);
  });

  test('of a log, too; and a copy in a mirror keeps its origin', () => {
    job.run('backup', SHOP);
    const spool = join(job.directory, 'spool');
    mkdirSync(spool);
    const log = (place: object) =>
      job.run('archive', { SERIES: 'orders-log', SPOOL: spool, ARCHIVE_PATIENCE: '0', ARCHIVE_HEARTBEAT: '0', ...place });
    expect(log(SHOP).result.verdict).toBe('published');
    expect(log(DRILL).result.reason).toMatch(/^series orders-log comes from 'shop' /);
    job.runMirror({ RETENTION: 'all', ...SHOP });
    const copied = join(job.mirror, 'orders', job.points('orders', job.mirror)[0] ?? '', 'manifest.json');
    expect(JSON.parse(readFileSync(copied, 'utf8'))).toMatchObject({ origin: 'shop' });
  });
});

test('a series whose newest manifest is damaged still comes from where it did', () => {
  const ALL = { RETENTION: 'all' };
  job.run('backup', { ...SHOP, ...ALL });
  const newest = String(job.run('backup', { ...SHOP, ...ALL }).result.id);
  writeFileSync(join(job.repository, 'orders', newest, 'manifest.json'), '');
  expect(job.run('backup', { ...DRILL, ...ALL }).result).toMatchObject({
    verdict: 'failed',
    reason: expect.stringMatching(/^series orders comes from 'shop'/),
  });
  expect(job.run('backup', { ...SHOP, ...ALL }).result.verdict).toBe('published');
});
