import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

// The exported API stays within what jsii can express, so that other languages remain possible: no unions, generics or tuples,
// no types of JavaScript alone.

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'api-'));
  cpSync('lib', join(directory, 'lib'), { recursive: true, filter: path => !/tsconfig\.json$|\.mjs$/.test(path) });
  cpSync('imports', join(directory, 'imports'), { recursive: true });
  // One face for all: jsii knows faces of their own only as submodules, which export whole files.
  appendFileSync(join(directory, 'lib', 'surface.ts'), "export * from './velero/surface';\nexport * from './volumes/surface';\n");
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'README.md'), '');
  const { name, version, description, license, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const about = { name, version, description, license, peerDependencies, main: 'lib/index.js', types: 'lib/index.d.ts' };
  const needed = { author: { name: 'x', email: 'x@example.com' }, repository: { type: 'git', url: 'https://example.com/x.git' } };
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ ...about, ...needed, jsii: { targets: {}, outdir: 'dist' } }));
});
afterEach(() => rmSync(directory, { recursive: true }));

function jsii(): { status: number | null; errors: string[] } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolve('node_modules/jsii/bin/jsii'), '--silence-warnings=reserved-word'],
    {
      cwd: directory,
      encoding: 'utf8',
    },
  );
  return { status, errors: `${stdout}${stderr}`.split('\n').filter(line => /error (JSII|TS)/.test(line)) };
}

test('the API can be expressed in jsii', () => {
  expect(jsii()).toEqual({ status: 0, errors: [] });
});

test.each([
  ['core/scratch.ts', 'limit: Size)'],
  ['velero/volume.ts', 'snapshot(name: string)'],
])('and the check finds what cannot, in %s', (file, parameter) => {
  const source = readFileSync(join('lib', file), 'utf8');
  expect(source).toContain(parameter);
  writeFileSync(join(directory, 'lib', file), source.replace(parameter, parameter.replace(')', ' | [number])')));
  expect(jsii().errors.join('\n')).toContain('JSII');
});
