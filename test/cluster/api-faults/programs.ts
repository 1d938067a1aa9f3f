import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goBinaries } from '../../rehearsal/images/go-binaries';

const SOURCES = ['go.mod', 'main.go', 'faults.go'];

/** The directory with `api-faults`. */
export function proxyProgram(): Promise<string> {
  return goBinaries({
    name: 'api-faults',
    build: "cd /src && build api-faults -ldflags '-s -w' .\n",
    files: Object.fromEntries(SOURCES.map(name => [name, readFileSync(join(__dirname, name), 'utf8')])),
  });
}
