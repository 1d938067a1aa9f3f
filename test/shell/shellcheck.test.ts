import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheDirectory } from '../rehearsal/rootfs';

const scripts = execFileSync(
  'git',
  [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    'lib/*.sh',
    'examples/*.sh',
    'test/engines/*.sh',
    'test/e2e/*.sh',
    'test/verify.sh',
  ],
  {
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n')
  .filter(path => existsSync(path));
const { status: missing, stdout: version } = spawnSync('shellcheck', ['--version'], { encoding: 'utf8' });

/**
 * What was found clean is remembered by its bytes: a script's own, and those of all that it may read. Where other builds are kept,
 * if this user may write there: a minute and more of two processors, for every clone.
 */
const CLEAN = [join(cacheDirectory(), 'shellcheck'), 'node_modules/.cache/shellcheck'].find(mayWrite) ?? '';

function mayWrite(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const texts = new Map(scripts.map(path => [path, readFileSync(path, 'utf8')]));
const OPTIONS = ['--external-sources', '--source-path=.'];

/** A script and every other one whose name is in it, and so on: more than it sources, and never less. */
function reachedFrom(path: string, reached = new Set<string>()): Set<string> {
  if (reached.has(path)) return reached;
  reached.add(path);
  const names = new Set(texts.get(path)?.match(/[\w-]+\.sh\b/g));
  for (const other of scripts) if (names.has(basename(other))) reachedFrom(other, reached);
  return reached;
}

function mark(path: string): string {
  const hash = createHash('sha256').update(JSON.stringify([version, OPTIONS, path]));
  for (const each of [...reachedFrom(path)].sort()) hash.update(JSON.stringify([each, texts.get(each)]));
  return join(CLEAN, hash.digest('hex'));
}

test.skipIf(missing !== 0)('every script is clean', { timeout: 600_000 }, async () => {
  expect(scripts).toContain('lib/shell/jobs/run.sh');
  const marks = new Map(scripts.map(path => [path, mark(path)]));
  const unknown = scripts.filter(path => !existsSync(marks.get(path) ?? ''));
  const found: string[] = [];
  const next = async (): Promise<void> => {
    for (let paths = unknown.splice(0, 8); paths.length > 0; paths = unknown.splice(0, 8)) {
      const complaint = await check(paths);
      if (complaint === '') for (const path of paths) writeFileSync(marks.get(path) ?? '', '');
      else found.push(complaint);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  expect(found.join('')).toBe('');
});

/** What shellcheck says of these, or why it said nothing. */
function check(paths: string[]): Promise<string> {
  return new Promise(done => {
    execFile('shellcheck', [...OPTIONS, ...paths], (error, stdout) => done(stdout || (error?.message ?? '')));
  });
}

test.skipIf(missing !== 0)('and the check finds what it should', () => {
  const { stdout } = spawnSync('shellcheck', ['-'], { input: '#!/bin/sh\nrm -rf $1\n', encoding: 'utf8' });
  expect(stdout).toContain('SC2086');
});

// The images of MySQL, and others built as small, hold none of these; a script that calls one says "not found", or worse, takes that for "no".
const RARE = ['bc', 'cmp', 'diff', 'file', 'hexdump', 'hostname', 'less', 'perl', 'pgrep', 'pkill', 'ps', 'python3', 'rev', 'which', 'xxd'];

test('no script calls what small images lack', () => {
  const called = new RegExp(`(?:^|[;&|(!]|then|do|else|if|while)\\s*(${RARE.join('|')})(?=\\s|$)`, 'gm');
  const calls = [...texts]
    .filter(([path]) => path.startsWith('lib/'))
    .flatMap(([path, text]) => [...text.replace(/^\s*#.*$/gm, '').matchAll(called)].map(([, program]) => `${path}: ${program}`));
  expect(calls).toEqual([]);
  expect('a || cmp -s x y'.match(called)).toEqual(['| cmp']);
});
