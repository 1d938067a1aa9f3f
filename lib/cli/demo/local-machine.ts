import { type ChildProcess, spawnSync } from 'node:child_process';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, Variables } from './machine';
import { type ProgramEnd, type Programs, runBeside } from './programs';

/** The programs of PostgreSQL that the demo needs. */
const OF_POSTGRES = ['postgres', 'initdb', 'pg_ctl', 'pg_dump', 'pg_dumpall', 'pg_restore', 'psql'];

/** The other programs that the scripts need, and that not every machine has. */
const OF_SCRIPTS = ['sh', 'awk', 'sed', 'od', 'mkfifo', 'flock', 'sha256sum'];

/** Where the libraries of programs are, on machines that do not have them in the usual places. */
const OF_LIBRARIES = ['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH'];

/** Tenths of a second that a server has to end. */
const PATIENCE = 100;

/** Marks a process as the demo's: a variable of its environment, that names the folder. */
export const MARK = 'CDK8S_BACKUP_DEMO';

/** What the demo finds on a machine. */
export interface Surroundings {
  /** The value of PATH. */
  readonly path: string;
  /** Folders that each hold a folder `bin` of a PostgreSQL, besides those on PATH. */
  readonly homes: string[];
  /** The user's number. */
  readonly user: number;
  /** The user has a name as well. */
  readonly hasName: boolean;
  /** Bytes that are free where the demo happens. */
  readonly free: number;
}

/** Programs of a PostgreSQL on one machine. */
export interface FoundPostgres {
  readonly bin: string;
  readonly major: string;
}

/** The folders of packages: Debian's, Homebrew's, Postgres.app's; the newest first. */
export function postgresHomes(): string[] {
  const below = (folder: string, pattern: RegExp) => {
    try {
      return readdirSync(folder)
        .filter(name => pattern.test(name))
        .sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
        .map(name => join(folder, name));
    } catch {
      return [];
    }
  };
  return [
    ...below('/usr/lib/postgresql', /^\d+$/),
    ...below('/opt/homebrew/opt', /^postgresql@\d+$/),
    ...below('/usr/local/opt', /^postgresql@\d+$/),
    ...below('/Applications/Postgres.app/Contents/Versions', /^\d+$/),
  ];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function foldersOf({ path }: Surroundings): string[] {
  return path.split(':').filter(Boolean);
}

function isOnPath(program: string, surroundings: Surroundings): boolean {
  return foldersOf(surroundings).some(folder => isProgram(join(folder, program)));
}

/** The first PostgreSQL that is complete, and of a version that the library knows. */
export function findPostgres(surroundings: Surroundings, versions: string[]): FoundPostgres | undefined {
  for (const bin of [...foldersOf(surroundings), ...surroundings.homes.map(home => join(home, 'bin'))]) {
    if (!OF_POSTGRES.every(program => isProgram(join(bin, program)))) continue;
    const { stdout } = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
    const [, major = ''] = /\(PostgreSQL\) (\d+)/.exec(stdout ?? '') ?? [];
    if (versions.includes(major)) return { bin, major };
  }
  return undefined;
}

/** What the scripts need and this machine lacks, in words. */
export function missingTools(surroundings: Surroundings): string[] {
  const missing = OF_SCRIPTS.filter(program => !isOnPath(program, surroundings));
  if (!isOnPath('zstd', surroundings) && !isOnPath('gzip', surroundings)) missing.push('zstd or gzip');
  // Of BSD's and macOS's, -d is another option.
  const { stdout } = spawnSync('date', ['-u', '-d', '@86400', '+%d'], { encoding: 'utf8', env: { PATH: surroundings.path } });
  if (stdout?.trim() !== '02') missing.push('GNU date');
  return missing;
}

/** The user's own machine. */
export class LocalMachine implements Machine {
  public readonly major: string;
  public readonly words: string;
  public readonly hasZstd: boolean;
  private readonly servers: ChildProcess[] = [];

  /** @param home the demo's folder */
  constructor(
    private readonly programs: Programs,
    private readonly surroundings: Surroundings,
    private readonly postgres: FoundPostgres,
    public readonly home: string,
  ) {
    this.major = postgres.major;
    this.words = `PostgreSQL ${postgres.major} of this machine (${postgres.bin})`;
    this.hasZstd = isOnPath('zstd', surroundings);
  }

  public async start(): Promise<void> {
    // It runs.
  }

  public run(program: string, args: string[], variables: Variables = {}, input?: string | Buffer): Promise<ProgramEnd> {
    return this.programs.run(program, args, { environment: this.environment(variables), directory: this.home, input });
  }

  public serve(program: string, args: string[], log: string): void {
    this.servers.push(runBeside(program, args, { environment: this.environment({}), directory: this.home }, log));
  }

  public async bring(): Promise<void> {
    // It is here.
  }

  public async take(): Promise<void> {
    // It is here.
  }

  public async clear(): Promise<void> {
    // As the end of a container ends all that is in it: a verification that was stopped has left its own server.
    const left = leftovers(this.home);
    for (const server of this.servers) if (isRunning(server) && server.pid) left.set(server.pid, 'SIGQUIT');
    for (const [pid, signal] of left) signalTo(pid, signal);
    for (let tries = 0; tries < PATIENCE && [...left.keys()].some(pid => signalTo(pid, 0)); tries++) {
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    for (const pid of left.keys()) signalTo(pid, 'SIGKILL');
  }

  private environment(variables: Variables): NodeJS.ProcessEnv {
    const libraries = OF_LIBRARIES.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : []));
    const own = { PATH: `${this.postgres.bin}:${this.surroundings.path}`, [MARK]: this.home };
    return { ...Object.fromEntries(libraries), ...variables, ...own };
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** @returns whether there is such a process */
function signalTo(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Processes that the demo has started, directly or not, and the signal that ends each of them. */
function leftovers(home: string): Map<number, NodeJS.Signals> {
  const left = new Map<number, NodeJS.Signals>();
  for (const pid of processes()) if (pid !== process.pid && environmentOf(pid).includes(`${MARK}=${home}`)) left.set(pid, 'SIGKILL');
  // A server has written its title over its environment; told by its own signal, it takes its children along.
  for (const pid of filesCalled('postmaster.pid', home).map(firstNumberOf)) if (pid > 1) left.set(pid, 'SIGQUIT');
  return left;
}

function firstNumberOf(file: string): number {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    return 0;
  }
}

function filesCalled(name: string, folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(path => path === name || path.endsWith(`/${name}`))
      .map(path => join(folder, path));
  } catch {
    return [];
  }
}

/** All processes. Without a /proc, those that do not end by themselves are not found. */
function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Boolean);
  } catch {
    return [];
  }
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
