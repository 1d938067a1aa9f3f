import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The scripts that every pod has, as pods see them: all of both rooms in one folder. */
export function linkShell(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const room of ['lib/shell/jobs', 'lib/shell/lib']) {
    for (const file of readdirSync(room)) symlinkSync(resolve(room, file), join(folder, file));
  }
}
