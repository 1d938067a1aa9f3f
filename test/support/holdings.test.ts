import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expectUntouched, type Holdings, holdings } from '../e2e/support/faults';

// What tests of faults compare instead of verifying after each: it has to see what a verification would.

let repository: string;
let before: Holdings;
const write = (path: string, text: string) => {
  mkdirSync(dirname(join(repository, path)), { recursive: true });
  writeFileSync(join(repository, path), text);
};

beforeEach(() => {
  repository = mkdtempSync(join(tmpdir(), 'holdings-'));
  write('app/20260801T000000Z-aaaaa/app.dump.zst', 'rows');
  write('restic/data/ab/abcd', 'pack');
  before = holdings(repository);
});
afterEach(() => rmSync(repository, { recursive: true }));

test.each([
  ['a byte of a recovery point', () => write('app/20260801T000000Z-aaaaa/app.dump.zst', 'rowz')],
  ['a byte of a pack', () => write('restic/data/ab/abcd', 'pick')],
  ['a recovery point that is gone', () => rmSync(join(repository, 'app/20260801T000000Z-aaaaa'), { recursive: true })],
  ['a recovery point that is new', () => write('app/20260802T000000Z-bbbbb/app.dump.zst', '')],
])('sees %s', (_, harm) => {
  harm();
  expect(() => expectUntouched(repository, before)).toThrow();
});

test('lets be what a run leaves that has published nothing', () => {
  write('app/.staging-20260802T000000Z-bbbbb/app.dump.zst', 'half of the ro');
  write('app/.writing', '');
  write('.state-app/reading', '');
  write('restic/locks/0123', '');
  write('restic/data/cd/cdef', 'a pack without a snapshot');
  expectUntouched(repository, before);
});
