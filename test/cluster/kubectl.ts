import { inject } from 'vitest';
import { until as untilPolled } from '../e2e/support/rehearse';
import { type CommandOptions, command } from '../rehearsal/command';
import type { Executed } from '../rehearsal/sandbox';
import { ClusterNode } from './node';

/** The node of this run. @throws Error where KUBECONFIG names another cluster */
export function node(): ClusterNode {
  const running = ClusterNode.running(inject('cluster'));
  if (!running) throw new Error('this scenario needs the cluster that the tests bring up: run it without KUBECONFIG');
  return running;
}

/** The real kubectl, with all rights, on the cluster of this run. */
export function kubectl(argv: string[], options?: CommandOptions): Promise<Executed> {
  return inject('cluster') === '' ? command('kubectl', argv, options) : node().kubectl(argv, options);
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

/** Applies CustomResourceDefinitions, and waits until their kinds are served: one that is established is refused with 429 for a moment. */
export async function installKinds(definitions: string): Promise<void> {
  await output(['apply', '--server-side', '--filename', definitions]);
  await output(['wait', '--for=condition=Established', '--timeout=5m', '--filename', definitions]);
  const kinds = await output([
    'get',
    '--filename',
    definitions,
    '--output=jsonpath={range .items[*]}{.metadata.name} {end}{.metadata.name}',
  ]);
  for (const kind of kinds.split(' ').filter(Boolean)) {
    await until(`${kind} is served`, async () => (await kubectl(['get', kind, '--all-namespaces', '--output=name'])).exitCode === 0);
  }
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
