import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { cachedRoot, debianRoot, npmPackages } from '../rootfs';
import type { Image } from './catalog';
import { goBinaries } from './go-binaries';

const part = (name: string) => readFileSync(join(__dirname, 'ferretdb', name), 'utf8');

/** MongoDB's tools, and FerretDB in the place of mongod, built from their sources. */
const PROGRAMS = { name: 'mongo-programs', build: part('build.sh'), files: { 'msg_applyops.go': part('msg_applyops.go') } };

/** Of mongosh's modules, those that it loads where they are, and does without. */
const OPTIONAL = ['*.node', 'bindings', 'electron', 'ipv6-normalize', 'kerberos', 'mongodb-client-encryption', 'os-dns-native'].concat(
  ...['pac-proxy-agent', 'source-map', '@babel/preset-typescript'],
);

/** Starts mongosh from what V8 has compiled before; `KEEP` names the file to keep that in. */
const LOADER = `
const { readFileSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { Script, constants } = require('node:vm');
const filename = __dirname + '/mongosh.js';
const compiled = __dirname + '/mongosh.compiled';
const script = new Script(Module.wrap(readFileSync(filename, 'utf8')), {
  filename,
  cachedData: process.env.KEEP ? undefined : readFileSync(compiled),
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
const program = Object.assign(new Module(filename, null), { filename, paths: [] });
script.runInThisContext().call(program.exports, program.exports, program.require.bind(program), program, filename, __dirname);
if (process.env.KEEP) process.on('exit', () => writeFileSync(compiled, script.createCachedData()));
`;

/**
 * mongosh as one file, which the official one is too: to find and compile its thousands of modules at every start takes a processor
 * for longer than most scripts run.
 */
async function mongoshProgram(packages: string): Promise<string> {
  return cachedRoot('mongosh-program', { packages, OPTIONAL, LOADER }, async root => {
    await build({
      entryPoints: [join(packages, 'node_modules/@mongosh/cli-repl/lib/run.js')],
      outfile: join(root, 'mongosh.js'),
      ...{ bundle: true, platform: 'node', target: 'node20', keepNames: true, minifyWhitespace: true, external: OPTIONAL },
      logLevel: 'error',
    });
    writeFileSync(join(root, 'load.js'), LOADER);
  });
}

/**
 * The official mongo image, as its Dockerfile builds it (docker-library/mongo), as far as it is free software.
 *
 * Kept: uid 999, /data/db, HOME, mongodump, mongorestore, bsondump and mongosh as they are released, jq, certificates; neither zstd
 * nor curl. MongoDB's server is in no Debian package: FerretDB with SQLite stands in for mongod. It speaks MongoDB's protocol, and can
 * write an oplog; it is no replica set, has no views, time series, decimals, read concerns or fsyncLock, and its `validate` looks
 * at nothing.
 */
export async function mongoImage(tag: string): Promise<Image> {
  const programs = await goBinaries(PROGRAMS);
  const packages = await npmPackages('mongosh', { packages: ['mongosh@2.5.10'], before: '2026-06-01' });
  const mongosh = await mongoshProgram(packages);
  const root = await debianRoot({
    // Of the suites, the first whose node runs mongosh.
    suite: 'trixie',
    packages: ['ca-certificates', 'jq', 'nodejs', 'numactl', 'procps'],
    copies: {
      '/usr/bin/mongodump': join(programs, 'mongodump'),
      '/usr/bin/mongorestore': join(programs, 'mongorestore'),
      '/usr/bin/bsondump': join(programs, 'bsondump'),
      '/usr/lib/ferretdb/ferretdb': join(programs, 'ferretdb'),
      '/usr/lib/mongosh': mongosh,
      // For clients of tests, which run in its node.
      '/usr/lib/mongosh/node_modules': join(packages, 'node_modules'),
    },
    before: [
      'groupadd --gid 999 --system mongodb',
      'useradd --uid 999 --system --gid mongodb --home-dir /data/db mongodb',
      'mkdir -p /data/db /data/configdb && chown mongodb:mongodb /data/db /data/configdb',
    ].join('\n'),
    after: [
      // The official mongosh is one program with its own node inside.
      'mv /usr/bin/node /usr/lib/mongosh/node && rm -f /usr/bin/nodejs',
      `cat >/usr/bin/mongosh <<'SH'\n#!/bin/sh\nexec /usr/lib/mongosh/node /usr/lib/mongosh/load.js "$@"\nSH`,
      `cat >/usr/bin/mongod <<'SH'\n${part('mongod')}SH`,
      'chmod 755 /usr/bin/mongosh /usr/bin/mongod',
      'test ! -e /usr/bin/zstd && test ! -e /usr/bin/curl && test ! -e /usr/bin/node',
      'KEEP=yes mongosh --nodb --quiet --norc --eval 1 && test -s /usr/lib/mongosh/mongosh.compiled && chmod -R a+rX /usr/lib/mongosh',
      'mongodump --version && mongorestore --version && mongosh --version',
    ].join('\n'),
  });
  return { name: tag, root, env: { HOME: '/data/db' } };
}
