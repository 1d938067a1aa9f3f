import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job, type Outcome } from './job';

/** What no log and no verdict may hold, however a run fails: passwords of server and stores, and a row of the data. */
const PASSWORDS = { SERVER_PASSWORD: 'hunter2-server', AWS_SECRET_ACCESS_KEY: 'hunter2-store', RESTIC_REST_PASSWORD: 'hunter2-rest' };
const ROW = '4929-1234-5678-9012';
const LEAK = /hunter2|4929-1234/;

const DUMP = `put data.txt sh -c 'seq 1 2000; echo ${ROW}'; fact rows 2001`;
const READ = 'get data.txt >data; fact rows "$(wc -l <data | tr -d " ")"; compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"';

let job: Job;
beforeEach(() => {
  job = new Job({ dump: DUMP, verify: READ, restore: READ });
});
afterEach(() => job.remove());

const run = (operation: string, different: { [name: string]: string } = {}) => job.run(operation, { ...PASSWORDS, ...different });

/** Puts a program in the way of the one of its name; the variable that makes runs find it. */
function instead(name: string, script: string): { PATH: string } {
  writeFileSync(join(job.directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${job.directory}:${process.env.PATH}` };
}

function damage(act: (file: string) => void, repository = job.repository): void {
  const point = join(repository, 'orders', job.points('orders', repository).at(-1) ?? '');
  act(join(point, readdirSync(point).find(name => name.startsWith('data.txt')) ?? ''));
}

const flip = (file: string) => {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(file, bytes);
};

const DAMAGES: [string, (file: string) => void][] = [
  ['with one bit flipped', flip],
  ['truncated', file => truncateSync(file, 20)],
  ['gone', file => rmSync(file)],
];

const FAULTS: [string, () => Outcome][] = [
  ...[
    ['dies in the middle of a row', `put data.txt sh -c 'printf ${ROW}; kill -9 $$'; fact rows 1`],
    ['fails without a word', `put data.txt sh -c 'echo ${ROW}; exit 3'; fact rows 1`],
    ['stores nothing', `echo ${ROW} >/dev/null`],
    ['notes no facts', `put data.txt echo ${ROW}`],
  ].map(([what, dump = '']): [string, () => Outcome] => [
    `a dump that ${what}`,
    () => {
      job.engine({ dump });
      return run('backup');
    },
  ]),
  [
    'a server that does not answer',
    () => {
      job.engine({ ready: 'echo "Connection refused" >&2; exit 1' });
      return run('backup');
    },
  ],
  ['a compressor that fails', () => run('backup', instead('gzip', 'cat >/dev/null; echo "gzip: out of memory" >&2; exit 1'))],
  ['a volume that is full', () => run('backup', instead('tee', 'head -c 10 >/dev/null; echo "tee: No space left on device" >&2; exit 1'))],
  ['a dump that is too small', () => run('backup', { MINIMUM_BYTES: '1000000' })],
  ...['verify', 'restore', 'mirror'].flatMap(operation =>
    DAMAGES.map(([how, act]): [string, () => Outcome] => [
      `a ${operation} of what is ${how}`,
      () => {
        run('backup');
        damage(act);
        return operation === 'mirror' ? job.runMirror(PASSWORDS) : run(operation);
      },
    ]),
  ),
  ...['verify', 'restore'].map((operation): [string, () => Outcome] => [
    `a ${operation} that finds other data`,
    () => {
      run('backup');
      const script = READ.replace('>data;', '>data; echo one more >>data;');
      job.engine({ verify: script, restore: script });
      return run(operation);
    },
  ]),
  [
    'a prune by a policy that is none',
    () => {
      run('backup');
      return run('prune', { RETENTION: 'nonsense' });
    },
  ],
];

describe('however it fails, no password and no row is in the log or the verdict:', () => {
  test.each(FAULTS)('%s', (_, fault) => {
    const { code, log, line } = fault();
    expect(code).not.toBe(0);
    expect(JSON.parse(line)).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/./) });
    expect(log).not.toMatch(LEAK);
    expect(line).not.toMatch(LEAK);
  });
});
