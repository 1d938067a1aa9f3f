import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { Random } from '../../random';
import { prepareImages } from '../../rehearsal';
import { AWKS, kept, points, policy } from '../../shell/awk';
import { imageNamed } from '../support/images';

/** Policies whose rules are all used up by the snapshots: newer versions of restic also keep the oldest while one is not. */
const DAY = 86_400;
const POLICIES: { [rule: string]: number }[] = [
  { within: 3 * DAY },
  { within: 40 * DAY, monthly: 1 },
  { last: 4 },
  { hourly: 9 },
  { daily: 6, yearly: 1 },
  { weekly: 4 },
  { last: 2, hourly: 6, daily: 4, weekly: 3, monthly: 2, yearly: 1 },
];

// Most of the time is restic deriving its key anew for each command, so a few run at once.
test('retention keeps what `restic forget` keeps', async () => {
  const program = join(imageNamed(await prepareImages(), 'restic/restic:0.18.0').root, 'usr/bin/restic');
  const repository = mkdtempSync(join(tmpdir(), 'retention-'));
  const restic = async (...args: string[]) => {
    const env = { ...process.env, TZ: 'UTC', RESTIC_PASSWORD: 'test' };
    const command = promisify(execFile)(program, ['--repo', repository, '--no-cache', '--quiet', ...args], { env });
    command.child.stdin?.end('x');
    return (await command).stdout;
  };
  try {
    await restic('init');
    const ids = points(new Random(5), 26, '2025-12-01').map(line => line.split(' ')[0] ?? '');
    await inParallel(ids, async id => {
      const time = id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*/, '$1-$2-$3 $4:$5:$6');
      await restic('backup', '--stdin', '--stdin-filename', 'x', '--host', 'x', '--tag', id, '--time', time);
    });
    await inParallel(POLICIES, async rules => {
      const flags = Object.entries(rules).map(([rule, count]) => `--keep-${rule}=${rule === 'within' ? `${count / DAY}d` : count}`);
      const [group] = JSON.parse(await restic('forget', '--dry-run', '--no-lock', '--json', '--group-by', 'host', ...flags));
      const expected = group.keep.map((snapshot: { tags: string[] }) => snapshot.tags[0]);
      const listing = ids.map(id => `${id} unverified`);
      for (const awk of AWKS) {
        expect(kept(awk, policy(rules), listing), JSON.stringify(rules)).toEqual(expected.sort().reverse());
      }
    });
  } finally {
    rmSync(repository, { recursive: true });
  }
});

async function inParallel<T>(things: T[], work: (thing: T) => Promise<void>): Promise<void> {
  const queue = [...things];
  const worker = async () => {
    for (let thing = queue.shift(); thing !== undefined; thing = queue.shift()) {
      await work(thing);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}
