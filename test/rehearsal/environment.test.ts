import { describe, expect, it } from 'vitest';
import { containerEnvironment, expand, fieldValue, type PodFacts, resourceValue } from './environment';
import { Manifests } from './manifests';
import type { Container } from './pod-spec';
import { quantity } from './quantity';

const pod: PodFacts = {
  metadata: { name: 'job-abcde', namespace: 'shop', labels: { app: 'x', 'a/b': 'c' }, annotations: { note: 'say "hi"' }, uid: 'u-1' },
  spec: { containers: [{ name: 'main', image: 'i', resources: { limits: { memory: '64Mi', cpu: '1500m' }, requests: { cpu: '100m' } } }] },
};

function environment(container: Partial<Container>, services: Record<string, string> = {}): Record<string, string> {
  const objects = new Manifests();
  const metadata = { name: 'creds', namespace: 'shop' };
  objects.put({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data: { password: Buffer.from('s3').toString('base64') },
    stringData: { user: 'me' },
  });
  objects.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { mode: 'fast' } });
  objects.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'elsewhere', namespace: 'other' }, stringData: { a: 'b' } });
  return containerEnvironment({ name: 'main', image: 'i', ...container }, pod, objects, services);
}

describe('$(VAR)', () => {
  const values: Record<string, string> = { A: '1', EMPTY: '' };
  it.each([
    ['$(A)', '1'],
    ['x$(A)y$(A)', 'x1y1'],
    ['$(EMPTY)', ''],
    ['$(UNKNOWN)', '$(UNKNOWN)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$1'],
    ['$$$$(A)', '$$(A)'],
    ['$A $', '$A $'],
    ['$(A', '$(A'],
    ['$()', '$()'],
    ['$($(A))', '$($(A))'],
    ['cost $$5', 'cost $5'],
  ])('%s becomes %s', (written, expected) => {
    expect(expand(written, name => values[name])).toBe(expected);
  });
});

describe('the environment of a container', () => {
  it('sees earlier variables only, and service links as the last resort', () => {
    const env = [
      { name: 'EARLY', value: '$(LATE)' },
      { name: 'LATE', value: 'late' },
      { name: 'ODD', value: '$(constructor)' },
      { name: 'BOTH', value: '$(EARLY)/$(LATE)/$(DB_PORT)/$(MODE_mode)' },
    ];
    expect(environment({ env, envFrom: [{ prefix: 'MODE_', configMapRef: { name: 'creds' } }] }, { DB_PORT: 'tcp' })).toEqual({
      DB_PORT: 'tcp',
      MODE_mode: 'fast',
      EARLY: '$(LATE)',
      LATE: 'late',
      ODD: '$(constructor)',
      BOTH: '$(LATE)/late/tcp/fast',
    });
  });

  it('lets env override envFrom, and envFrom override service links', () => {
    const env = [{ name: 'user', value: 'you' }];
    expect(environment({ env, envFrom: [{ secretRef: { name: 'creds' } }] }, { user: 'link', password: 'link' })).toEqual({
      user: 'you',
      password: 's3',
    });
  });

  it('reads secrets, config maps and the pod', () => {
    const env = [
      { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'creds', key: 'password' } } },
      { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'creds', key: 'mode' } } },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
    ];
    expect(environment({ env })).toEqual({ PASSWORD: 's3', MODE: 'fast', POD: 'job-abcde', MEMORY: '67108864' });
  });

  it('leaves an optional one out', () => {
    const env = [
      { name: 'A', valueFrom: { secretKeyRef: { name: 'gone', key: 'k', optional: true } } },
      { name: 'B', valueFrom: { configMapKeyRef: { name: 'creds', key: 'gone', optional: true } } },
    ];
    expect(environment({ env, envFrom: [{ secretRef: { name: 'gone', optional: true } }] })).toEqual({});
  });

  it.each([
    ['a missing secret', { secretKeyRef: { name: 'gone', key: 'k' } }, 'CreateContainerConfigError: secret "gone" not found'],
    ['a secret of another namespace', { secretKeyRef: { name: 'elsewhere', key: 'a' } }, 'secret "elsewhere" not found'],
    ['a missing key', { secretKeyRef: { name: 'creds', key: 'k' } }, "couldn't find key k in Secret shop/creds"],
    ['a key only objects have', { configMapKeyRef: { name: 'creds', key: 'constructor' } }, "couldn't find key constructor"],
    ['an unknown field', { fieldRef: { fieldPath: 'metadata.owner' } }, 'fieldPath metadata.owner is not understood'],
    ['no source', {}, 'env A has no known source'],
  ])('refuses %s', (_, valueFrom, problem) => {
    expect(() => environment({ env: [{ name: 'A', valueFrom }] })).toThrow(problem);
  });
});

describe('what a pod knows of itself', () => {
  it.each([
    ["metadata.labels['a/b']", 'c'],
    ["metadata.annotations['gone']", ''],
    ['metadata.labels', 'a/b="c"\napp="x"'],
    ['metadata.annotations', 'note="say \\"hi\\""'],
    ['metadata.uid', 'u-1'],
    ['spec.serviceAccountName', 'default'],
  ])('%s is %s', (fieldPath, expected) => {
    expect(fieldValue({ fieldPath }, pod)).toBe(expected);
  });

  it('rounds resources up, and takes a missing limit from the node', () => {
    expect(resourceValue({ resource: 'limits.cpu' }, pod, 'main')).toBe('2');
    expect(resourceValue({ resource: 'requests.cpu', divisor: '1m' }, pod, 'main')).toBe('100');
    expect(resourceValue({ resource: 'requests.memory', divisor: '1Mi' }, pod, 'main')).toBe('64');
    expect(() => resourceValue({ resource: 'limits.cpu', containerName: 'gone' }, pod, 'main')).toThrow('container gone');
  });
});

describe('quantities', () => {
  it.each([
    ['40Mi', 41943040],
    ['1.5G', 1.5e9],
    ['500m', 0.5],
    ['1e3', 1000],
    [7, 7],
  ])('%s is %d', (written, expected) => {
    expect(quantity(written)).toBe(expected);
  });

  it.each(['', '5 Mi', '5mb', 'Mi', '-'])('%j is none', written => {
    expect(() => quantity(written)).toThrow('is not a Kubernetes quantity');
  });
});
