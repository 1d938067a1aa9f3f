import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Random } from '../random';
import { AWKS, kept, points, policy, run, SCRIPT } from './awk';

const timeOf = (id: string) => Date.parse(id.replace(/^(....)(..)(..)T(..)(..)(..)Z.*/, '$1-$2-$3T$4:$5:$6Z'));

test('there is an awk to run', () => {
  expect(AWKS.length).toBeGreaterThan(0);
});

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
    [
      'within counts from the newest, and ends where the time is reached',
      policy({ within: 86400 }),
      [
        '20260301T120000Z-a0000 unverified',
        '20260228T120001Z-a0000 unverified',
        '20260228T120000Z-a0000 unverified',
        '20260227T120000Z-a0000 unverified',
      ],
      [0, 1],
    ],
    [
      'within goes over a leap day and a year',
      policy({ within: 2 * 366 * 86400 }),
      ['20240301T000000Z-a0000 unverified', '20220301T000000Z-a0000 unverified', '20220227T000000Z-a0000 unverified'],
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

  test("what is of the future stays, and takes no other one's place", () => {
    const listing = [
      '20270101T000000Z-f0000 verified',
      '20260601T120001Z-f0000 unverified',
      '20260601T120000Z-a0000 unverified',
      '20260531T130000Z-a0000 verified',
      '20260530T120000Z-a0000 unverified',
    ];
    const ids = listing.map(line => line.split(' ')[0]);
    const policies: { [rule: string]: number }[] = [{ last: 1 }, { daily: 1 }, { yearly: 1 }, { last: 1, within: 3600 }];
    for (const rules of policies) expect(kept(awk, policy(rules), listing, '20260601T120000Z')).toEqual(ids.slice(0, 4));
    expect(run(awk, policy({ last: 1 }), `${listing.join('\n')}\n`, '20260601T120000Z').stdout).toContain(
      'keep 20270101T000000Z-f0000 future\nkeep 20260601T120001Z-f0000 future\nkeep 20260601T120000Z-a0000 last,at-least\n',
    );
  });

  test.each(['', '2026', '20260101T000000', '20261301T000000Z', 'now'])('the time %j cannot be read: nothing is decided', now => {
    const { status, stdout, stderr } = run(awk, policy({ daily: 1 }), '20260101T000000Z-aaaaa verified\n', now);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^retention\.awk: the time cannot be read: /);
  });

  test('whatever is added, nothing young enough for within is dropped', () => {
    const random = new Random(17);
    for (let round = 0; round < 10; round++) {
      const own = points(random, 1 + random.below(20), '2026-01-01');
      const ids = own.map(line => line.split(' ')[0] ?? '').sort();
      const days = 1 + random.below(40);
      const now = ids.at(-1)?.slice(0, 16) ?? '';
      const young = ids.filter(id => timeOf(now) - timeOf(id) < days * 86_400_000);
      const forged = [...points(random, 30, '2025-12-01'), ...points(random, 10, '2031-01-01')];
      expect(kept(awk, policy({ last: 1, within: days * 86_400 }), [...own, ...forged], now)).toEqual(expect.arrayContaining(young));
    }
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
    policy({ within: -1 }),
    policy({ within: 0 }),
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
