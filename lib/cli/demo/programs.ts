import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';

/** How a program has ended, and its output. */
export interface ProgramEnd {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Options of a program. */
export interface ProgramOptions {
  /** Its whole environment. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where it runs. */
  readonly directory: string;
  /** Its input. @default - nothing */
  readonly input?: string | Buffer;
}

/** Seconds for a program to end by itself when the demo is stopped. Half of them are for its children. */
const GRACE = 5;

/** The demo was told to stop. */
export class Stopped extends Error {
  constructor(public readonly signal: NodeJS.Signals) {
    super('stopped');
  }
}

/** All programs that the demo runs. When the demo is told to stop, they are stopped. */
export class Programs {
  private readonly running = new Set<ChildProcess>();
  private stopped?: Stopped;

  /** Tells running programs to end, and starts no more. */
  public stop(signal: NodeJS.Signals): void {
    if (this.stopped) return;
    this.stopped = new Stopped(signal);
    for (const child of this.running) child.kill('SIGTERM');
  }

  /** @throws Stopped when the demo was told to stop, before or meanwhile; Error when there is no such program */
  public async run(program: string, args: string[], options: ProgramOptions): Promise<ProgramEnd> {
    if (this.stopped) throw this.stopped;
    const end = await this.start(program, args, options);
    if (this.stopped) throw this.stopped;
    return end;
  }

  private start(program: string, args: string[], { environment, directory, input }: ProgramOptions): Promise<ProgramEnd> {
    // A group of its own: a Ctrl-C of the terminal reaches the demo alone, and the demo says who ends when.
    const child = spawn(program, args, { cwd: directory, env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.running.add(child);
    const said: { [stream: string]: Buffer[] } = { stdout: [], stderr: [] };
    child.stdout.on('data', chunk => said.stdout?.push(chunk));
    child.stderr.on('data', chunk => said.stderr?.push(chunk));
    // Who does not read what it is given says why by its own end.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      const over = () => {
        this.running.delete(child);
        clearInterval(impatience);
      };
      // What it has left behind may hold its pipes open, long after it.
      let patience = GRACE * 10;
      const impatience = setInterval(() => {
        if (!this.stopped || --patience > 0) return;
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
      }, 100);
      child.on('error', problem => {
        over();
        reject(new Error(`${program} cannot be run: ${problem.message}`));
      });
      child.on('close', (code, signal) => {
        over();
        const [stdout, stderr] = [Buffer.concat(said.stdout ?? []), Buffer.concat(said.stderr ?? []).toString()];
        resolve({ code: code ?? 128, stdout, stderr: signal ? `${stderr}ended by ${signal}\n` : stderr });
      });
    });
  }
}

/** A program that runs beside the demo until it is ended. Its output goes into a file. */
export function runBeside(program: string, args: string[], options: ProgramOptions, log: string): ChildProcess {
  rmSync(log, { force: true });
  const file = openSync(log, 'a', 0o600);
  try {
    const { environment: env, directory: cwd } = options;
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', file, file] });
    // Whoever waits for what it does sees that it does nothing.
    child.on('error', () => undefined);
    return child;
  } finally {
    closeSync(file);
  }
}
