import { spawn } from 'node:child_process';
import type { Executed } from './sandbox';

export interface CommandOptions {
  /** @default this process's */
  readonly env?: NodeJS.ProcessEnv;
  /** @default nothing */
  readonly input?: Buffer;
}

/** In seconds; the longest that a scenario waits for is a quarter of an hour. */
const LIMIT = 900;

/**
 * Runs a program of this machine to its end, while this process goes on: it may be what the program speaks to.
 *
 * @throws Error when it does not end: `kubectl delete` waits for ever, and a test's own limit does not say for what
 */
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
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${[program, ...argv].join(' ')} has not ended in ${LIMIT} s. It said: ${said.stdout}${said.stderr}`));
    }, LIMIT * 1000);
    child.once('error', reject);
    child.once('close', code => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? 137, ...said });
    });
  });
}
