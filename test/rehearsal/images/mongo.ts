import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianRoot, npmPackages } from '../rootfs';
import type { Image } from './catalog';
import { goPrograms } from './go';

const part = (name: string) => readFileSync(join(__dirname, 'ferretdb', name), 'utf8');

/** MongoDB's tools, and FerretDB in the place of mongod, built from their sources. */
const PROGRAMS = goPrograms(part('build.sh'), { APPLY_OPS: part('msg_applyops.go') });

/**
 * The official mongo image, as its Dockerfile builds it (docker-library/mongo), as far as it is free software.
 *
 * Kept: uid 999, /data/db, HOME, mongodump, mongorestore, bsondump and mongosh as they are released, jq, certificates; neither zstd
 * nor curl. MongoDB's server is in no Debian package: FerretDB with SQLite stands in for mongod. It speaks MongoDB's protocol, and can
 * write an oplog; it is no replica set, has no views, time series, decimals, read concerns or fsyncLock, and its `validate` looks
 * at nothing.
 */
export async function mongoImage(tag: string): Promise<Image> {
  const programs = await debianRoot(PROGRAMS);
  const mongosh = await npmPackages('mongosh', { packages: ['mongosh@2.5.10'], before: '2026-06-01' });
  const root = await debianRoot({
    // Of the suites, the first whose node runs mongosh.
    suite: 'trixie',
    packages: ['ca-certificates', 'jq', 'nodejs', 'numactl', 'procps'],
    copies: {
      '/usr/bin/mongodump': join(programs, 'opt/programs/mongodump'),
      '/usr/bin/mongorestore': join(programs, 'opt/programs/mongorestore'),
      '/usr/bin/bsondump': join(programs, 'opt/programs/bsondump'),
      '/usr/lib/ferretdb/ferretdb': join(programs, 'opt/programs/ferretdb'),
      '/usr/lib/mongosh/node_modules': join(mongosh, 'node_modules'),
    },
    before: [
      'groupadd --gid 999 --system mongodb',
      'useradd --uid 999 --system --gid mongodb --home-dir /data/db mongodb',
      'mkdir -p /data/db /data/configdb && chown mongodb:mongodb /data/db /data/configdb',
    ].join('\n'),
    after: [
      // The official mongosh is one program with its own node inside.
      'mv /usr/bin/node /usr/lib/mongosh/node && rm -f /usr/bin/nodejs',
      `cat >/usr/bin/mongosh <<'SH'\n#!/bin/sh\nexec /usr/lib/mongosh/node /usr/lib/mongosh/node_modules/mongosh/bin/mongosh.js "$@"\nSH`,
      `cat >/usr/bin/mongod <<'SH'\n${part('mongod')}SH`,
      'chmod 755 /usr/bin/mongosh /usr/bin/mongod',
      'test ! -e /usr/bin/zstd && test ! -e /usr/bin/curl && test ! -e /usr/bin/node',
      'mongodump --version && mongorestore --version && mongosh --version',
    ].join('\n'),
  });
  return { name: tag, root, env: { HOME: '/data/db' } };
}
