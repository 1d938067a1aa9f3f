import { withSynthesized } from '../e2e/support/rehearse';
import { kubectl } from './kubectl';
import type { TestCluster } from './test-cluster';

/**
 * The app on the cluster of this run, in a namespace of its own that is deleted afterwards.
 *
 * @throws Error when something is missing: nothing may pass here that was not tried
 */
export async function startOnRealCluster(): Promise<TestCluster> {
  await check();
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

async function check(): Promise<void> {
  const missing = (what: string) => new Error(`the scenarios of snapshots need ${what}. Nothing was tested`);
  const answer = await kubectl(['get', 'volumesnapshotclasses', '--output=name']);
  if (answer.exitCode !== 0) throw missing(`a cluster that answers and has the CRDs of external-snapshotter (${answer.stderr.trim()})`);
  if (answer.stdout.trim() === '') throw missing('a VolumeSnapshotClass in the cluster; a default one, or SNAPSHOT_CLASS with its name');
}

async function succeed(run: ReturnType<typeof kubectl>): Promise<void> {
  const { exitCode, stderr } = await run;
  if (exitCode !== 0) throw new Error(stderr);
}
