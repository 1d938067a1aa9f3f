import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from './kubectl';
import { Namespace } from './namespace';
import { CONTAINED } from './restricted';

// What the other scenarios take for granted of a cluster: whoever finds one of them wrong looks here first.

const IMAGE = 'busybox:1.37.0-musl';
const UNPRIVILEGED = { ...CONTAINED, runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } };

let namespace: Namespace;
beforeAll(async () => {
  namespace = await Namespace.create('kubernetes-itself', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  const server = { name: 'server', labels: { app: 'server' } };
  await namespace.apply(
    pod('server', 'echo a page >/tmp/index.html; echo serving; exec httpd -f -p 8080 -h /tmp', { app: 'server' }),
    { apiVersion: 'v1', kind: 'Service', metadata: server, spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }] } },
    pod('friend', 'exec sleep 1000000', { may: 'ask' }),
    pod('stranger', 'exec sleep 1000000', {}),
  );
  await namespace.output('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=5m');
}, 600_000);
afterAll(() => namespace?.delete(), 600_000);

function pod(name: string, script: string, labels: { [label: string]: string }): object {
  const container = { name: 'main', image: IMAGE, command: ['sh', '-c', script], securityContext: UNPRIVILEGED };
  const spec = { terminationGracePeriodSeconds: 1, containers: [container] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec };
}

/** Whether a pod gets the page of the Service. */
async function asks(who: string, host = 'server'): Promise<boolean> {
  const { exitCode, stdout } = await namespace.kubectl(['exec', who, '--', 'wget', '-q', '-T', '5', '-O', '-', `http://${host}/`]);
  return exitCode === 0 && stdout === 'a page\n';
}

test('a pod runs: it has a log, and commands can be run in it', async () => {
  expect(await namespace.output('logs', 'server')).toBe('serving');
  expect(await namespace.output('exec', 'server', '--', 'id', '-u')).toBe('1000');
  const { exitCode } = await namespace.kubectl(['exec', 'server', '--', 'sh', '-c', 'exit 7']);
  expect(exitCode).toBe(7);
});

test('a Service has a name, and answers', async () => {
  await until('the Service answers by its short name', () => asks('friend'));
  await until('and by its long one', () => asks('friend', `server.${namespace.name}.svc.cluster.local`));
  const { stdout, stderr } = await namespace.kubectl(['exec', 'friend', '--', 'nslookup', 'nowhere.example.']);
  expect(`${stdout}${stderr}`).toContain('NXDOMAIN');
});

test('a NetworkPolicy lets in whom it names, and nobody else', async () => {
  await until('the stranger is answered before there is a policy', () => asks('stranger'));
  const from = [{ podSelector: { matchLabels: { may: 'ask' } } }];
  const spec = { podSelector: { matchLabels: { app: 'server' } }, policyTypes: ['Ingress'], ingress: [{ from, ports: [{ port: 8080 }] }] };
  await namespace.apply({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'server' }, spec });
  await until('the stranger is refused', async () => !(await asks('stranger')));
  expect(await asks('friend')).toBe(true);
});

test('a namespace that enforces "restricted" refuses a pod that is root', async () => {
  const root = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'root' }, spec: { containers: [{ name: 'main', image: IMAGE }] } };
  await expect(namespace.apply(root)).rejects.toThrow(/violates PodSecurity "restricted:latest".*runAsNonRoot != true/s);
});

test('a Job runs to its end, and says what its pod said last', async () => {
  const container = {
    ...{ name: 'main', image: IMAGE, command: ['sh', '-c', 'echo done; echo 42 >/dev/termination-log'] },
    ...{ securityContext: UNPRIVILEGED },
  };
  const spec = { template: { spec: { restartPolicy: 'Never', containers: [container] } } };
  await namespace.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec });
  await namespace.output('wait', 'job/once', '--for=condition=Complete', '--timeout=5m');
  expect(await namespace.output('logs', 'job/once')).toBe('done');
  const said = '{.items[0].status.containerStatuses[0].state.terminated.message}';
  expect(await namespace.output('get', 'pod', '--selector=job-name=once', `--output=jsonpath=${said}`)).toBe('42');
});
