import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Random } from '../random';

export const SCRIPT = join(__dirname, '../../lib/shell/lib/retention.awk');

export const AWKS = [['mawk'], ['gawk'], ['gawk', '--posix'], ['busybox', 'awk'], ['original-awk']].filter(
  ([command = '', ...args]) => spawnSync(command, [...args, 'BEGIN { exit 0 }']).status === 0,
);

export interface Verdict {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param now later than any recovery point of a test unless it says otherwise */
export function run(awk: string[], policy: string, listing: string, now = '20991231T235959Z'): Verdict {
  const [command = '', ...args] = awk;
  return spawnSync(command, [...args, '-v', `policy=${policy}`, '-v', `now=${now}`, '-f', SCRIPT], { input: listing, encoding: 'utf8' });
}

/** A policy, from the rules that matter. */
export function policy(rules: { [rule: string]: number }): string {
  const all = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, 'at-least': 1, ...rules };
  return Object.entries(all)
    .map(([rule, count]) => `${rule}=${count}`)
    .join(' ');
}

export function kept(awk: string[], text: string, listing: string[], now?: string): string[] {
  const { status, stdout, stderr } = run(awk, text, listing.map(line => `${line}\n`).join(''), now);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const lines = stdout.split('\n').slice(0, -1);
  expect(lines.map(line => line.split(' ')[1])).toEqual(
    listing
      .map(line => line.split(' ')[0])
      .sort()
      .reverse(),
  );
  return lines.filter(line => line.startsWith('keep ')).map(line => line.split(' ')[1] ?? '');
}

/** Recovery points at random times, in random order: some a minute apart, some weeks. */
export function points(random: Random, count: number, start = '2024-02-27'): string[] {
  const times = new Set<number>();
  let time = Date.parse(start);
  while (times.size < count) {
    time += random.pick([60, 1800, 3600, 7200, 40_000, 86_400, 3 * 86_400, 20 * 86_400]) * 1000 + random.below(600) * 1000;
    times.add(time);
  }
  const lines = [...times].map(at => {
    const id = new Date(at).toISOString().replace(/[-:]|\.\d+/g, '');
    return `${id}-${random
      .below(36 ** 5)
      .toString(36)
      .padStart(5, '0')} ${random.chance(0.3) ? 'verified' : 'unverified'}`;
  });
  return lines.sort(() => (random.chance(0.5) ? 1 : -1));
}
