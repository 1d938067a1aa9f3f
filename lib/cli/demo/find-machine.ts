import { statfsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { ContainerMachine, findContainers } from './container-machine';
import { type FoundPostgres, findPostgres, LocalMachine, missingTools, postgresHomes, type Surroundings } from './local-machine';
import type { Machine } from './machine';
import { PREFERRED, VERSIONS } from './plan';
import type { Programs } from './programs';

/** How to get what the demo needs. */
const REMEDY = 'start Docker or Podman';

const MEGABYTE = 1024 * 1024;

/** Bytes for two servers at a time, and what stays of those before: it was tried what it does with less. */
const NEEDED = 200 * MEGABYTE;

/** This machine's own PostgreSQL if it can be used; otherwise a container; otherwise an error that says what to install. */
export async function findMachine(programs: Programs, folder: string, surroundings = ours(folder)): Promise<Machine> {
  const found = findPostgres(surroundings, Object.keys(VERSIONS));
  const reason = why(found, surroundings);
  if (found && reason === undefined) return new LocalMachine(programs, surroundings, found, folder);
  const docker = findContainers(surroundings.path);
  if (!docker) throw new Error(reason);
  const image = VERSIONS[PREFERRED]?.image ?? '';
  return new ContainerMachine(programs, docker, image, PREFERRED, folder);
}

/** Why this machine's own PostgreSQL cannot be used, and what to do. */
function why(found: FoundPostgres | undefined, surroundings: Surroundings): string | undefined {
  if (!found) {
    return `there is no PostgreSQL 14 to 18 here, with postgres, initdb, pg_dump and psql: install one (apt install postgresql, brew install postgresql@${PREFERRED}), or ${REMEDY}`;
  }
  if (surroundings.user === 0) return `PostgreSQL refuses to run as root: run this as an ordinary user, or ${REMEDY}`;
  if (!surroundings.hasName) {
    return `PostgreSQL refuses to run as a user without a name, and ${surroundings.user} has none: run this as a user of /etc/passwd, or ${REMEDY}`;
  }
  if (surroundings.free < NEEDED) {
    return `there are ${Math.floor(surroundings.free / MEGABYTE)} MB free for temporary files, and ${NEEDED / MEGABYTE} are needed: make room, let TMPDIR name another place, or ${REMEDY}`;
  }
  const missing = missingTools(surroundings);
  if (missing.length === 0) return undefined;
  const hint = process.platform === 'darwin' ? 'macOS has a different date, and no flock' : 'apt install util-linux coreutils zstd';
  return `there is a PostgreSQL here, but the scripts of the YAML need ${missing.join(', ')} beside it (${hint}): install that, or ${REMEDY}`;
}

function ours(folder: string): Surroundings {
  return {
    path: process.env.PATH ?? '',
    homes: postgresHomes(),
    user: process.getuid?.() ?? -1,
    hasName: hasName(),
    free: freeIn(folder),
  };
}

function hasName(): boolean {
  try {
    return userInfo().username !== '';
  } catch {
    return false;
  }
}

function freeIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // Not every file system says it.
    return Number.POSITIVE_INFINITY;
  }
}
