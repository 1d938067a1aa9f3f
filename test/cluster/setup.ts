import { existsSync } from 'node:fs';
import { imagesOfCluster } from './images';
import { modules } from './modules';
import { ClusterNode } from './node';
import { Machine } from './node/machine';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The cluster of this run; empty where KUBECONFIG says which. */
    cluster: string;
  }
}

/**
 * Brings up the cluster that all files of a run share, unless KUBECONFIG names one, or CLUSTER one of
 * `npm run cluster`. What has to be built is built here, where no test's time runs.
 *
 * A run that was killed cannot end its cluster: the next one does.
 */
export default async function setup(project: { provide(key: 'cluster', value: string): void }): Promise<() => Promise<void>> {
  for (const name of Machine.names()) {
    const owner = /^test-(\d+)$/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) await Machine.end(name);
  }
  if (process.env.KUBECONFIG) {
    project.provide('cluster', '');
    return async () => {};
  }
  if (process.env.CLUSTER) {
    if (!ClusterNode.running(process.env.CLUSTER)) throw new Error(`no cluster "${process.env.CLUSTER}" runs: npm run cluster -- up`);
    project.provide('cluster', process.env.CLUSTER);
    return async () => {};
  }
  const name = `test-${process.pid}`;
  const progress = (line: string) => process.stderr.write(`[cluster] ${line}\n`);
  const node = await ClusterNode.start({ name, images: await imagesOfCluster(), modules: await modules(), progress });
  project.provide('cluster', name);
  return () => node.stop();
}
