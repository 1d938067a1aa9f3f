import { inject } from 'vitest';
import { until as untilPolled } from '../e2e/support/rehearse';
import { type CommandOptions, command } from '../rehearsal/command';
import type { Executed } from '../rehearsal/sandbox';
import { ClusterNode } from './node';

/** The cluster that this file has for itself; undefined where KUBECONFIG names one. */
function ownCluster(): string | undefined {
  return inject('clusters')[Number(process.env.VITEST_POOL_ID) - 1];
}

/** The node of this file's cluster. @throws Error where KUBECONFIG names another cluster */
export function node(): ClusterNode {
  const running = ClusterNode.running(ownCluster() ?? '');
  if (!running) throw new Error('this scenario needs the cluster that the tests bring up: run it without KUBECONFIG');
  return running;
}

/** The real kubectl, with all rights, on this file's cluster. */
export function kubectl(argv: string[], options?: CommandOptions): Promise<Executed> {
  return ownCluster() === undefined ? command('kubectl', argv, options) : node().kubectl(argv, options);
}

/** What kubectl prints. @throws Error when it fails */
export async function output(argv: string[], options?: CommandOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await kubectl(argv, options);
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Waits for an event for as long as a busy machine may take. Who asks the API starts a program each time. */
export function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 300): Promise<void> {
  return untilPolled(what, holds, seconds, 250);
}

/** What is being deleted, and waits for a driver that is not there, or has forgotten it, goes. */
export async function letGo(kind: string, ...where: string[]): Promise<void> {
  const deleted = '{range .items[?(@.metadata.deletionTimestamp)]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}';
  const { stdout } = await kubectl(['get', kind, ...where, `--output=jsonpath=${deleted}`]);
  for (const [namespace = '', name = ''] of stdout.split('\n').map(line => line.split('/'))) {
    if (name === '') continue;
    const named = namespace === '' ? [] : [`--namespace=${namespace}`];
    await kubectl(['patch', kind, name, ...named, '--type=merge', '--patch={"metadata":{"finalizers":null}}']);
  }
}
