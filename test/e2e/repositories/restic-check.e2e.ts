import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareImages } from '../../rehearsal';
import { Job } from '../../shell/job';
import { flipBit } from '../support/faults';
import { imageNamed } from '../support/images';

// A restic repository that is read a part at a time: whichever pack is damaged, the one run of a cycle that reads it finds it.

const PARTS = 3;
const KEEP_ALL = { RETENTION: 'all' };
let job: Job;
let tools: string;

beforeAll(async () => {
  tools = join(imageNamed(await prepareImages(), 'restic/restic:0.18.0').root, 'usr/bin');
  job = new Job({ dump: 'put data.bin head -c 50000 /dev/urandom; fact rows 1', verify: 'fact rows 1' }, tools);
});

afterAll(() => job.remove());

function verify(): { verdict: unknown; reason: unknown; parts: number[]; log: string } {
  const { result, log } = job.run('verify', { CHECK_DATA_OVER: String(PARTS) });
  const parts = [...log.matchAll(/read part (\d) of 3 of the repository's data/g)].map(([, part]) => Number(part));
  return { verdict: result.verdict, reason: result.reason, parts, log };
}

function backup(retention: { [name: string]: string } = KEEP_ALL): void {
  const { result, log } = job.run('backup', retention);
  expect(result.verdict, log).toBe('published');
}

const packs = () => {
  const data = join(job.repository, 'restic', 'data');
  return readdirSync(data, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
};
const sizeOf = (file: string) => statSync(file).size;
/** As restic divides them: by the first byte of a name. */
const partOf = (pack: string) => (Number.parseInt(pack.split('/').at(-1)?.slice(0, 2) ?? '', 16) % PARTS) + 1;
const checks = () => readdirSync(join(job.repository, 'restic', 'snapshots')).length;

/** A pack of each part, that only older recovery points need. */
const victims = new Map<number, string>();

test('a repository whose parts have something in them', () => {
  backup();
  for (let backups = 0; victims.size < PARTS && backups < 20; backups += 1) {
    const before = new Set(packs());
    backup();
    // Of a run's packs the largest is the data; trees are read by every check.
    const [largest = ''] = packs()
      .filter(pack => !before.has(pack))
      .sort((a, b) => sizeOf(b) - sizeOf(a));
    victims.set(partOf(largest), largest);
  }
  backup();
  expect([...victims.keys()].sort()).toEqual([1, 2, 3]);
});

test('damage in the third part is found by the third run, and by each one after it until it is mended', () => {
  flipBit(victims.get(3) ?? '');
  expect(verify()).toMatchObject({ verdict: 'verified', parts: [1] });
  expect(verify()).toMatchObject({ verdict: 'verified', parts: [2] });
  for (let again = 0; again < 2; again += 1)
    expect(verify()).toMatchObject({
      verdict: 'failed',
      parts: [],
      reason: expect.stringMatching(
        /^the newest recovery point \S+ is good, but the repository is not: restic check: .*(pack|damaged|errors)/,
      ),
      log: expect.stringContaining('checking again, with the repository locked'),
    });
  flipBit(victims.get(3) ?? '');
  expect(verify()).toMatchObject({ verdict: 'verified', parts: [3] });
});

test.each([1, 2])('in the next cycle, damage in part %i is found when that part is read', part => {
  flipBit(victims.get(part) ?? '');
  expect(verify()).toMatchObject({ verdict: 'failed', parts: [] });
  flipBit(victims.get(part) ?? '');
  expect(verify()).toMatchObject({ verdict: 'verified', parts: [part] });
});

test('pruning leaves the newest note of a check, and the next one goes on from it', () => {
  const before = checks();
  backup({ RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' });
  expect(checks()).toBeLessThan(before);
  expect(verify()).toMatchObject({ verdict: 'verified', parts: [3] });
});

test("a check that another run's lock keeps away is no good word: it is named, and fails when there was none three times in a row", async () => {
  const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: join(job.repository, 'restic'), RESTIC_PASSWORD: 'a key' };
  const holder = spawn(join(tools, 'restic'), ['--no-cache', 'backup', '--stdin-from-command', '--', 'sleep', '600'], {
    env,
    stdio: 'ignore',
  });
  while (readdirSync(join(job.repository, 'restic', 'locks')).length === 0) await new Promise(resolve => setTimeout(resolve, 50));
  const look = () => job.run('verify', { REPOSITORY_WAIT: '5' });
  for (const times of [1, 2]) {
    const { result, log } = look();
    expect(result, log).toMatchObject({
      verdict: 'verified',
      reason: expect.stringMatching(/^only this recovery point of the repository was checked this time/),
    });
    expect(result.reason).toContain(`this was number ${times}`);
    expect(log).toContain('at most: it is locked by');
    expect(log).not.toContain('the repository is intact');
  }
  for (const times of [3, 4])
    expect(look().result).toMatchObject({
      verdict: 'failed',
      reason: expect.stringMatching(
        new RegExp(
          `^recovery point \\S+ is good, but nothing else in the repository has been checked in ${times} verifications in a row: .*locked by another run`,
        ),
      ),
    });
  // Pruning leaves the count.
  holder.kill('SIGKILL');
  await new Promise(resolve => holder.once('exit', resolve));
  execFileSync(join(tools, 'restic'), ['--no-cache', 'unlock', '--remove-all'], { env, stdio: 'ignore' });
  const kept = checks();
  backup({ RETENTION: 'last=1 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' });
  expect(kept).toBeGreaterThan(4);
  expect(look().result).toMatchObject({ verdict: 'verified', reason: '' });
  expect(look().log).toContain('the repository is intact');
});
