import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findMachine } from '../../../lib/cli/demo/find-machine';
import { Programs } from '../../../lib/cli/demo/programs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'find-machine-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const POSTGRES = ['postgres', 'initdb', 'pg_ctl', 'pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];
const TOOLS = ['sh', 'awk', 'sed', 'od', 'mkfifo', 'flock', 'sha256sum', 'gzip'];

/** Programs that exist, and say what they are told to. */
function programs(home: string, names: string[], says = ''): string {
  const bin = join(folder, home, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const name of names) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${says}'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

function postgres(home: string, version: string, names = POSTGRES): string {
  return programs(home, names, `postgres (PostgreSQL) ${version}`);
}

function found(path: string[], homes: string[] = [], { user = 1000, hasName = true, free = 1e9 } = {}) {
  const surroundings = { path: path.join(':'), homes: homes.map(home => join(folder, home)), user, hasName, free };
  return findMachine(new Programs(), folder, surroundings);
}

test('where there is no PostgreSQL and no container, one sentence says what to install', async () => {
  await expect(found([])).rejects.toThrow(
    /^there is no PostgreSQL 14 to 18 here, .*\(apt install postgresql, brew install postgresql@17\), or start Docker or Podman$/,
  );
});

test.each([
  ['a version without a plan', '13.9', POSTGRES],
  ['clients alone', '17.2', ['psql', 'pg_dump', 'pg_dumpall', 'pg_restore']],
])('%s is none', async (_, version, names) => {
  await expect(found([postgres('old', version, names)])).rejects.toThrow(/^there is no PostgreSQL 14 to 18 here/);
});

test('root is told that PostgreSQL refuses it', async () => {
  await expect(found([postgres('here', '17.2')], [], { user: 0 })).rejects.toThrow(
    /^PostgreSQL refuses to run as root: run this as an ordinary user/,
  );
});

test('a user without a name is told that PostgreSQL refuses it', async () => {
  await expect(found([postgres('here', '17.2')], [], { hasName: false })).rejects.toThrow(
    /^PostgreSQL refuses to run as a user without a name, and 1000 has none: run this as a user of \/etc\/passwd, or start Docker/,
  );
});

test('too little room is told before anything is begun', async () => {
  await expect(found([postgres('here', '17.2')], [], { free: 85.9 * 1024 * 1024 })).rejects.toThrow(
    /^there are 85 MB free for temporary files, and 200 are needed: make room, let TMPDIR name another place, or start Docker/,
  );
});

test('what the scripts need and is not there is named', async () => {
  const tools = programs('tools', ['sh', 'awk', 'sed', 'od', 'mkfifo', 'sha256sum']);
  await expect(found([postgres('here', '17.2'), tools])).rejects.toThrow(/ need flock, zstd or gzip, GNU date beside it /);
});

test('the first that is whole is taken, on PATH or where packages put it', async () => {
  const tools = [programs('tools', TOOLS), programs('date', ['date'], '02')];
  postgres('lib/17', '17.2', ['postgres', 'psql']);
  postgres('lib/15', '15.9 (Debian 15.9-1)');
  const machine = await found(tools, ['lib/17', 'lib/15']);
  expect(machine).toMatchObject({ major: '15', hasZstd: false, words: `PostgreSQL 15 of this machine (${join(folder, 'lib/15/bin')})` });
  expect(await found([...tools, postgres('path', '16.1')], ['lib/15'])).toMatchObject({ major: '16' });
});

test('a Docker that does not answer is none', async () => {
  writeFileSync(join(programs('docker', []), 'docker'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  await expect(found([join(folder, 'docker/bin')])).rejects.toThrow(/^there is no PostgreSQL/);
});
