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

/** What kubectl prints. @throws Error when it fails */
export async function output(argv: string[], options?: CommandOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await kubectl(argv, options);
  if (exitCode !== 0) throw new Error(`kubectl ${argv.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** Waits for an event for as long as a busy machine may take. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 300): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}
