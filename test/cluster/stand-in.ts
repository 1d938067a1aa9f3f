import { createServer } from 'node:net';
import { imagesOfDist } from '../e2e/support/images';
import { withSynthesized } from '../e2e/support/rehearse';
import { ClusterWithApi } from '../rehearsal';
import type { TestCluster } from './test-cluster';

const NAMESPACE = 'shop';

/** The app on the rehearsal's cluster. */
export async function startStandIn(): Promise<TestCluster> {
  Object.assign(process.env, { NAMESPACE, SNAPSHOT_CLASS: 'rehearsal', PORT: String(await freePort()) });
  const images = await imagesOfDist();
  const cluster = await withSynthesized('test/cluster/main.ts', dist => ClusterWithApi.create({ manifests: [dist], images }));
  cluster.put({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotClass',
    metadata: { name: 'rehearsal' },
    ...{ driver: cluster.driver.name, deletionPolicy: 'Delete' },
  });
  await cluster.start('StatefulSet', NAMESPACE, 'db');
  return {
    kubectl: argv => cluster.kubectl(`--namespace=${NAMESPACE}`, ...argv),
    close: () => cluster.destroy(),
  };
}

/** Pods share the machine's addresses. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
