import { spawn } from 'node:child_process';
import type { Executed } from './sandbox';

export interface CommandOptions {
  /** @default this process's */
  readonly env?: NodeJS.ProcessEnv;
  /** @default nothing */
  readonly input?: Buffer;
}

/** Runs a program of this machine to its end, while this process goes on: it may be what the program speaks to. */
export function command(program: string, argv: string[], { env, input }: CommandOptions = {}): Promise<Executed> {
  const child = spawn(program, argv, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', text => {
      said[stream] += text;
    });
  }
  child.stdin.on('error', () => {}).end(input); // it need not read all
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve({ exitCode: code ?? 137, ...said }));
  });
}
