import { type ChildProcess, execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { linkShell } from '../support/shell-folder';

/** A job's scripts without a pod: the files of lib/, over a repository in a directory, with an engine made of one-line scripts. */
export class Job {
  readonly directory = mkdtempSync(join(tmpdir(), 'job-'));
  readonly repository = join(this.directory, 'repository');
  /** Where a mirror of it is. */
  readonly mirror = join(this.directory, 'mirror');
  private readonly home = join(this.directory, 'home');
  private runs = 0;

  /** @param tools where restic is, for a restic repository instead of one of files */
  constructor(
    engine: { [script: string]: string },
    private readonly tools?: string,
  ) {
    mkdirSync(join(this.home, 'engine'), { recursive: true });
    mkdirSync(this.repository);
    mkdirSync(this.mirror);
    linkShell(join(this.home, 'shell'));
    symlinkSync(resolve('lib/repositories', tools ? 'restic' : 'files'), join(this.home, 'repository'));
    symlinkSync(resolve('lib/repositories/files'), join(this.home, 'source'));
    writeFileSync(join(this.directory, 'password'), 'a key');
    this.engine({ ready: 'exit 0', ...engine });
  }

  engine(scripts: { [script: string]: string }): void {
    for (const [name, body] of Object.entries(scripts)) {
      const path = join(this.home, 'engine', `${name}.sh`);
      writeFileSync(path, `set -eu\n. "$BACKUP_HOME/shell/lib.sh"\n${body}\n`);
      chmodSync(path, 0o755);
    }
  }

  assertion(number: string, files: { query: string; database: string; expect: string }): void {
    mkdirSync(join(this.home, 'assertions'), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.home, 'assertions', `${number}.${name}`), `${content}\n`);
  }

  environment(different: { [name: string]: string } = {}): NodeJS.ProcessEnv {
    this.runs += 1;
    const scratch = join(this.directory, `scratch-${this.runs}`);
    mkdirSync(scratch);
    return {
      PATH: process.env.PATH,
      BACKUP_HOME: this.home,
      SCRATCH: scratch,
      TERMINATION_LOG: join(this.directory, 'termination-log'),
      SERIES: 'orders',
      ENGINE: 'test',
      POD_NAME: `orders-backup-1-${String(this.runs).padStart(5, '0')}`,
      REPOSITORY_WAIT: '1',
      REPOSITORY_PATH: this.repository,
      COMPRESSION: 'gzip',
      TOOLS: this.tools ?? '',
      RESTIC_REPOSITORY: join(this.repository, 'restic'),
      RESTIC_PASSWORD_FILE: join(this.directory, 'password'),
      ORPHAN_AGE: '3600',
      READY_TIMEOUT: '1',
      MINIMUM_BYTES: '1',
      SIZE_DROP_LIMIT: '50',
      RETENTION: 'last=2 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 at-least=1',
      RECOVERY_POINT: 'newest-verified',
      CHECK_REPOSITORY: 'yes',
      SAFETY_BACKUP: 'no',
      SAFETY_SERIES: 'orders-safety',
      ...different,
    };
  }

  /** A PATH by which the clock of a run says another time. */
  pathOfClock(days: number): { PATH: string } {
    const folder = join(this.directory, `clock-${days}`);
    mkdirSync(folder, { recursive: true });
    // A date that is given is what it is.
    const script = `#!/bin/sh\ncase " $* " in *" -d "*) exec /bin/date "$@" ;; esac\nexec /bin/date -d '${days} days' "$@"\n`;
    writeFileSync(join(folder, 'date'), script, { mode: 0o755 });
    return { PATH: `${folder}:${process.env.PATH}` };
  }

  run(operation: string, different: { [name: string]: string } = {}, shell: string[] = ['sh']): Outcome {
    const [command = 'sh', ...args] = shell;
    const done = spawnSync(command, [...args, join(this.home, 'shell', 'run.sh'), operation], {
      env: this.environment(different),
      encoding: 'utf8',
    });
    return new Outcome(done, readFileSync(join(this.directory, 'termination-log'), 'utf8'));
  }

  /** A step before the operation, which gives no verdict when it went well. */
  step(operation: string, step: string, different: { [name: string]: string }, [command = 'sh', ...args]: string[] = ['sh']): void {
    execFileSync(command, [...args, join(this.home, 'shell', 'run.sh'), operation, step], {
      env: this.environment(different),
      stdio: 'pipe',
    });
  }

  /** An operation in two processes, as its pod has two containers: one has the repository, the other one the engine's script. */
  onWorkbench(operation: string, different: { [name: string]: string } = {}, shell: string[] = ['sh']): Workbench {
    const { broker, bench } = this.containers(operation, different, shell);
    const [one, other] = [broker(), bench()];
    return { broker: one.end, bench: other.end, processes: { broker: one.child, bench: other.child } };
  }

  /** What starts either of the two, for a pod of which the other one never comes. */
  containers(operation: string, different: { [name: string]: string } = {}, shell: string[] = ['sh']) {
    const { REPOSITORY_PATH: _, COMPRESSION: __, MADE_FOR_NAMESPACE, ...environment } = this.environment(different);
    const origin = MADE_FOR_NAMESPACE === undefined ? {} : { MADE_FOR_NAMESPACE };
    const scratch = `${environment.SCRATCH}-workbench`;
    const relay = `${environment.SCRATCH}-relay`;
    for (const directory of [scratch, relay]) mkdirSync(directory);
    const termination = join(this.directory, 'termination-log');
    const start = (name: string, env: NodeJS.ProcessEnv, ...step: string[]) => {
      const [command = 'sh', ...args] = shell;
      const child = spawn(command, [...args, join(this.home, 'shell', 'run.sh'), operation, ...step], {
        env: { ...env, RELAY: relay, TERMINATION_LOG: name },
        detached: true,
      });
      const said = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', data => {
          said[stream] += data;
        });
      }
      const end = new Promise<Outcome>((resolve, reject) =>
        child.on('close', status => {
          try {
            resolve(new Outcome({ ...said, status } as SpawnSyncReturns<string>, existsSync(name) ? readFileSync(name, 'utf8') : ''));
          } catch (problem) {
            reject(problem);
          }
        }),
      );
      return { child, end };
    };
    return {
      broker: () => start(termination, { ...environment, ...origin, REPOSITORY_PATH: this.repository, COMPRESSION: 'gzip' }),
      bench: () => start(`${termination}-workbench`, { ...environment, SCRATCH: scratch, REPOSITORY_FOLDER: 'shell' }, 'workbench'),
    };
  }

  /** Copies what the repository holds to its mirror, which compresses nothing. */
  runMirror(different: { [name: string]: string } = {}, shell?: string[]): Outcome {
    const source = { REPOSITORY_PATH: this.repository, COMPRESSION: 'gzip' };
    const environment = {
      REPOSITORY_PATH: this.mirror,
      COMPRESSION: 'none',
      DESTINATION_VARIABLES: 'REPOSITORY_PATH COMPRESSION',
      SOURCE_VARIABLES: Object.keys(source).join(' '),
      ...Object.fromEntries(Object.entries(source).map(([name, value]) => [`SOURCE_${name}`, value])),
      ...different,
    };
    return this.run('mirror', environment, shell);
  }

  /** Recovery points that were begun at noted times: of one backup, as all of them would be the same but for the time. */
  backupsAt(times: string[], series = 'orders'): string[] {
    const { result } = this.run('backup', { RETENTION: 'all', SERIES: series });
    const made = join(this.repository, series, String(result.id));
    const ids = times.map(time => {
      const id = `${time}-aaaaa`;
      const point = join(this.repository, series, id);
      cpSync(made, point, { recursive: true, preserveTimestamps: true });
      const manifest = join(point, 'manifest.json');
      const iso = time.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z');
      writeFileSync(
        manifest,
        readFileSync(manifest, 'utf8')
          .replaceAll(String(result.id), id)
          .replace(/"finished":"[^"]*"/, `"finished":"${iso.replace('00:00:00', '01:00:00')}"`),
      );
      const sums = join(point, 'SHA256SUMS');
      writeFileSync(sums, readFileSync(sums, 'utf8').replace(/.*manifest\.json\n/, ''));
      this.sum(point, 'manifest.json');
      return id;
    });
    rmSync(made, { recursive: true });
    return ids;
  }

  /** Scripts whose ConfigMap was deleted: what is mounted in their place is empty. */
  prune(folder: string): void {
    rmSync(join(this.home, folder), { recursive: true, force: true });
    mkdirSync(join(this.home, folder));
  }

  /** A further kind of repository: that of files, but for what its script says otherwise. */
  kind(folder: string, script: string): void {
    mkdirSync(join(this.home, folder));
    symlinkSync(resolve('lib/repositories/files/encryption.sh'), join(this.home, folder, 'encryption.sh'));
    writeFileSync(join(this.home, folder, 'repository.sh'), `. "$BACKUP_HOME/repository/repository.sh"\n${script}\n`);
  }

  /** The exit code of a script of lib/shell that is no operation. */
  script(name: string, environment: { [name: string]: string | undefined }): number | null {
    return spawnSync('sh', [join(this.home, 'shell', `${name}.sh`)], { env: { PATH: process.env.PATH, ...environment } }).status;
  }

  /** Notes a file's checksum in its recovery point, after it was changed on purpose. */
  sum(point: string, file: string): void {
    const sum = createHash('sha256')
      .update(readFileSync(join(point, file)))
      .digest('hex');
    appendFileSync(join(point, 'SHA256SUMS'), `${sum}  ${file}\n`);
  }

  points(series = 'orders', repository = this.repository): string[] {
    return readdirSync(join(repository, series))
      .filter(name => /^\d/.test(name))
      .sort();
  }

  remove(): void {
    // What was killed may still be writing.
    rmSync(this.directory, { recursive: true, maxRetries: 5 });
  }
}

export interface Workbench {
  readonly broker: Promise<Outcome>;
  readonly bench: Promise<Outcome>;
  readonly processes: { readonly broker: ChildProcess; readonly bench: ChildProcess };
}

export class Outcome {
  readonly code: number | null;
  readonly log: string;
  readonly result: { [key: string]: unknown };
  /** The result as it was written. */
  readonly line: string;

  constructor(done: SpawnSyncReturns<string>, terminationMessage: string) {
    this.code = done.status;
    this.log = done.stderr;
    const line = done.stdout.trim().split('\n').at(-1) ?? '';
    if (line !== terminationMessage.trim())
      throw new Error(`the result on stdout is ${line}, the termination message ${terminationMessage}`);
    this.line = line;
    // A step that went well leaves the result to the operation.
    this.result = line === '' ? {} : JSON.parse(line);
  }
}
