import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, readManifests } from './manifest';

/** An app of this repository whose output is committed. */
export interface Platform {
  readonly name: string;
  /** The folder of `main.ts`, with `dist/` in it. */
  readonly folder: string;
  readonly dist: string;
  readonly manifests: Manifest[];
}

/** The example platform, and the examples. */
export const PLATFORMS: Platform[] = ['.', ...(existsSync('examples') ? readdirSync('examples').map(name => join('examples', name)) : [])]
  .map(folder => ({ name: join(folder, 'dist'), folder, dist: join(folder, 'dist') }))
  .filter(({ dist }) => existsSync(dist))
  .map(platform => ({ ...platform, manifests: readManifests(platform.dist) }));
