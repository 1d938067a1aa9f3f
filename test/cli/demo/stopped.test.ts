import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

// A demo that is ended while Docker fetches an image: nothing of it may stay.

let folder: string;
let child: ChildProcess;
beforeEach(() => {
  folder = mkdtempSync('/tmp/stopped-');
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'tmp'));
  const docker = join(folder, 'bin/docker');
  writeFileSync(docker, `#!/bin/sh\ncase $1 in run) : >"${folder}/fetching"; while [ -e "${folder}" ]; do /bin/sleep 0.1; done ;; esac\n`);
  chmodSync(docker, 0o755);
});
afterEach(() => {
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !holds(); ) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const left = () => readdirSync(join(folder, 'tmp')).filter(name => name.startsWith('cdk8s-backup-demo-'));

/** Nothing but Docker is on PATH: whatever is on this machine, nothing else can be used. */
async function begun(): Promise<{ ended: Promise<number | null> }> {
  const env = { PATH: join(folder, 'bin'), TMPDIR: join(folder, 'tmp') };
  child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/cdk8s-backup.ts', 'demo'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>(resolve => child.on('exit', resolve));
  await until('Docker is asked', () => existsSync(join(folder, 'fetching')));
  expect(left()).toHaveLength(1);
  return { ended };
}

test('its terminal is gone, to the last word: nothing is left', async () => {
  const { ended } = await begun();
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.kill('SIGHUP');
  expect(await ended).toBe(129);
  expect(left()).toEqual([]);
}, 90_000);

test('it is killed without a word: its folder goes all the same', async () => {
  await begun();
  child.kill('SIGKILL');
  await until('its folder is gone', () => left().length === 0);
}, 90_000);
