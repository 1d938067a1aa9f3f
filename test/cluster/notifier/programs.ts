import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goBinaries } from '../../rehearsal/images/go-binaries';

/** The directory with `receiver`. The first call takes minutes. */
export function receiverProgram(): Promise<string> {
  const file = (name: string) => readFileSync(join(__dirname, 'receiver', name), 'utf8');
  return goBinaries({
    name: 'receiver',
    build: "cd /src && build receiver -ldflags '-s -w' .\n",
    files: { 'go.mod': file('go.mod'), 'main.go': file('main.go') },
  });
}
