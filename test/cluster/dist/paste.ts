import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { command } from '../../rehearsal/command';
import type { Executed } from '../../rehearsal/sandbox';
import { node } from '../kubectl';
import { documentedCommands } from './documented';

const documented = documentedCommands();
const pasted = new Set<string>();

/** A shell as somebody has it who pastes commands of the docs: a directory, and a kubectl that leads to the cluster. */
export class Terminal {
  private constructor(
    private readonly directory: string,
    private readonly namespace: string,
  ) {}

  /** @param namespace the one of its context, for commands that name none */
  static async open(namespace: string): Promise<Terminal> {
    const directory = mkdtempSync(join(tmpdir(), 'cluster-terminal-'));
    const words = await node().kubectlCommand([`--namespace=${namespace}`]);
    const quoted = words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    writeFileSync(join(directory, 'kubectl'), `#!/bin/sh\nexec ${quoted} "$@"\n`);
    chmodSync(join(directory, 'kubectl'), 0o755);
    return new Terminal(directory, namespace);
  }

  /**
   * Runs a command exactly as it is documented.
   *
   * @param values what somebody puts in for words of it. @default - nothing has to be put in
   * @throws Error when the docs have no such command
   */
  async paste(wanted: string, values: { readonly [word: string]: string } = {}): Promise<Executed> {
    if (!documented.some(each => each.command === wanted)) throw new Error(`the docs have no command ${wanted}`);
    pasted.add(wanted);
    let typed = wanted;
    for (const [word, value] of Object.entries(values)) {
      expect(typed).toContain(word);
      typed = typed.replaceAll(word, value);
    }
    return this.type(typed);
  }

  /** Runs a command, and gives what it has printed. @throws Error when it fails */
  async shows(wanted: string, values: { readonly [word: string]: string } = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.paste(wanted, values);
    if (exitCode !== 0) throw new Error(`${this.namespace}: ${wanted}: ${stderr}`);
    return stdout;
  }

  type(typed: string): Promise<Executed> {
    const env = { ...process.env, PATH: `${this.directory}:${process.env.PATH}` };
    return command('sh', ['-c', 'cd "$0" && eval "$1"', this.directory, typed], { env });
  }

  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** Commands that no test has pasted so far, as a table of the docs has them. */
export function neverPasted(): string[] {
  return documented.filter(each => !pasted.has(each.command)).map(each => `${each.where}: ${each.command}`);
}
