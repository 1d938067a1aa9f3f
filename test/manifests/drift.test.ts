import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PLATFORMS } from './platforms';

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'drift-'));
});
afterAll(() => rmSync(work, { recursive: true }));

function filesIn(folder: string): { [file: string]: string } {
  return Object.fromEntries(readdirSync(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')]));
}

function synthesize(folder: string, environment: NodeJS.ProcessEnv): { [file: string]: string } {
  const outdir = mkdtempSync(join(work, 'dist-'));
  const env = { ...process.env, ...environment, CDK8S_OUTDIR: outdir };
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', resolve(folder, 'main.ts')], { env, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return filesIn(outdir);
}

/** Names only: the files are long, and git shows the lines. */
function differences(a: { [file: string]: string }, b: { [file: string]: string }): string[] {
  return Object.keys({ ...a, ...b }).filter(file => a[file] !== b[file]);
}

describe.each(PLATFORMS)('$name', ({ name, folder, dist }) => {
  test('is what main.ts synthesizes, wherever that happens', () => {
    const first = synthesize(folder, { TZ: 'UTC', LC_ALL: 'C' });
    const second = synthesize(folder, { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' });
    expect(differences(first, second), 'two runs of main.ts differ').toEqual([]);
    expect(differences(filesIn(dist), first), `${name} is not what main.ts synthesizes: run \`npm run synth\``).toEqual([]);
  });
});
