import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Random } from '../random';

const SCRIPT = join(__dirname, '../../lib/shell/retention.awk');

const AWKS = [['mawk'], ['gawk'], ['gawk', '--posix'], ['busybox', 'awk'], ['original-awk']].filter(
  ([command = '', ...args]) => spawnSync(command, [...args, 'BEGIN { exit 0 }']).status === 0,
);

test('there is an awk to run', () => {
  expect(AWKS.length).toBeGreaterThan(0);
});

interface Verdict {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(awk: string[], policy: string, listing: string): Verdict {
  const [command = '', ...args] = awk;
  return spawnSync(command, [...args, '-v', `policy=${policy}`, '-f', SCRIPT], { input: listing, encoding: 'utf8' });
}

/** A policy, from the rules that matter. */
function policy(rules: { [rule: string]: number }): string {
  const all = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, 'at-least': 1, ...rules };
  return Object.entries(all)
    .map(([rule, count]) => `${rule}=${count}`)
    .join(' ');
}

function kept(awk: string[], text: string, listing: string[]): string[] {
  const { status, stdout, stderr } = run(awk, text, listing.map(line => `${line}\n`).join(''));
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

/** Recovery points at random times over three years, some close together. */
function points(random: Random, count: number): string[] {
  const times = new Set<number>();
  let time = Date.UTC(2024, 1, 27);
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

describe.each(AWKS.map(awk => ({ name: awk.join(' '), awk })))('$name', ({ awk }) => {
  test('keeps the newest of each period, in UTC, and says why', () => {
    const listing = [
      '20251231T235959Z-aaaaa unverified',
      '20260105T010000Z-bbbbb unverified',
      '20260105T013000Z-ccccc unverified',
      '20260104T235959Z-ddddd verified',
      '20251229T000000Z-eeeee unverified',
      '20251228T235959Z-fffff verified',
      '20240229T120000Z-00000 verified',
    ];
    const text = policy({ last: 1, hourly: 2, daily: 3, weekly: 3, monthly: 2, yearly: 3, 'at-least': 2 });
    expect(run(awk, text, `${listing.join('\n')}\n`)).toMatchObject({
      status: 0,
      stdout: [
        'keep 20260105T013000Z-ccccc last,hourly,daily,weekly,monthly,yearly,at-least',
        'keep 20260105T010000Z-bbbbb at-least',
        // Sunday of ISO week 1 of 2026, which begins on the 29th of December.
        'keep 20260104T235959Z-ddddd hourly,daily,weekly,newest-verified',
        'keep 20251231T235959Z-aaaaa daily,monthly,yearly',
        'drop 20251229T000000Z-eeeee',
        'keep 20251228T235959Z-fffff weekly',
        'keep 20240229T120000Z-00000 yearly',
        '',
      ].join('\n'),
    });
  });

  test.each([
    ['nothing in, nothing out', policy({ daily: 1 }), [], []],
    ['all', 'all', ['20260101T000000Z-aaaaa unverified', '20250101T000000Z-bbbbb verified'], [0, 1]],
    [
      'at-least counts what is not verified',
      policy({ last: 1, 'at-least': 2 }),
      ['20260103T000000Z-a0000 unverified', '20260102T000000Z-a0000 unverified', '20260101T000000Z-a0000 unverified'],
      [0, 1],
    ],
    [
      'the newest verified stays, however old',
      policy({ daily: 1 }),
      [
        '20260103T000000Z-a0000 unverified',
        '20260102T000000Z-a0000 unverified',
        '20200101T000000Z-a0000 verified',
        '20190101T000000Z-a0000 verified',
      ],
      [0, 2],
    ],
    [
      'periods without a point do not count',
      policy({ daily: 2 }),
      ['20260301T000000Z-a0000 verified', '20250301T000000Z-a0000 verified', '20240301T000000Z-a0000 verified'],
      [0, 1],
    ],
    ['two of one second', policy({ last: 1 }), ['20260101T000000Z-b0000 verified', '20260101T000000Z-a0000 verified'], [0]],
    [
      'the pairs of a policy in any order',
      'at-least=1 yearly=0 monthly=0 weekly=0 daily=1 hourly=0 last=0',
      ['20260102T000000Z-a0000 verified', '20260101T000000Z-a0000 verified'],
      [0],
    ],
    ['a leap day of a century', policy({ last: 1 }), ['20000229T000000Z-a0000 verified'], [0]],
  ])('%s', (_name, text, listing, expected) => {
    expect(kept(awk, text, listing)).toEqual(expected.map(index => listing[index]?.split(' ')[0]));
  });

  const GOOD = '20260101T000000Z-aaaaa verified';

  test.each([
    'x',
    '',
    ' 20260102T000000Z-aaaaa verified',
    '20260102T000000Z-aaaaa verified ',
    '20260102T000000Z-aaaaa  verified',
    '20260102T000000Z-aaaaa verified\r',
    '20260102T000000Z-aaaaa',
    '20260102T000000Z-aaaaa verif',
    '20260102T000000Z-aaaaa VERIFIED',
    '20260102T000000Z-aaaa verified',
    '20260102T000000Z-aaaaaa verified',
    '20260102T000000Z-AAAAA verified',
    '20260102T000000-aaaaa verified',
    '2026-01-02T00:00:00Z-aaaaa verified',
    '20260132T000000Z-aaaaa verified',
    '20261301T000000Z-aaaaa verified',
    '20260001T000000Z-aaaaa verified',
    '20260100T000000Z-aaaaa verified',
    '20250229T000000Z-aaaaa verified',
    '21000229T000000Z-aaaaa verified',
    '20260102T240000Z-aaaaa verified',
    '20260102T006000Z-aaaaa verified',
    '20260102T000060Z-aaaaa verified',
    '20260102T000000Z-aaaaa verified 20260103T000000Z-aaaaa verified',
    GOOD,
  ])('a listing with the line %j is damaged: nothing is decided', line => {
    for (const listing of [`${GOOD}\n${line}\n`, `${line}\n${GOOD}\n20200101T000000Z-aaaaa verified\n`]) {
      const { status, stdout, stderr } = run(awk, policy({ last: 1 }), listing);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^retention\.awk: line \d /);
    }
    expect(run(awk, 'all', `${line}\n${GOOD}\n`)).toMatchObject({ status: 2, stdout: '' });
  });

  test.each([
    '',
    'ALL',
    'all daily=1',
    'daily=1',
    policy({}),
    policy({ daily: 1, 'at-least': 0 }),
    policy({ daily: -1 }),
    policy({ daily: 1.5 }),
    policy({ daily: 1, fortnightly: 1 }),
    `${policy({ daily: 1 })} daily=1`,
    policy({ daily: 1 }).replace('yearly=0', 'daily=2'),
    policy({ daily: 1 }).replace('yearly=0', 'yearly='),
    policy({ daily: 1 }).replace('yearly=0', 'yearly'),
    policy({ daily: 1 }).replace('yearly=0', 'yearly=0=0'),
    policy({ daily: 1 }).replace(/ /g, ','),
  ])('the policy %j cannot be read: nothing is decided', text => {
    const { status, stdout, stderr } = run(awk, text, `${GOOD}\n`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^retention\.awk: the policy /);
  });

  test('a policy that is not given is no policy', () => {
    const [command = '', ...args] = awk;
    expect(spawnSync(command, [...args, '-f', SCRIPT], { input: `${GOOD}\n`, encoding: 'utf8' })).toMatchObject({ status: 2, stdout: '' });
  });

  test('properties that hold for any listing and policy', () => {
    const random = new Random(11);
    const rules = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];
    for (let round = 0; round < 25; round++) {
      const listing = points(random, 1 + random.below(40));
      const counts: { [rule: string]: number } = { 'at-least': 1 + random.below(3) };
      for (const rule of rules) {
        counts[rule] = random.chance(0.4) ? random.below(5) : 0;
      }
      const some = random.pick(rules);
      counts[some] = (counts[some] ?? 0) + 1;
      const stays = kept(awk, policy(counts), listing);
      const ids = listing
        .map(line => line.split(' ')[0] ?? '')
        .sort()
        .reverse();

      // The newest stay, and so does the newest verified.
      expect(stays.slice(0, counts['at-least'])).toEqual(ids.slice(0, counts['at-least']));
      const verified = listing
        .filter(line => line.endsWith(' verified'))
        .sort()
        .pop();
      expect(stays).toEqual(expect.arrayContaining(verified ? [verified.split(' ')[0]] : []));

      // More of a rule keeps more.
      const more = random.pick([...rules, 'at-least']);
      expect(kept(awk, policy({ ...counts, [more]: (counts[more] ?? 0) + 1 }), listing)).toEqual(expect.arrayContaining(stays));

      // What was dropped is not missed: another prune drops nothing.
      const rest = listing.filter(line => stays.includes(line.split(' ')[0] ?? ''));
      expect(kept(awk, policy(counts), rest)).toEqual(stays);

      // A newer point can push out others, but brings back none.
      const after = kept(awk, policy(counts), [...listing, '20991231T000000Z-zzzzz unverified']);
      expect([...stays, '20991231T000000Z-zzzzz']).toEqual(expect.arrayContaining(after));
    }
  });

  test('sorts five thousand points in no time', { timeout: 10_000 }, () => {
    expect(kept(awk, policy({ last: 3 }), points(new Random(3), 5000))).toHaveLength(4);
  });
});

const hasRestic = spawnSync('restic', ['version']).status === 0;

/** Policies whose rules are all used up by the snapshots: newer versions of restic also keep the oldest while one is not. */
const POLICIES: { [rule: string]: number }[] = [
  { last: 5 },
  { hourly: 12 },
  { daily: 7 },
  { weekly: 6 },
  { monthly: 5 },
  { yearly: 2 },
  { daily: 7, weekly: 5, monthly: 6 },
  { last: 2, hourly: 6, daily: 4, weekly: 3, monthly: 4, yearly: 1 },
  { hourly: 24, yearly: 1 },
];

describe.skipIf(!hasRestic)('restic', () => {
  test('keeps the same', () => {
    const repository = mkdtempSync(join(tmpdir(), 'retention-'));
    try {
      const restic = (...args: string[]) =>
        execFileSync('restic', ['--repo', repository, '--no-cache', '--quiet', ...args], {
          input: 'x',
          encoding: 'utf8',
          env: { ...process.env, TZ: 'UTC', RESTIC_PASSWORD: 'test' },
        });
      restic('init');
      const ids = points(new Random(5), 60).map(line => line.split(' ')[0] ?? '');
      for (const id of ids) {
        const time = id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*/, '$1-$2-$3 $4:$5:$6');
        restic('backup', '--stdin', '--stdin-filename', 'x', '--host', 'x', '--tag', id, '--time', time);
      }
      for (const rules of POLICIES) {
        const flags = Object.entries(rules).map(([rule, count]) => `--keep-${rule}=${count}`);
        const [group] = JSON.parse(restic('forget', '--dry-run', '--json', '--group-by', 'host', ...flags));
        const expected = group.keep.map((snapshot: { tags: string[] }) => snapshot.tags[0]);
        for (const awk of AWKS) {
          const listing = ids.map(id => `${id} unverified`);
          expect(kept(awk, policy(rules), listing), JSON.stringify(rules)).toEqual(expected.sort().reverse());
        }
      }
    } finally {
      rmSync(repository, { recursive: true });
    }
  }, 60_000);
});
