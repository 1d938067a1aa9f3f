import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'cdk8s';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readManifests } from '../manifests/manifest';
import { asKept } from '../manifests/rules/as-kept';
import { foreignSelectors } from '../manifests/rules/foreign-selectors';
import { networkPolicyCovers } from '../manifests/rules/network-policy';

// Every BackupApp of this project, and what App would have written.
const ROOT = join(__dirname, '..', '..');
const below = (folder: string) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(path => join(folder, path));
const APPS = ['main.ts', ...below('examples'), ...below('test')]
  .filter(path => path.endsWith('main.ts') && readFileSync(join(ROOT, path), 'utf8').includes('new BackupApp('))
  .sort();

let work: string;
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'examples-'));
  vi.resetModules();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true });
});

const manifestsIn = (folder: string) => readdirSync(folder).filter(file => file !== 'PREREQUISITES.md');
const written = (folder: string) => Object.fromEntries(manifestsIn(folder).map(file => [file, readFileSync(join(folder, file), 'utf8')]));

test.each(APPS)('%s is the same bytes', async path => {
  vi.stubEnv('CDK8S_OUTDIR', join(work, 'ours'));
  vi.stubEnv('MEMBER_ADDRESSES', '10.0.0.1,10.0.0.2,10.0.0.3');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const { BackupApp } = await import('../../lib/app/backup-app.js');
  const synth = vi.spyOn(BackupApp.prototype, 'synth');
  await import(join(ROOT, path));
  const [app] = synth.mock.contexts;
  expect(app).toBeInstanceOf(App);

  Object.defineProperty(app, 'outdir', { value: join(work, 'stock') });
  App.prototype.synth.call(app);

  expect(Object.keys(written(join(work, 'ours'))).length).toBeGreaterThan(0);
  expect(written(join(work, 'ours'))).toEqual(written(join(work, 'stock')));

  const manifests = readManifests(join(work, 'ours'));
  expect([networkPolicyCovers, foreignSelectors, asKept].flatMap(rule => rule(manifests))).toEqual([]);
});
