import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goBinaries } from '../../rehearsal/images/go-binaries';

const text = (name: string) => readFileSync(join(__dirname, name), 'utf8');
const sources = readdirSync(__dirname).filter(name => /\.go$|^go\.(mod|sum)$/.test(name));

/** The directory with the tests' CSI driver, `csi-driver`. */
export function driverProgram(): Promise<string> {
  return goBinaries({
    name: 'csi-driver',
    build: "cd /src && build csi-driver -ldflags '-s -w' .\n",
    files: Object.fromEntries(sources.map(name => [name, text(name)])),
  });
}

/** The directory with `csi-provisioner`, `csi-snapshotter` and `snapshot-controller`. The first call takes minutes. */
export function sidecarPrograms(): Promise<string> {
  return goBinaries({ name: 'csi-sidecars', build: text('sidecars.sh') });
}
