import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ApiFault } from './api-faults/fault';
import { Namespace, RESTRICTED } from './namespace';
import { CONTAINED, unprivileged } from './restricted';

// What the other scenarios plant, a pod meets: and only it, and only what was named.

const NAMESPACE = 'api-faults';
const POD = {
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'client' } },
  spec: {
    terminationGracePeriodSeconds: 0,
    securityContext: unprivileged(),
    containers: [
      {
        ...{ name: 'kubectl', image: 'alpine/kubectl:1.34.2', command: ['sleep', 'infinity'] },
        env: [{ name: 'KUBECACHEDIR', value: '/tmp' }],
        securityContext: CONTAINED,
      },
    ],
  },
};
const roleBinding = {
  ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'edit' } },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
  subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: NAMESPACE }],
};
let namespace: Namespace;

beforeAll(async () => {
  namespace = await Namespace.create(NAMESPACE, RESTRICTED);
  await namespace.apply(roleBinding, POD);
  await namespace.output('wait', 'pod/client', '--for=condition=Ready', '--timeout=5m');
});
afterEach(() => ApiFault.clear(NAMESPACE));
afterAll(() => namespace?.delete());

/** kubectl of the pod. */
const inPod = (...argv: string[]) => namespace.kubectl(['exec', 'client', '--', 'kubectl', ...argv]);
const create = (name: string) =>
  namespace.kubectl(['exec', '--stdin', 'client', '--', 'kubectl', 'create', '--filename=-'], {
    input: Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })),
  });
const isThere = async (name: string) => (await namespace.object('configmap', name)) !== undefined;

test('a pod asks as its service account, by `exec` too', async () => {
  expect((await inPod('auth', 'whoami', '--output=jsonpath={.status.userInfo.username}')).stdout).toBe(
    `system:serviceaccount:${NAMESPACE}:default`,
  );
  expect((await inPod('exec', 'client', '--', 'echo', 'a stream')).stdout).toBe('a stream\n');
});

test('an answer with a status: nothing is done, and the next request is none of its business', async () => {
  ApiFault.plant({ namespace: NAMESPACE, verb: 'create', resource: 'configmaps', nth: 2 }, { status: 500 });
  expect((await create('first')).exitCode).toBe(0);
  const { exitCode, stderr } = await create('second');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('planted by a test');
  expect(await isThere('second')).toBe(false);
  expect((await create('second')).exitCode).toBe(0);
});

test.each([
  ['before', false],
  ['after', true],
] as const)('a connection that is cut %s it is done', async (cut, done) => {
  const fault = ApiFault.plant({ namespace: NAMESPACE, verb: 'create', name: cut }, { cut });
  const { exitCode, stderr } = await create(cut);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/EOF|connection reset/);
  expect(fault.hasStruck).toBe(true);
  expect(await isThere(cut)).toBe(done);
});

test('a pause, while tests and other requests go on; and what comes after it', async () => {
  const fault = ApiFault.plant({ namespace: NAMESPACE, verb: 'create', name: 'paused' }, { pause: true });
  const paused = create('paused');
  await fault.struck();
  expect((await create('beside')).exitCode).toBe(0);
  expect(await isThere('paused')).toBe(false);
  fault.remove();
  expect((await paused).exitCode).toBe(0);
  expect(await isThere('paused')).toBe(true);
});

test('as many as were named, of a resource and its subresource', async () => {
  ApiFault.plant({ namespace: NAMESPACE, verb: 'get', resource: 'pods/log', times: 2 }, { status: 500 });
  expect((await inPod('get', 'pod', 'client')).exitCode).toBe(0);
  const logs = async () => (await inPod('logs', 'client')).exitCode;
  expect([await logs(), await logs(), await logs()]).toEqual([1, 1, 0]);
});
