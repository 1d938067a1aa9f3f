import { afterAll, describe, expect, it } from 'vitest';
import type { Cluster } from './cluster';
import { appears, cannotRunPods, type Loose, removeScratch, withCluster } from './tiny';

const cannotRun = cannotRunPods();
afterAll(removeScratch);

/** A StatefulSet `db` in namespace `shop`, whose pods have a server, an agent beside it, and a volume that both mount. */
const DB: Loose = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'db', namespace: 'shop' },
  spec: {
    replicas: 2,
    serviceName: 'db',
    selector: { matchLabels: { app: 'db' } },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 },
        containers: ['server', 'agent'].map(name => ({
          name,
          image: 'tiny:1',
          command: ['sh', '-c', 'sleep 3600 & wait'],
          env: [{ name: 'ROLE', value: name }],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        })),
      },
    },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { resources: { requests: { storage: '1Gi' } } } }],
  },
};

async function withDb<T>(
  use: (cluster: Cluster, exec: (container: string, ...argv: string[]) => Promise<Loose>) => Promise<T>,
): Promise<T> {
  return withCluster([DB], {}, async cluster => {
    const { pod, ended } = await cluster.deployStatefulSet('shop', 'db', 1);
    while (pod.processes().filter(argv => argv.join(' ') === 'sleep 3600').length < 2) await new Promise(resolve => setTimeout(resolve, 5));
    try {
      return await use(cluster, (container, ...argv) => pod.exec(container, argv).ended);
    } finally {
      pod.killPod();
      await ended;
    }
  });
}

describe.skipIf(cannotRun)('a command in a running container', () => {
  it('has its user, its groups, its environment, its processes and its volumes', async () => {
    await withDb(async (cluster, exec) => {
      const script = 'id -u; id -g; id -G; echo $ROLE; hostname; cat /proc/1/cmdline | tr "\\0" " "; echo; echo was here >/data/note';
      const { exitCode, stdout, stderr } = await exec('agent', 'sh', '-c', script);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout.split('\n')).toEqual(['1000', '1000', '1000 50 2000', 'agent', 'db-1', 'sh -c sleep 3600 & wait ', '']);
      expect(await exec('server', 'cat', '/data/note')).toMatchObject({ stdout: 'was here\n' });
      expect(cluster.claim('shop', 'data-db-1')).toMatch(/data-db-1$/);
    });
  });

  it('gives its exit code and both of its streams', async () => {
    await withDb(async (_, exec) => {
      expect(await exec('server', 'sh', '-c', 'echo out; echo err >&2; exit 3')).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
      expect(await exec('server', 'nothing-here')).toMatchObject({ exitCode: 127 });
    });
  });

  it('has no capability, and leaves behind what it started', async () => {
    await withDb(async (_, exec) => {
      const { stdout } = await exec('server', 'grep', 'CapEff', '/proc/self/status');
      expect(stdout).toMatch(/^CapEff:\t0+\n$/);
      await exec('server', 'sh', '-c', 'sleep 1234 >/dev/null 2>&1 &');
      expect((await exec('server', 'ps')).stdout).toContain('sleep 1234');
      expect((await exec('agent', 'ps')).stdout).not.toContain('sleep 1234');
    });
  });

  it('can be killed, and what runs beside it stays', async () => {
    await withCluster([DB], {}, async cluster => {
      const { pod, ended } = await cluster.deployStatefulSet('shop', 'db');
      await appears(pod, 'sleep 3600');
      const execution = pod.exec('server', ['sleep', '4321']);
      await appears(pod, 'sleep 4321');
      execution.kill();
      expect(await execution.ended).toMatchObject({ exitCode: 137 });
      expect(pod.processes().map(argv => argv.join(' '))).toContain('sleep 3600');
      pod.killPod();
      await ended;
    });
  });

  it('finds nothing in a container that does not run', async () => {
    await withDb(async (_, exec) => {
      expect(() => exec('other', 'true')).toThrow('container other of pod db-1 does not run');
    });
  });
});
