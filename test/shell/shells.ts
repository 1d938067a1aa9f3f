import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** Shells that images have as `sh`. */
const SHELLS = [['dash'], ['bash', '--posix'], ['busybox', 'ash']];

const HERE = SHELLS.find(([name = '']) => spawnSync('which', [name]).status === 0);

/**
 * The same tests in each of the shells. Where nobody waits for them they run in all; elsewhere in the first that the machine has, and the
 * rest is counted as skipped.
 *
 * @param title has %s for the shell's name
 * @param concurrent whether its tests run at the same time
 */
export function inEachShell(title: string, define: (shell: string[]) => void, concurrent = false): void {
  for (const shell of SHELLS) {
    const skip = process.env.CI !== 'true' && shell !== HERE;
    describe(title.replace('%s', shell.join(' ')), { skip, concurrent }, () => define(shell));
  }
}
