import { inject } from 'vitest';
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

/** kubectl in one namespace, which was made for a test. */
export class Namespace {
  constructor(readonly name: string) {}

  /** @param labels such as those of Pod Security */
  static async create(name: string, labels: { readonly [label: string]: string } = {}): Promise<Namespace> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    const { exitCode, stderr } = await kubectl(['create', '--filename=-'], { input: Buffer.from(JSON.stringify(namespace)) });
    if (exitCode !== 0) throw new Error(stderr);
    return new Namespace(name);
  }

  kubectl(argv: string[], options?: CommandOptions): Promise<Executed> {
    return kubectl([`--namespace=${this.name}`, ...argv], options);
  }

  /** What kubectl prints. @throws Error when it fails */
  async output(...argv: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.kubectl(argv);
    if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
    return stdout.trim();
  }

  /** Applies objects, server-side; what kubectl says on standard error, where the API server's warnings are. @throws Error when one is refused */
  async apply(...objects: object[]): Promise<string> {
    const input = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const { exitCode, stderr } = await this.kubectl(['apply', '--server-side', '--filename=-'], { input });
    if (exitCode !== 0) throw new Error(stderr);
    return stderr;
  }

  /** Deletes it, and waits until it is gone with all that is in it. */
  async delete(): Promise<void> {
    const { exitCode, stderr } = await kubectl(['delete', 'namespace', this.name, '--ignore-not-found', '--timeout=5m']);
    if (exitCode !== 0) throw new Error(stderr);
  }
}

/** Waits for an event for as long as a busy machine may take. */
export async function until(what: string, holds: () => Promise<boolean>, seconds = 300): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}
