import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

// What a recovering server is given of an archived log whose history forks: files of segments that are named, and hold nothing.

let scratch: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'timelines-'));
  for (const folder of ['wal', 'log', 'pg_wal', 'home', 'home/shell']) mkdirSync(join(scratch, folder));
  symlinkSync(resolve('lib/engines/postgres-physical'), join(scratch, 'home/engine'));
  // Each batch is a line of names.
  script(
    'read-log',
    'names=$(head -n 1 "$SCRATCH/log/batches"); [ -n "$names" ] || exit 1; for name in $names; do : >"$WAL_DIRECTORY/$name"; done; sed -i 1d "$SCRATCH/log/batches"',
  );
  batches();
});
afterEach(() => rmSync(scratch, { recursive: true }));

function script(name: string, body: string) {
  writeFileSync(join(scratch, 'home/shell', `${name}.sh`), body);
  chmodSync(join(scratch, 'home/shell', `${name}.sh`), 0o755);
}
const batches = (...lines: string[]) => writeFileSync(join(scratch, 'log/batches'), lines.map(line => `${line}\n`).join(''));
/** The way of the replay, the newest timeline first: each with the segment in which it begins. */
const path = (...timelines: [number, number][]) =>
  writeFileSync(join(scratch, 'path'), timelines.map(([timeline, from]) => `${timeline}\t${hex(from, 16)}\t${hex(from, 16)}\n`).join(''));
const hex = (number: number, digits: number) => number.toString(16).toUpperCase().padStart(digits, '0');
const segment = (timeline: number, number: number) => `${hex(timeline, 8)}${hex(number, 16)}`;
const fetch = (name: string) =>
  spawnSync('sh', [join(scratch, 'home/engine/fetch-wal.sh'), name, join(scratch, 'pg_wal', 'RECOVERYXLOG')], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, SCRATCH: scratch, BACKUP_HOME: join(scratch, 'home') },
  }).status;
const gap = () => (existsSync(join(scratch, 'gap')) ? readFileSync(join(scratch, 'gap'), 'utf8') : '');
const wal = () => readdirSync(join(scratch, 'wal')).sort();

test('a segment that is missing before the next timeline goes on is a gap', () => {
  path([2, 0x20], [1, 0]);
  batches(segment(1, 8), `${segment(1, 9)}.partial`, `${segment(2, 0x23)}.partial`);
  expect(fetch(segment(1, 8))).toBe(0);
  expect(fetch(segment(1, 9))).toBe(1);
  expect(gap()).toMatch(
    new RegExp(`^the archived log has a gap: segment ${segment(1, 9)} is missing, although ${segment(2, 0x23)} is there`),
  );
});

test('where it is the first of the next timeline that is missing, the one that was left does not take its place', () => {
  path([2, 0x20], [1, 0]);
  batches(`${segment(1, 0x1f)} ${segment(1, 0x20)} ${segment(1, 0x21)}`, segment(2, 0x21));
  expect(fetch(segment(1, 0x1f))).toBe(0);
  expect(fetch(segment(2, 0x20))).toBe(1);
  expect(gap()).toContain(`segment ${segment(2, 0x20)} is missing, although ${segment(2, 0x21)} is there`);
  expect(fetch(segment(1, 0x20))).toBe(1);
});

test('what was written on a timeline after it was left is not replayed, and takes no room', () => {
  path([2, 0x20], [1, 0]);
  batches(`${segment(1, 0x1f)} ${segment(1, 0x20)} ${segment(1, 0x21)} ${segment(2, 0x20)} ${segment(2, 0x21)}.partial`);
  expect(fetch(segment(2, 0x1f))).toBe(1);
  expect(fetch(segment(1, 0x1f))).toBe(0);
  expect(wal()).toEqual([segment(1, 0x1f), segment(2, 0x20), `${segment(2, 0x21)}.partial`]);
  expect(fetch(segment(2, 0x20))).toBe(0);
  expect(fetch(segment(2, 0x21))).toBe(0);
  expect(fetch(segment(2, 0x22))).toBe(1);
  expect(gap()).toBe('');
});

test('segments of another server, made anew in the place of the one that is recovered, are not its log', () => {
  path([1, 0]);
  writeFileSync(join(scratch, 'server'), 'superuser\tpostgres\nsystem\t7000000000000000001\n');
  const of = (system: bigint) => {
    const header = Buffer.alloc(40);
    header.writeBigUInt64LE(system, 24);
    return header.toString('base64');
  };
  script(
    'read-log',
    `line=$(head -n 1 "$SCRATCH/log/batches"); [ -n "$line" ] || exit 1; sed -i 1d "$SCRATCH/log/batches"
    for file in $line; do echo "\${file#*:}" | base64 -d >"$WAL_DIRECTORY/\${file%%:*}"; done`,
  );
  const [ours, other] = [of(7000000000000000001n), of(7000000000000000002n)];
  batches(`${segment(1, 5)}:${ours} ${segment(1, 0x2a)}:${other}`, `${segment(1, 6)}:${ours}`);
  for (const number of [5, 6]) expect(fetch(segment(1, number))).toBe(0);
  expect(fetch(segment(1, 7))).toBe(1);
  expect(gap()).toBe('');
  expect(existsSync(join(scratch, 'other-server'))).toBe(true);
});

test('what came with the base backup is no gap', () => {
  path([1, 0]);
  batches(segment(1, 9));
  writeFileSync(join(scratch, 'pg_wal', segment(1, 8)), '');
  expect(fetch(segment(1, 8))).toBe(1);
  expect(gap()).toBe('');
});

test('a new timeline gets no number below one that is taken', () => {
  path([1, 0]);
  writeFileSync(join(scratch, 'wal', '00000003.history'), '2\t0/5000000\tno recovery target specified\n');
  expect(fetch('00000002.history')).toBe(0);
  expect(fetch('00000003.history')).toBe(0);
  expect(fetch('00000004.history')).toBe(1);
  expect(fetch('00000001.history')).toBe(1);
});

test('the way to a timeline is read from its history file, and a request that leads nowhere is refused with what there is', () => {
  writeFileSync(join(scratch, 'wal', '00000003.history'), '1\t0/5000100\tbefore 2026\n\n2\t1/4000000\tno recovery target specified\n');
  script('read-log', `printf 'a\\t2026-11-26T00:00:00Z\\t1:${segment(1, 5)}:${segment(1, 6)}\\n'`);
  const choose = (words: { [name: string]: string }) => {
    const body =
      'manifest_about() { cat "$1"; }; die() { echo "$*"; exit 1; }; refuse() { echo "$*"; exit 78; }; server_fact() { echo 16777216; }; . "$BACKUP_HOME/engine/timelines.sh"; choose_timeline; cat "$SCRATCH/path"';
    return spawnSync('sh', ['-c', body], {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        SCRATCH: scratch,
        BACKUP_HOME: join(scratch, 'home'),
        POINT: 'p',
        TIMELINE: '',
        UNTIL: 'latest',
        ...words,
      },
    });
  };
  writeFileSync(join(scratch, 'log/manifest.json'), '"timeline":"3"\n');
  const base = (timeline: number, end: string) =>
    writeFileSync(join(scratch, 'manifest.json'), `"wal":"timeline ${timeline}, from 0/2000028 to ${end}"\n`);

  base(1, '0/5000100');
  expect(choose({}).stdout).toBe(
    `3\t0000000104000000\t${hex(1, 8)}${hex(4, 8)}\n2\t0000000005000100\t${hex(5, 16)}\n1\t0000000000000000\t${hex(0, 16)}\n`,
  );
  expect(choose({ TIMELINE: '1' }).stdout).toBe(`1\t0000000000000000\t${hex(0, 16)}\n`);
  expect(choose({ TIMELINE: '7' })).toMatchObject({
    status: 78,
    stdout: expect.stringMatching(
      /does not lead to timeline 7; the archive has timeline 1: segments \w{24} to \w{24}, the newest stored at 2026/,
    ),
  });
  expect(choose({ TIMELINE: 'new' }).stdout).toMatch(/^timeline is 'new': write its number; the archive has timeline 1/);
  expect(choose({ UNTIL: 'lsn:0/5000100' }).status).toBe(0);
  expect(choose({ UNTIL: 'lsn:0/5000101' }).stdout).toMatch(/^lsn:0\/5000101 is beyond 0\/5000100, where the history forks: set timeline/);
  expect(choose({ UNTIL: 'lsn:0/5000101', TIMELINE: '3' }).status).toBe(0);

  // It ends after its timeline was left for the one that is the newest.
  base(1, '0/5000101');
  expect(choose({})).toMatchObject({
    status: 78,
    stdout: expect.stringMatching(/does not lead to timeline 3, the newest of the archived log/),
  });
  expect(choose({ TIMELINE: '1' }).status).toBe(0);

  // The server that the archive follows now is not the one that was promoted.
  writeFileSync(join(scratch, 'log/manifest.json'), '"timeline":"1"\n');
  expect(choose({}).stdout).toBe(`1\t0000000000000000\t${hex(0, 16)}\n`);
});
