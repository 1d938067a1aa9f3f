import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** Longer ones leave no room for the name of a socket, which has at most 103 bytes on macOS. */
const LONGEST_TEMPORARY = 40;

/** PostgreSQL's programs take others apart: a comma ends the name of a socket's folder, and quotes end what a shell is given. */
const PLAIN = /^[\w/.+@~ -]*$/;

/** Makes the folder in which the demo happens. @throws Error when it can be made nowhere */
export function makeFolder(wanted = tmpdir()): string {
  try {
    const above = realpathSync(wanted);
    const isFit = above.length <= LONGEST_TEMPORARY && PLAIN.test(above);
    return mkdtempSync(join(isFit ? above : realpathSync('/tmp'), 'cdk8s-backup-demo-'));
  } catch (problem) {
    throw new Error(
      `no folder can be created in ${wanted}: set TMPDIR to one that exists and that you can write (${(problem as Error).message})`,
    );
  }
}

/** A path as short as it can be said where the user is. */
export function fromHere(path: string, here = () => process.cwd()): string {
  try {
    return relative(here(), path);
  } catch {
    // The folder that the user is in was removed.
    return path;
  }
}
