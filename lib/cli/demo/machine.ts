import type { ProgramEnd } from './programs';

/** Variables of an environment. */
export interface Variables {
  readonly [name: string]: string;
}

/** Where the demo's programs run: this machine, or a container on it. */
export interface Machine {
  /** A description of the machine, in words. */
  readonly words: string;
  /** The major version of its PostgreSQL. */
  readonly major: string;
  /** It has zstd. */
  readonly hasZstd: boolean;
  /** The folder in which everything happens, as programs there see it. */
  readonly home: string;

  /** Makes it ready. Call it before everything else. */
  start(): Promise<void>;

  /** Runs a program there, with these variables and no others except those that the machine itself needs. */
  run(program: string, args: string[], variables?: Variables, input?: string | Buffer): Promise<ProgramEnd>;

  /** Runs a server there, until the machine is cleared. Its log helps when it does not start. */
  serve(program: string, args: string[], log: string): void;

  /** Copies a folder there from the demo's folder on this machine. @param path below that folder */
  bring(path: string): Promise<void>;

  /** Copies a folder back from there. @param path below the machine's home */
  take(path: string): Promise<void>;

  /** Ends whatever still runs there. */
  clear(): Promise<void>;
}

/** Runs a program that has to succeed. @throws Error with its last words */
export async function must(
  machine: Machine,
  program: string,
  args: string[],
  variables?: Variables,
  input?: string | Buffer,
): Promise<Buffer> {
  const { code, stdout, stderr } = await machine.run(program, args, variables, input);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr.trim().split('\n').slice(-3).join(' ') || 'it said nothing'}`);
  return stdout;
}
