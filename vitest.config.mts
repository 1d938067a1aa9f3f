import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes longest goes first, or it runs alone in the end. Vitest takes large files to be long ones; but tests of faults are
 * tables, shellcheck is a line, and dist/ waits for a schedule: short to read, and long to run.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const bySize = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => /(faults\.e2e|shellcheck\.test|dist\.cluster)\.ts$/.test(moduleId);
    return [...bySize.filter(isLong), ...bySize.filter(file => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    // Much of an end-to-end test is waiting for a server, a lock or a deadline: three at a time keep two cores busy.
    // With four, locks that a snapshot holds for seconds are lost to neighbours.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      // In one process after the other: what they import, they share, and nothing of it is changed.
      {
        // Examples import what their readers do.
        resolve: { alias: { 'cdk8s-backup': join(import.meta.dirname, 'lib') } },
        test: {
          ...{ name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**', '**/*.script.test.ts'] },
          ...{ testTimeout: 120_000, hookTimeout: 120_000, isolate: false },
        },
      },
      // Scripts of pods as they run, in the shells that images have, with stand-ins for whom they ask.
      { test: { name: 'scripts', include: ['test/**/*.script.test.ts'], testTimeout: 120_000, hookTimeout: 120_000, isolate: false } },
      // Every file has servers, addresses and a cluster of its own; a machine without built images builds them once, under a lock.
      { test: { name: 'e2e', include: ['test/e2e/**/*.e2e.ts'], testTimeout: 600_000, hookTimeout: 900_000 } },
      // On a Kubernetes of its own, which all files share, or on that of KUBECONFIG.
      {
        test: {
          ...{ name: 'cluster', include: ['test/cluster/**/*.cluster.ts'], globalSetup: 'test/cluster/setup.ts' },
          // Velero itself takes long to build: `npm run test:velero`.
          exclude: process.env.VELERO_SERVER === 'yes' ? [] : ['**/velero-server.cluster.ts'],
          // Pods ask for what a machine of two processors has once.
          ...{ testTimeout: 1_800_000, hookTimeout: 900_000, fileParallelism: false },
        },
      },
    ],
  },
});
