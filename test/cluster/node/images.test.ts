import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fullName, ImageLayout } from './images';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'images-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const json = (path: string) => JSON.parse(readFileSync(join(directory, path), 'utf8'));
const blob = (digest: string) => json(`layout/blobs/${digest.replace(':', '/')}`);

test.each([
  ['postgres:15', 'docker.io/library/postgres:15'],
  ['alpine/kubectl:1.34.2', 'docker.io/alpine/kubectl:1.34.2'],
  ['gcr.io/etcd-development/etcd:v3.5.33', 'gcr.io/etcd-development/etcd:v3.5.33'],
  ['localhost/tools:1', 'localhost/tools:1'],
  ['registry:5000/tools:1', 'registry:5000/tools:1'],
])('%s is %s to a container runtime', (name, full) => {
  expect(fullName(name)).toBe(full);
});

test('an image is its configuration and one layer, which stands for its root file system', () => {
  ImageLayout.write(directory, [{ name: 'postgres:15', root: '/roots/postgres', user: 999, env: { LANG: 'C' }, stopSignal: 'SIGINT' }]);
  const [described] = json('layout/index.json').manifests;
  expect(described.annotations).toEqual({ 'io.containerd.image.name': 'docker.io/library/postgres:15' });
  const manifest = blob(described.digest);
  const configuration = blob(manifest.config.digest);
  expect(configuration.config).toMatchObject({ Env: [expect.stringMatching(/^PATH=/), 'LANG=C'], User: '999', StopSignal: 'SIGINT' });
  const [layer] = manifest.layers;
  expect(configuration.rootfs.diff_ids).toEqual([layer.digest]);
  expect(readFileSync(join(directory, 'roots'), 'utf8')).toBe(`${layer.digest} /roots/postgres\n`);
});

test('names of one root file system share a layer, others do not', () => {
  const images = [
    { name: 'etcd:3.5-trixie', root: '/roots/etcd' },
    { name: 'gcr.io/etcd-development/etcd:v3.5.33', root: '/roots/etcd' },
    { name: 'curl:8', root: '/roots/curl' },
  ];
  ImageLayout.write(directory, images);
  expect(readFileSync(join(directory, 'roots'), 'utf8').split('\n').filter(Boolean)).toHaveLength(2);
  expect(json('layout/index.json').manifests).toHaveLength(3);
  expect(readdirSync(join(directory, 'layout'))).toContain('oci-layout');
});
