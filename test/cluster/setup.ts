import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveApi } from './api';
import { imagesOfCluster } from './images';
import { modules } from './modules';
import { ClusterNode } from './node';
import { Machine } from './node/machine';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The cluster of this run; empty where KUBECONFIG says which. */
    cluster: string;
    /** The socket of its API. */
    api: string;
  }
}

interface Provided {
  provide(key: 'cluster' | 'api', value: string): void;
}

/**
 * Brings up the cluster that all files of a run share, unless KUBECONFIG names one, or CLUSTER one of
 * `npm run cluster`. What has to be built is built here, where no test's time runs.
 *
 * A run that was killed cannot end its cluster: the next one does.
 */
export default async function setup(project: Provided): Promise<() => Promise<void>> {
  for (const name of Machine.names()) {
    const owner = /^test-(\d+)$/.exec(name)?.[1];
    if (owner && !existsSync(`/proc/${owner}`)) await Machine.end(name);
  }
  const name = process.env.KUBECONFIG ? '' : (process.env.CLUSTER ?? `test-${process.pid}`);
  const isOwn = name !== '' && process.env.CLUSTER === undefined;
  const node = isOwn ? await start(name) : ClusterNode.running(name);
  if (name !== '' && !node) throw new Error(`no cluster "${name}" runs: npm run cluster -- up`);
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'));
  const socket = join(directory, 'api.sock');
  let endApi = () => {};
  const end = async () => {
    endApi();
    rmSync(directory, { recursive: true });
    if (isOwn) await node?.stop();
  };
  try {
    endApi = await serveApi(node ? await node.kubectlCommand([]) : ['kubectl'], socket);
  } catch (problem) {
    await end();
    throw problem;
  }
  project.provide('cluster', name);
  project.provide('api', socket);
  return end;
}

async function start(name: string): Promise<ClusterNode> {
  const progress = (line: string) => process.stderr.write(`[cluster] ${line}\n`);
  return ClusterNode.start({ name, images: await imagesOfCluster(), modules: await modules(), progress });
}
