import { existsSync } from 'node:fs';
import { imagesOfCluster } from './images';
import { modules } from './modules';
import { ClusterNode } from './node';
import { Machine } from './node/machine';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The clusters of this run, one for each of its workers; none where KUBECONFIG says which. */
    clusters: string[];
  }
}

/** What is asked of Vitest here. */
interface Project {
  readonly config: { readonly maxWorkers?: number | string };
  provide(key: 'clusters', value: string[]): void;
}

/**
 * Brings up a cluster for each worker: its files come one after the other, and whoever kills a kubelet there disturbs nobody. Where KUBECONFIG
 * names a cluster, or CLUSTER one of `npm run cluster`, all files share it. What has to be built is built here, where no test's time runs.
 *
 * A run that was killed cannot end its clusters: the next one does.
 */
export default async function setup(project: Project): Promise<() => Promise<void>> {
  for (const name of Machine.names()) {
    const owner = /^test-(\d+)-\d+$/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) await Machine.end(name);
  }
  if (process.env.KUBECONFIG) {
    project.provide('clusters', []);
    return async () => {};
  }
  if (process.env.CLUSTER) {
    if (!ClusterNode.running(process.env.CLUSTER)) throw new Error(`no cluster "${process.env.CLUSTER}" runs: npm run cluster -- up`);
    project.provide('clusters', [process.env.CLUSTER]);
    return async () => {};
  }
  const nodes: ClusterNode[] = [];
  const names = Array.from({ length: Number(project.config.maxWorkers) }, (_, worker) => `test-${process.pid}-${worker + 1}`);
  const stop = async () => {
    for (const node of nodes) await node.stop();
  };
  try {
    for (const name of names) {
      const progress = (line: string) => process.stderr.write(`[${name}] ${line}\n`);
      nodes.push(await ClusterNode.start({ name, images: await imagesOfCluster(), modules: await modules(), progress }));
    }
  } catch (problem) {
    await stop();
    throw problem;
  }
  project.provide('clusters', names);
  return stop;
}
