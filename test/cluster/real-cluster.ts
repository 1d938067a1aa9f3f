import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { withSynthesized } from '../e2e/support/rehearse';
import { command } from '../rehearsal/command';
import type { TestCluster } from './test-cluster';

/**
 * The app on the cluster of KUBECONFIG, in a namespace of its own that is deleted afterwards. Images are pulled from where they are.
 *
 * @throws Error when something is missing: nothing may pass here that was not tried
 */
export async function startOnRealCluster(): Promise<TestCluster> {
  const kubectl = (argv: string[]) => command('kubectl', argv);
  await check(kubectl);
  const namespace = `cdk8s-backup-test-${Date.now().toString(36)}`;
  process.env.NAMESPACE = namespace;
  await succeed(kubectl(['create', 'namespace', namespace]));
  const close = async () => void (await succeed(kubectl(['delete', 'namespace', namespace, '--timeout=5m'])));
  try {
    await withSynthesized('test/cluster/main.ts', dist => succeed(kubectl(['apply', '--filename', dist])));
  } catch (problem) {
    await close();
    throw problem;
  }
  return { kubectl: argv => kubectl([`--namespace=${namespace}`, ...argv]), close };
}

async function check(kubectl: (argv: string[]) => ReturnType<typeof command>): Promise<void> {
  const missing = (what: string) => new Error(`npm run test:cluster needs ${what}. Nothing was tested`);
  const { KUBECONFIG } = process.env;
  if (!KUBECONFIG)
    throw missing('KUBECONFIG, the file of a cluster with a CSI driver that takes snapshots: a namespace is made there, and deleted');
  if (!existsSync(KUBECONFIG)) throw missing(`a file at ${KUBECONFIG}, where KUBECONFIG points`);
  if (spawnSync('kubectl', ['version', '--client']).status !== 0) throw missing('kubectl in PATH');
  const answer = await kubectl(['get', 'volumesnapshotclasses', '--output=name']);
  if (answer.exitCode !== 0) throw missing(`a cluster that answers and has the CRDs of external-snapshotter (${answer.stderr.trim()})`);
  if (answer.stdout.trim() === '') throw missing('a VolumeSnapshotClass in the cluster; a default one, or SNAPSHOT_CLASS with its name');
}

async function succeed(run: ReturnType<typeof command>): Promise<void> {
  const { exitCode, stderr } = await run;
  if (exitCode !== 0) throw new Error(stderr);
}
