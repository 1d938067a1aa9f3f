import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { inEachShell } from '../shell/shells';

// Which volumes are frozen, by what the kernel says of their mounts; fsfreeze only says that it was called.

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

/** What is said of a volume that is mounted with this line of mountinfo. */
function take(shell: string[], mount: string): { frozen: boolean; reason: string } {
  const root = mkdtempSync(join(tmpdir(), 'freeze-'));
  roots.push(root);
  const words = [
    `QUIESCE_STATE=${root} QUIESCE_WAIT=2 VOLUME=/volume`,
    'last_line() { :; }',
    // A shell may have programs of its own.
    'timeout() { shift; "$@"; }',
    'fsfreeze() { : >called; }',
    `. ${resolve('lib/volumes/quiesce/file-system/lock.sh')}`,
    'device_of() { case $1 in /volume) echo 2 ;; *) echo 1 ;; esac; }',
    `mounts() { printf '%s\\n' '22 28 0:21 / /proc rw - proc proc rw' '${mount}'; }`,
    `cd ${root}`,
    'lock_take || printf %s "$reason"',
  ];
  writeFileSync(join(root, 'take.sh'), words.join('\n'));
  const [program = 'sh', ...options] = shell;
  const { stdout } = spawnSync(program, [...options, join(root, 'take.sh')], {
    encoding: 'utf8',
  });
  return { frozen: existsSync(join(root, 'called')), reason: stdout };
}

inEachShell('%s: a volume', shell => {
  test('that is a file system of its own is frozen', () => {
    expect(take(shell, '812 790 8:16 / /volume ro,relatime - ext4 /dev/sdb rw')).toEqual({ frozen: true, reason: '' });
  });

  test.each([
    [
      'a directory of another disk',
      '812 790 8:16 /local-path/pvc-1 /volume ro,relatime - ext4 /dev/sdb rw',
      /a directory of one \(\/local-path\/pvc-1\)/,
    ],
    ['a subvolume', '812 790 0:45 /@data /volume ro,relatime - btrfs /dev/sdb rw', /a directory of one \(\/@data\)/],
    ['of which the kernel says nothing', '812 790 8:16 / /elsewhere ro - ext4 /dev/sdb rw', /the node does not say which/],
  ])('that is %s is not', (_, mount, reason) => {
    expect(take(shell, mount)).toEqual({ frozen: false, reason: expect.stringMatching(reason) });
  });
});
