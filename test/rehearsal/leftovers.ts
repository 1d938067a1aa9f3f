import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A directory for one cluster, named after the process it belongs to.
 *
 * A test runner that is killed cannot unmount anything. So whoever comes next clears away what belongs to processes that are no more, and
 * never touches what belongs to one that lives: another test run may be under way.
 */
export function workingDirectory(): string {
  for (const name of readdirSync(tmpdir())) {
    const owner = /^rehearsal-(\d+)-\w{6}$/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) clear(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `rehearsal-${process.pid}-`));
}

function clear(directory: string): void {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '');
  // The latest mount first: an older one may be below it. What cannot be unmounted stays, with its directory, for the next one to try.
  const busy = mounted
    .filter(path => path.startsWith(`${directory}/`))
    .reverse()
    .filter(path => spawnSync('umount', [path]).status !== 0);
  if (busy.length === 0) rmSync(directory, { recursive: true, force: true });
}
