import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandOptions, command } from '../../rehearsal/command';
import { cacheDirectory } from '../../rehearsal/rootfs';
import type { Executed } from '../../rehearsal/sandbox';

/** A process of this machine, told from a later one that has its number. */
interface ProcessId {
  readonly pid: number;
  readonly started: string;
}

/**
 * The node as a machine of its own: a file system and namespaces, nothing of Kubernetes.
 *
 * All of it ends with its PID 1. What it leaves then are a directory and control groups, which `end` takes away; so does whoever starts the next
 * one of the same name, when this machine was not given the time.
 */
export class Machine {
  private constructor(
    readonly name: string,
    private readonly init: ProcessId,
  ) {}

  /** Where the node writes. */
  static directory(name: string): string {
    return `/var/tmp/cdk8s-backup-cluster-${name}`;
  }

  /** The names of machines of which there is anything, running or not. */
  static names(): string[] {
    const prefix = 'cdk8s-backup-cluster-';
    return readdirSync('/var/tmp').flatMap(entry => (entry.startsWith(prefix) ? [entry.slice(prefix.length)] : []));
  }

  static running(name: string): Machine | undefined {
    const init = readProcess(join(Machine.directory(name), 'init.json'));
    return init && isAlive(init) ? new Machine(name, init) : undefined;
  }

  /**
   * @param root root file system, which is not written to
   * @throws Error when one of the name runs, or when it cannot be set up
   */
  static async start(name: string, root: string): Promise<Machine> {
    if (Machine.running(name)) throw new Error(`a cluster "${name}" runs already`);
    await Machine.end(name);
    const directory = Machine.directory(name);
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    const script = (part: string) => join(__dirname, 'machine', part);
    const argv = [script('start.sh'), groupOf(name), script('init.sh'), root, directory, cacheDirectory()];
    const child = spawn('sh', argv, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    await saysUp(child);
    child.unref();
    // Nothing is said any more, and nobody is to wait for it.
    for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    const machine = new Machine(name, await initBelow(child.pid ?? 0));
    writeFileSync(join(directory, 'init.json'), JSON.stringify(machine.init));
    return machine;
  }

  /** Ends a machine, and leaves nothing of it. No error when there is none. */
  static async end(name: string): Promise<void> {
    const init = Machine.running(name)?.init;
    if (init) process.kill(init.pid, 'SIGKILL');
    while (init && isAlive(init)) await sleep(20);
    await removeGroups(groupOf(name));
    rmSync(Machine.directory(name), { recursive: true, force: true });
  }

  /** A path of the node, as this machine's processes can use it for as long as the node runs. */
  path(path: string): string {
    return join(`/proc/${this.init.pid}/root`, path);
  }

  /** Runs a program on the node, with nothing of this process's environment. */
  run(argv: string[], options?: CommandOptions): Promise<Executed> {
    const namespaces = ['--mount', '--net', '--uts', '--ipc', '--pid', '--cgroup', '--wdns=/'];
    return this.enter(namespaces, argv, { ...options, env: { PATH, HOME: '/root', ...options?.env } });
  }

  /** Runs a program of this machine, which sees this machine's files and the node's network. */
  runOnItsNetwork(argv: string[], options?: CommandOptions): Promise<Executed> {
    return this.enter(['--net'], argv, options);
  }

  /** As `runOnItsNetwork`, as words for a shell or for spawn(2). */
  onItsNetwork(argv: string[]): string[] {
    return ['nsenter', '--target', String(this.init.pid), '--net', '--', ...argv];
  }

  private enter(namespaces: string[], argv: string[], options?: CommandOptions): Promise<Executed> {
    return command('nsenter', ['--target', String(this.init.pid), ...namespaces, '--', ...argv], options);
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** As `Machine.run`. @throws Error when it fails, with what was said */
export async function succeed(run: Promise<Executed>, what: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run;
  if (exitCode !== 0) throw new Error(`${what} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

function groupOf(name: string): string {
  return `cdk8s-backup-cluster-${name}`;
}

function saysUp(child: ReturnType<typeof spawn>): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    const collect = (chunk: Buffer) => {
      said += chunk;
      if (said.endsWith('up\n')) resolve();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`the node's namespaces could not be made (${code}): ${said}`)));
  });
}

/** The first process of the namespaces: the only child of unshare(1), which start.sh has become. */
async function initBelow(pid: number): Promise<ProcessId> {
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  if (!child) throw new Error("the node's first process has ended");
  return { pid: child, started: startOf(child) ?? '' };
}

function readProcess(path: string): ProcessId | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive({ pid, started }: ProcessId): boolean {
  return startOf(pid) === started;
}

/** When a process was started, in the kernel's count; undefined when it is gone, or but waits to be asked for its exit code. */
function startOf(pid: number): string | undefined {
  try {
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** A group can be removed when the last of its processes is gone, which takes a moment after PID 1 was killed. */
async function removeGroups(name: string): Promise<void> {
  const base = '/sys/fs/cgroup';
  const hierarchies = existsSync(`${base}/cgroup.controllers`) ? [base] : readdirSync(base).map(each => join(base, each));
  const end = Date.now() + 30_000;
  for (const group of hierarchies.map(hierarchy => join(hierarchy, name)).filter(group => existsSync(group))) {
    while (existsSync(group)) {
      try {
        removeTree(group);
      } catch (problem) {
        if (Date.now() > end) throw problem;
        await sleep(50);
      }
    }
  }
}

function removeTree(group: string): void {
  for (const entry of readdirSync(group)) {
    if (statSync(join(group, entry)).isDirectory()) removeTree(join(group, entry));
  }
  rmdirSync(group);
}
