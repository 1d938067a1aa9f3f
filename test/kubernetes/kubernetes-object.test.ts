import { k8s } from 'cdk8s-plus-27';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalQuantity } from '../../lib/core/quantity';
import { kubernetesObject } from '../../lib/kubernetes/kubernetes-object';
import { quantity } from '../rehearsal/quantity';
import { property } from '../support/property';
import { chart } from '../support/synth';

describe('a quantity is written as an API server keeps it', () => {
  // As `CanonicalizeBytes` of k8s.io/apimachinery has them in its own tests and documentation.
  test.each([
    ['1024Mi', '1Gi'],
    ['2048Mi', '2Gi'],
    ['512Mi', '512Mi'],
    ['1.5Gi', '1536Mi'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['.5', '500m'],
    ['1000', '1k'],
    ['1024', '1024'],
    ['100000k', '100M'],
    ['0Gi', '0'],
    ['0', '0'],
    ['1e3', '1e3'],
    ['100', '100'],
    ['512MB', '512MB'],
    ['', ''],
  ])('%s is %s', (written, kept) => {
    expect(canonicalQuantity(written)).toBe(kept);
  });

  test('and is worth the same', () => {
    const suffix = fc.constantFrom('m', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi');
    property(fc.nat({ max: 5_000_000 }), suffix, (number, unit) => {
      const kept = canonicalQuantity(`${number}${unit}`);
      expect(quantity(kept)).toBeCloseTo(quantity(`${number}${unit}`), 3);
      expect(canonicalQuantity(kept)).toBe(kept);
    });
  });
});

test('what an API server does not keep is not written, and what says something by being empty is', () => {
  const object = kubernetesObject(chart(), 'Policy', k8s.KubeNetworkPolicy.GVK, {
    metadata: { name: 'all' },
    spec: { podSelector: {}, ingress: [], egress: [{ to: [{ podSelector: {} }, { namespaceSelector: {} }] }], policyTypes: ['Ingress'] },
  });
  expect(object.toJson().spec).toEqual({
    podSelector: {},
    egress: [{ to: [{ podSelector: {} }, { namespaceSelector: {} }] }],
    policyTypes: ['Ingress'],
  });
  const pod = kubernetesObject(chart(), 'Pod', k8s.KubePod.GVK, {
    spec: {
      automountServiceAccountToken: false,
      hostNetwork: false,
      nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
      containers: [
        { name: 'a', env: [{ name: 'EMPTY', value: '' }], command: [], volumeMounts: [{ name: 'b', mountPath: '/b', readOnly: false }] },
      ],
      volumes: [{ name: 'b', emptyDir: {} }],
    },
  });
  expect(pod.toJson().spec).toEqual({
    automountServiceAccountToken: false,
    nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
    containers: [{ name: 'a', env: [{ name: 'EMPTY' }], volumeMounts: [{ name: 'b', mountPath: '/b' }] }],
    volumes: [{ name: 'b', emptyDir: {} }],
  });
});

test('a ConfigMap that kubectl apply cannot keep is an error', () => {
  const shop = chart();
  expect(() =>
    kubernetesObject(shop, 'Large', k8s.KubeConfigMap.GVK, { metadata: { name: 'large' }, data: { a: 'x'.repeat(256 * 1024) } }),
  ).toThrow('shop: ConfigMap large is "257 KiB": kubectl apply can store at most 250 KiB: write less into it');
});
