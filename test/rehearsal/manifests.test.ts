import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Manifests, parseManifest } from './manifests';

const CONFIG = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: "1"}\n';

describe('manifests', () => {
  it('reads every YAML file below a directory, several documents each', () => {
    const directory = mkdtempSync(join(tmpdir(), 'manifests-'));
    mkdirSync(join(directory, 'inner'));
    writeFileSync(join(directory, 'one.k8s.yaml'), `${CONFIG}---\n${CONFIG.replace('settings', 'others')}---\n`);
    writeFileSync(join(directory, 'inner/two.yml'), CONFIG.replace(', namespace: shop', ''));
    writeFileSync(join(directory, 'notes.txt'), '{');
    const manifests = Manifests.load([directory]);
    expect(manifests.all('ConfigMap', 'shop').map(object => object.metadata.name)).toEqual(['settings', 'others']);
    expect(manifests.find('ConfigMap', 'default', 'settings')).toBeDefined();
    rmSync(directory, { recursive: true });
  });

  it('opens the items of a List', () => {
    const list = 'apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: x}}\n';
    expect(parseManifest(list, 'f').map(object => object.kind)).toEqual(['Secret']);
  });

  it('reads numbers as kubectl does: 0400 is octal', () => {
    expect(parseManifest(CONFIG.replace('"1"', '0400'), 'f')[0]).toMatchObject({ data: { a: 256 } });
  });

  it.each([
    ['a broken document', 'a: [1'],
    ['a key written twice', CONFIG.replace('data:', 'kind: Secret\ndata:')],
    ['a document that is no object of Kubernetes', 'hello: world'],
    ['an object without a name', 'apiVersion: v1\nkind: Secret\nmetadata: {}'],
  ])('refuses %s', (_, text) => {
    expect(() => parseManifest(text, 'dist/f.yaml')).toThrow('dist/f.yaml: ');
  });

  it('refuses two objects of one name, and a directory without YAML', () => {
    const directory = mkdtempSync(join(tmpdir(), 'manifests-'));
    expect(() => Manifests.load([directory])).toThrow('no YAML files');
    writeFileSync(join(directory, 'a.yaml'), `${CONFIG}---\n${CONFIG}`);
    expect(() => Manifests.load([directory])).toThrow('ConfigMap shop/settings is there twice');
    rmSync(directory, { recursive: true });
  });
});
