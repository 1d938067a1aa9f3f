import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AWKS } from '../shell/awk';

// What the snapshots of a series say of its groups.

const ID = '20261126T020000Z-aaaaa';
const CUT = '2026-11-26T02:00:03Z';
const PUBLISHED = '2026-11-26T02:00:09Z';

interface Snapshot {
  readonly claim: string;
  readonly id?: string;
  readonly state?: string;
  /** What its label says of whether it is published; - for nothing. */
  readonly label?: string;
  readonly verified?: boolean;
  readonly cut?: string;
  /** When its status was written. @default nobody knows */
  readonly written?: string[];
  /** When it was published. @default in time */
  readonly published?: string[];
  /** What its status says of an error. */
  readonly error?: string;
  /** What it says of itself and of its group. @default what a run writes of it */
  readonly own?: string;
  readonly group?: string;
}

const header = (id: string, volumes: number, series = 'shop') =>
  [
    '{',
    '"format":1,',
    `"id":"${id}",`,
    `"series":"${series}",`,
    '"about":{',
    '"mode":"coordinated"',
    '},',
    '"volumes":[',
    '],',
    '"facts":{',
    `"volumes":${volumes}`,
    '}',
    '}',
  ].join('\n');
const line = (name: string, claim: string) => `{"claim":"${claim}","snapshot":"${name}","bytes":1,"creationTime":"${CUT}","size":"1Gi"}`;

function raw(snapshots: Snapshot[], volumes = 2): string {
  return snapshots
    .map(
      ({
        claim,
        id = ID,
        state = 'ready',
        label = 'yes',
        verified = false,
        cut = CUT,
        written = [],
        published = [PUBLISHED],
        error,
        own,
        group,
      }) => {
        const name = `shop-${id.toLowerCase()}-${claim}`;
        const first = `snapshot ${name} ${id} ${state} ${label} ${verified ? 'verified' : 'unverified'} ${cut} ${['-', ...written]} ${['-', ...published]}${error === undefined ? '' : ` ${JSON.stringify(error)}`}`;
        return [first, own ?? line(name, claim), group ?? header(id, volumes), ''].join('\n');
      },
    )
    .join('\n');
}

describe.each(AWKS.map(awk => ({ name: awk.join(' '), awk })))('$name', ({ awk: [program = 'awk', ...options] }) => {
  const lines = (script: string, input: string, ...variables: string[]) => {
    const { stdout, stderr } = spawnSync(program, [...options, ...variables, '-f', join('lib/volumes/group', script)], {
      input,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  };
  const judged = (...snapshots: Snapshot[]) =>
    lines('groups.awk', raw(snapshots), '-v', 'series=shop').filter(one => !one.startsWith('snapshot '));

  test('a group is good when all of its snapshots are there, and verified when all of them say so', () => {
    expect(judged({ claim: 'data' }, { claim: 'log' })).toEqual([`good ${ID} unverified`]);
    expect(judged({ claim: 'data', verified: true }, { claim: 'log', verified: true })).toEqual([`good ${ID} verified`]);
    expect(judged({ claim: 'data', verified: true }, { claim: 'log' })).toEqual([`good ${ID} unverified`]);
    const second = '20261127T020000Z-bbbbb';
    expect(judged({ claim: 'log', id: second }, { claim: 'data' }, { claim: 'data', id: second }, { claim: 'log' })).toEqual([
      `good ${second} unverified`,
      `good ${ID} unverified`,
    ]);
  });

  test('is not good when the storage was lost and a snapshot made anew, which keeps its time', () => {
    const data = { claim: 'data', written: [CUT, '2026-11-26T09:00:00Z'] };
    const [first, ...others] = judged(data, { claim: 'log', written: [CUT] });
    expect(first).toMatch(
      /^bad \S+ unverified snapshot shop-\S+-data was re-created at 2026-11-26T09:00:00Z from what its volume held then/,
    );
    expect(others).toEqual([]);
    expect(judged({ claim: 'data', written: [CUT, PUBLISHED] }, { claim: 'log' })).toEqual([`good ${ID} unverified`]);
    // Nothing says then whether it was.
    expect(judged({ claim: 'data', written: [CUT], published: [] }, { claim: 'log' })[0]).toMatch(/^bad .*data no longer says/);
  });

  // A new readiness clears the error, and an error that is written beside it moves the same time.
  test('is doubtful, and not bad, when only an error was written since it was published', () => {
    const error = 'Failed to get snapshot class "csi": not found';
    const data = { claim: 'data', written: [CUT, '2026-11-26T09:00:00Z'], error };
    const [first, ...others] = judged(data, { claim: 'log', written: [CUT] });
    expect(first).toMatch(
      /^doubtful \S+ unverified snapshot shop-\S+-data can be used, but nothing says since when: .*2026-11-26T09:00:00Z, with the error "Failed to get snapshot class \\"csi\\": not found"$/,
    );
    expect(others).toEqual([]);
    expect(judged({ ...data, written: [CUT] }, { claim: 'log' })).toEqual([`good ${ID} unverified`]);
    expect(judged(data, { claim: 'log', written: ['2026-11-26T09:00:00Z'] })[0]).toMatch(/^bad \S+ unverified .*-log was re-created/);
    expect(judged(data)[0]).toMatch(/^bad \S+ unverified 1 of 2 snapshots are there/);
    expect(judged({ ...data, state: 'waiting' }, { claim: 'log' })[0]).toMatch(/^bad .*cannot be used/);
  });

  test('is none of this series when the label alone says so: its retention is not its own', () => {
    const group = header(ID, 2, 'gallery');
    expect(judged({ claim: 'data', group }, { claim: 'log', group })).toEqual([
      `bad ${ID} unverified snapshot shop-${ID.toLowerCase()}-data belongs to series gallery, and its label has been overwritten`,
    ]);
  });

  test('is there from its first mark on, and not before', () => {
    const unmarked = { label: '-', group: '' };
    expect(judged({ claim: 'data', ...unmarked }, { claim: 'log', ...unmarked })).toEqual([`begun ${ID}`]);
    expect(judged({ claim: 'data', ...unmarked, own: '' }, { claim: 'log', ...unmarked })).toEqual([`begun ${ID}`]);
    expect(judged({ claim: 'data' }, { claim: 'log', label: '-' })).toEqual([`good ${ID} unverified`]);
    expect(judged({ claim: 'data', label: 'no' }, { claim: 'log', label: 'no' })).toEqual([`begun ${ID}`]);
  });

  // What is `begun` is deleted.
  test.each([
    ['its label is gone', { label: '-' }],
    ['its label says something else', { label: 'database' }],
    ['all but the note of its verification is gone', { label: '-', verified: true, own: '', group: '' }],
  ])('is bad, and not only begun, when %s', (_, lost) => {
    const [verdict, ...others] = judged({ claim: 'data', ...lost }, { claim: 'log', ...lost });
    expect(others).toEqual([]);
    expect(verdict).toMatch(/^bad \S+ (un)?verified its snapshots have lost the label cdk8s-backup\/published, and are not deleted/);
  });

  test.each<[string, Snapshot[], string]>([
    ['one is gone', [{ claim: 'data' }], '1 of 2 snapshots are there'],
    ['there is one too many', [{ claim: 'data' }, { claim: 'log' }, { claim: 'cache' }], '3 of 2 snapshots are there'],
    ['one is being deleted', [{ claim: 'data', state: 'deleting' }, { claim: 'log' }], 'is being deleted'],
    ['one cannot be used', [{ claim: 'data' }, { claim: 'log', state: 'waiting' }], 'cannot be used'],
    [
      'one was made anew under its name',
      [{ claim: 'data', cut: '2026-12-01T09:00:00Z' }, { claim: 'log' }],
      `is not the one that was cut at ${CUT}, but one from 2026-12-01T09:00:00Z`,
    ],
    ['one says nothing', [{ claim: 'data', own: '', group: '' }, { claim: 'log' }], 'has lost its annotations'],
    ['one is a copy of another', [{ claim: 'data', own: line('shop-other', 'data') }, { claim: 'log' }], 'has lost its annotations'],
    [
      'one says what another group is',
      [{ claim: 'data', group: header('20260101T000000Z-zzzzz', 2) }, { claim: 'log' }],
      'has lost its annotations',
    ],
  ])('is bad when %s', (_, snapshots, why) => {
    const [verdict, ...others] = judged(...snapshots);
    expect(others).toEqual([]);
    expect(verdict).toMatch(new RegExp(`^bad ${ID} unverified .*${why}$`));
  });

  test('a volume that comes back is as large as its claim, and no smaller than its snapshot', () => {
    const directory = mkdtempSync(join(tmpdir(), 'manifest-'));
    const file = (name: string, ...rows: string[][]) => {
      writeFileSync(join(directory, name), rows.map(row => `${row.join('\t')}\n`).join(''));
      return join(directory, name);
    };
    const sizes: [string, string, string][] = [
      ['1Gi', '1Gi', '1Gi'],
      ['1500M', '2Gi', '2Gi'],
      ['20Gi', '5Gi', '20Gi'],
      ['1Gi', '0', '1Gi'],
      ['1Gi', '-', '1Gi'],
    ];
    const files = [
      file('claims.all', ...sizes.map(([size], index) => [`c${index}`, 'Bound', 'fast', 'ReadWriteOnce', 'Filesystem', size, 'csi'])),
      file('claims', ...sizes.map((_, index) => [`c${index}`, 'claims'])),
      file('state', ...sizes.map(([, restore], index) => [`s${index}`, `c${index}`, CUT, 'true', restore, 'fast', '-', ''])),
    ];
    const { stdout } = spawnSync(program, [...options, '-f', 'lib/volumes/group/manifest.awk', ...files], { encoding: 'utf8' });
    rmSync(directory, { recursive: true });
    expect(
      stdout
        .trim()
        .split('\n')
        .map(one => JSON.parse(one).size),
    ).toEqual(sizes.map(([, , size]) => size));
  });

  test('what is written of a claim has the labels that others gave it', () => {
    const rows = (labels: string) => ({
      'claims.all': [`data\tBound\tfast\tReadWriteOnce\tFilesystem\t1Gi\tcsi\tpvc-1\t\t${labels}`],
      claims: ['data\tselected'],
      state: [`s\tdata\t${CUT}\ttrue\t1Gi\tfast\t-\t`],
    });
    const written = (labels: string) => JSON.parse(says('manifest.awk', rows(labels))[0] ?? '');
    expect(written('app.kubernetes.io/managed-by=cdk8s-backup,cdk8s-backup/series=shop,part=album,team/of=,')).toMatchObject({
      ...{ labels: 'part=album,team/of=', volume: 'pvc-1' },
    });
    expect(written('').labels).toBe('');
  });

  test('what a pod needs beside the volumes that are restored is named', () => {
    const directory = mkdtempSync(join(tmpdir(), 'left-'));
    const volumes = [
      ['data-db-0', 'StatefulSet/db'],
      ['wal-db-0', 'StatefulSet/db'],
      ['data-db-1', 'StatefulSet/db'],
      ['wal-db-1', 'StatefulSet/db'],
      ['cache-1', 'Deployment/web'],
      ['cache-2', 'Deployment/web'],
      ['pictures', 'claims'],
      ['music', 'claims'],
    ].map(([claim, member]) => [claim, 's', 'fast', '1Gi', 'ReadWriteOnce ReadOnlyMany', 'Filesystem', member].join('\t'));
    writeFileSync(join(directory, 'volumes'), `${volumes.join('\n')}\n`);
    const left = (...wanted: string[]) => {
      writeFileSync(join(directory, 'wanted'), wanted.map(claim => `${claim} new-${claim}\n`).join(''));
      const files = [join(directory, 'wanted'), join(directory, 'volumes')];
      return spawnSync(program, [...options, '-f', 'lib/volumes/group/left-behind.awk', ...files], { encoding: 'utf8' }).stdout.split('\n');
    };
    expect(left('data-db-0', 'wal-db-0')).toEqual(['']);
    expect(left('data-db-1', 'pictures')).toEqual(['wal-db-1', '']);
    expect(left('cache-1')).toEqual(['cache-2', '']);
    rmSync(directory, { recursive: true });
  });

  /** What a script says of files. */
  function says(script: string, files: { [name: string]: string[] }, ...more: string[]): string[] {
    const directory = mkdtempSync(join(tmpdir(), 'groups-'));
    const paths = Object.entries(files).map(([name, rows]) => {
      writeFileSync(join(directory, name), rows.map(row => `${row}\n`).join(''));
      return join(directory, name);
    });
    const { stdout, stderr } = spawnSync(program, [...options, ...more, '-f', join('lib/volumes/group', script), ...paths], {
      encoding: 'utf8',
    });
    rmSync(directory, { recursive: true });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean).sort();
  }

  test('the last group that holds a volume is known: its claim is gone since, or was made anew by somebody else than a restore', () => {
    /** Groups of five nights: the volume of each claim, and whether it is one that a restore has made; and which. */
    const last = (...nights: { [claim: string]: string }[]) => {
      const ids = nights.map((_, night) => `2026112${night}T020000Z-aaaaa`);
      const rows = nights.flatMap((claims, night) =>
        Object.entries(claims).flatMap(([claim, volume]) => [
          `snapshot s ${ids[night]} ready recovery-point unverified ${CUT} - -`,
          `{"claim":"${claim}","volume":"${volume.replace(/!.*/, '')}","restoredFrom":"${volume.includes('!') ? ids[0] : ''}","restoredBy":"${volume.replace(/[^!]*!?/, '')}"}`,
          '"volumes":[',
        ]),
      );
      const found = says('last-of.awk', { 'groups.by-age': ids.map(id => `${id} unverified`), 'groups.raw': rows });
      return found.map(one => `${one[7]} ${one.split(' ')[1]}`);
    };
    expect(last({ a: '1', b: '2' }, { a: '1', b: '2' })).toEqual([]);
    expect(last({ a: '1', b: '2' }, { a: '1', b: '2' }, { a: '1' }, { a: '1' })).toEqual(['1 b']);
    expect(last({ a: '1' }, { a: '1' }, { a: '9' })).toEqual(['1 a']);
    expect(last({ a: '1' }, { a: '9!' }, { a: '9!' })).toEqual([]);
    expect(last({ a: '1', b: '2' }, { a: '1' }, { a: '1', b: '9!' })).toEqual([]);
    expect(last({ a: '1' }, { a: '2!' }, { a: '3' }, { a: '4' })).toEqual(['1 a', '2 a']);
    expect(last({ a: '' }, { a: '7' })).toEqual([]);
    // A run restores a claim once: its words on another volume are somebody's copy.
    expect(last({ a: '1' }, { a: '2!run-1' }, { a: '2!run-1' }, { a: '3!run-1' })).toEqual(['2 a']);
    expect(last({ a: '1' }, { a: '2!run-1' }, { a: '3!run-2' }, { a: '4!run-1' })).toEqual(['2 a']);
    expect(last({ a: '1' }, { a: '2!run-1' }, { a: '3!run-2' }, { a: '3!run-2' })).toEqual([]);
    // As groups of older releases have it.
    expect(last({ a: '1' }, { a: '2!' }, { a: '2!run-1' })).toEqual([]);
    expect(last({ a: '1' }, { a: '2!' }, { a: '3!run-1' })).toEqual(['1 a']);
    expect(last()).toEqual([]);
  });

  test('claims that nothing holds are as far apart as their snapshots were cut', () => {
    const spread = (cuts: { [claim: string]: string }, ...held: string[]) =>
      says(
        'spread.awk',
        {
          holds: held.map(member => `${member} pod-0 server 30 hold`),
          claims: Object.keys(cuts).map(claim => `${claim}\tStatefulSet/${claim}`),
          state: Object.entries(cuts).map(([claim, cut]) => `s-${claim}\t${claim}\t${cut}\ttrue`),
        },
        '-F',
        '\t',
      );
    const cuts = { data: '2026-11-30T23:59:58Z', log: '2026-12-01T00:00:03Z' };
    expect(spread(cuts)).toEqual(['5']);
    expect(spread(cuts, 'StatefulSet/log')).toEqual(['0']);
    expect(spread({ data: '2028-02-28T23:59:59Z', log: '2028-03-01T00:00:00Z' })).toEqual([`${86401}`]);
    expect(spread({ data: '2026-12-31T23:59:59Z', log: '2027-01-01T00:00:00Z', other: '-' })).toEqual(['1']);
    expect(spread({})).toEqual(['0']);
  });

  test('the driver of a volume that nobody made for its claim is that of the others of its class, or of its native group', () => {
    const drivers = (mode: string, ...volumes: [string, string][]) =>
      says('volumes.awk', {
        'manifest.json': [
          `"mode":"${mode}"`,
          ...volumes.map(
            ([snapshotClass, driver], index) => `{"claim":"c${index}","snapshotClass":"${snapshotClass}","driver":"${driver}"}`,
          ),
        ],
      }).map(one => one.split('\t')[7]);
    expect(drivers('coordinated', ['fast', ''], ['fast', 'ebs'], ['slow', ''], ['', ''])).toEqual(['ebs', 'ebs', '-', '-']);
    expect(drivers('native', ['', ''], ['', 'ebs'])).toEqual(['ebs', 'ebs']);
  });

  test('nothing is known of nothing', () => {
    expect(lines('groups.awk', '')).toEqual(['']);
  });

  test('its manifest is put together again, as it was', () => {
    const other = { id: '20261125T020000Z-ccccc' };
    const input = raw([
      { claim: 'zeta', ...other },
      { claim: 'log', error: 'of "two" words' },
      { claim: 'data' },
      { claim: 'alpha', ...other },
    ]);
    const manifest = JSON.parse(lines('assemble.awk', input, '-v', `wanted=${ID}`).join('\n'));
    expect(manifest).toMatchObject({ format: 1, id: ID, about: { mode: 'coordinated' }, facts: { volumes: 2 } });
    expect(manifest.volumes.map(({ claim }: { claim: string }) => claim)).toEqual(['data', 'log']);
  });
});
