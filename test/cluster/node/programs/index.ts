import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goBinaries } from '../../../rehearsal/images/go-binaries';

const text = (name: string) => readFileSync(join(__dirname, name), 'utf8');

/** Directories, on this machine, with the programs that the node runs and Debian does not have. */
export interface NodePrograms {
  readonly kubernetes: string;
  readonly coredns: string;
  readonly kubeRouter: string;
}

/** Builds what is not in the cache. The first call takes many minutes. */
export async function nodePrograms(): Promise<NodePrograms> {
  return {
    kubernetes: await goBinaries({
      ...{ name: 'kubernetes-1.34.3', build: text('kubernetes.sh'), files: { 'kubernetes.sum': text('kubernetes.sum') } },
    }),
    coredns: await goBinaries({ name: 'coredns', build: text('coredns.sh'), files: { 'coredns.go': text('coredns.go') } }),
    kubeRouter: await goBinaries({ name: 'kube-router', build: text('kube-router.sh') }),
  };
}
