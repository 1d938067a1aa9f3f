import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareImages } from '../../rehearsal';
import { Job } from '../../shell/job';
import { imageNamed } from '../support/images';

// What pruning removes from a restic repository, and what it must not.

const LAST_TWO = { RETENTION: 'last=2 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1' };

let job: Job;
let tools: string;

beforeEach(async () => {
  tools = join(imageNamed(await prepareImages(), 'restic/restic:0.18.0').root, 'usr/bin');
  job = new Job({ dump: 'put data.txt seq 1 200; put more.txt echo more; fact rows 200', verify: 'fact rows 200', restore: ':' }, tools);
});

afterEach(() => job.remove());

function restic(args: string[], input = ''): string {
  const env = { PATH: process.env.PATH, RESTIC_REPOSITORY: join(job.repository, 'restic'), RESTIC_PASSWORD: 'a key' };
  return execFileSync(join(tools, 'restic'), ['--no-cache', ...args], { env, input, encoding: 'utf8' });
}

/** The names of all snapshots. */
function names(): string[] {
  return JSON.parse(restic(['snapshots', '--json']))
    .map((snapshot: { paths: string[] }) => snapshot.paths[0]?.slice(1))
    .sort();
}

function backup(): string {
  const { result, log } = job.run('backup', LAST_TWO);
  expect(result.verdict, log).toBe('published');
  expect(log).not.toContain('WARNING');
  return String(result.id);
}

const membersOf = (id: string) => ['data.txt', 'manifest.json', 'more.txt'].map(name => `orders@${id}@${name}`);

test('a recovery point goes with all its members, and the newest verified one stays', () => {
  const verified = backup();
  expect(job.run('verify').result.verdict).toBe('verified');
  const ids = [backup(), backup(), backup()];
  expect(names()).toEqual([...membersOf(verified), `orders@${verified}@verified.json`, ...ids.slice(-2).flatMap(membersOf)].sort());
});

test('members without a manifest go once no run can still be at work on them, and those of another series stay', () => {
  const id = backup();
  const leave = (name: string, ...time: string[]) =>
    restic(['backup', '--quiet', ...time, '--host', name.split('@')[0] ?? '', '--stdin', '--stdin-filename', name], 'x');
  const longAgo = ['--time', '2020-01-01 00:00:00'];
  leave('orders@20200101T000000Z-aaaaa@data.txt', ...longAgo);
  // A mirror makes copies of recovery points that are old: when it was stored is what counts.
  leave('orders@20200101T000000Z-bbbbb@data.txt');
  leave('users@20200101T000000Z-aaaaa@data.txt', ...longAgo);
  const next = backup();
  expect(names()).toEqual(
    [...membersOf(id), ...membersOf(next), 'orders@20200101T000000Z-bbbbb@data.txt', 'users@20200101T000000Z-aaaaa@data.txt'].sort(),
  );
});

test('what somebody has removed by hand is named: a member by the verification, a manifest by every run', () => {
  const [older, newer] = [backup(), backup()];
  expect(job.run('verify').result).toMatchObject({ verdict: 'verified', reason: '' });
  const forget = (name: string) =>
    restic(['forget', JSON.parse(restic(['snapshots', '--json'])).find(({ paths }: { paths: string[] }) => paths[0] === `/${name}`).id]);
  forget(`orders@${older}@more.txt`);
  expect(job.run('verify').result).toMatchObject({
    verdict: 'failed',
    id: newer,
    reason: expect.stringContaining(`recovery point ${older} has lost 1 of its 2 members: their snapshots have been removed`),
  });
  forget(`orders@${newer}@manifest.json`);
  expect(job.run('restore', { RECOVERY_POINT: 'newest' }).result.reason).toContain(
    `recovery point ${newer} has lost the snapshot of its manifest.json, and is ignored`,
  );
});
