import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inEachShell } from '../shell/shells';

// A server that is held has closed its tables, and the kernel has what it wrote: a snapshot of the disk has it when it was synced, after
// the lock and before anybody is told of it.

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mysql-quiesce-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Takes the lock of a server that gives it, on a node whose disks do as `sync` says; what came of it, and in which order. */
function take(shell: string[], sync: string): { said: string; order: string[] } {
  const order = join(directory, 'order');
  const client = join(directory, 'mariadb');
  const answers = `echo locked >>'${order}'; printf 'LOCKED\\t7\\n'`;
  writeFileSync(client, `#!/bin/sh\nwhile read -r line; do case $line in *"'LOCKED'"*) ${answers} ;; esac; done\n`);
  chmodSync(client, 0o755);
  // A function, as busybox would take its own sync for a program of that name.
  const script = `cd '${directory}' && mkfifo events && exec 3<>events && number=1 reason=''
    sync() { ${sync.replaceAll('ORDER', `'${order}'`)}; }
    . '${resolve('lib/volumes/quiesce/session.sh')}' && . '${resolve('lib/engines/mysql/quiesce/lock.sh')}'
    if lock_take; then echo "held by $connection"; else echo "refused: $reason"; fi
    echo told >>'${order}'; session_end`;
  const env = { DIALECT: 'mariadb', LOCK: 'stage', TLS: '', SERVER_PORT: '3306', SERVER_USER: 'u', SERVER_PASSWORD: 'p' };
  const [command = 'sh', ...options] = shell;
  const { stdout, stderr } = spawnSync(command, [...options, '-uc', script], {
    env: { ...env, QUIESCE_WAIT: '2', QUIESCE_LIMIT: '30', PATH: `${directory}:${process.env.PATH}` },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  expect(stderr).toBe('');
  return { said: stdout.trim(), order: existsSync(order) ? readFileSync(order, 'utf8').trim().split('\n') : [] };
}

inEachShell('in %s', shell => {
  test('what a held server has written is on the disk before anybody is told that it is held', () => {
    expect(take(shell, 'sleep 0.3; echo synced >>ORDER')).toEqual({ said: 'held by 7', order: ['locked', 'synced', 'told'] });
  });

  test('a disk that does not take it in time lets the server go, and is named', () => {
    const { said, order } = take(shell, 'exec sleep 5 >/dev/null 2>&1');
    expect(said).toMatch(/^refused: the node's disks did not take what was written within \d s: raise wait, or look for a disk/);
    expect(order).toEqual(['locked', 'told']);
  });
});
