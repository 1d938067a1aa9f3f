import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { constants as os } from 'node:os';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { Identity } from './identity';
import type { Bind } from './layout';

/** Everything a container's first process is started with. */
export interface SandboxOptions {
  readonly root: string;
  readonly readOnlyRoot: boolean;
  readonly binds: Bind[];
  readonly hostname: string;
  readonly identity: Identity;
  readonly environment: Record<string, string>;
  readonly argv: string[];
  readonly workingDirectory: string;
  /** A network namespace to join. @default the machine's own */
  readonly network?: string;
  /** Where output is appended to; its name with a suffix is used for the pipe. */
  readonly logFile: string;
}

export interface Exit {
  /** 128 plus the signal's number when it was killed by one; a container runtime reports no more either. */
  readonly exitCode: number;
  /** The runtime could not execute the command: exit code 128, as containerd reports a StartError. */
  readonly startError?: string;
}

export interface Process {
  /** On this machine. */
  readonly pid: number;
  readonly name: string;
  readonly argv: string[];
}

/** A command that was run in a container, as `kubectl exec` runs it. */
export interface Executed {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command while it runs in a container. */
export interface Execution {
  readonly ended: Promise<Executed>;
  /** Signals the command alone, not what it started. Who asked for a command has no such means in a cluster; something else may. */
  kill(signal?: NodeJS.Signals): void;
}

export interface ExecutionOptions {
  readonly identity: Identity;
  readonly environment: Record<string, string>;
  readonly argv: string[];
  readonly workingDirectory: string;
}

/** bubblewrap leaves this one open in the container: out of the way of the numbers scripts use. */
const USER_NAMESPACE_FD = 100;

/**
 * One container as one bubblewrap process.
 *
 * The container's command is PID 1 of its own PID namespace, not a child of an init: a shell there ignores a TERM it has no trap for, and
 * when it ends everything it started ends with it, as in a cluster.
 *
 * The process has its real numeric user: bubblewrap runs as that user inside a user namespace that maps every id to itself. So files get the
 * owners they would get on a node, and "permission denied" is the kernel's answer. Capabilities hold within that namespace only: a root
 * container can chown and read everything mounted into it, yet cannot bind ports below 1024 of the machine or make device nodes.
 *
 * Not there: seccomp and AppArmor profiles, /sys, cgroup limits, and a writable /dev.
 */
export class Sandbox {
  readonly exited: Promise<Exit>;

  private constructor(
    readonly pid: number,
    private readonly namespace: string,
    exited: Promise<Exit>,
  ) {
    this.exited = exited;
  }

  static async start(options: SandboxOptions, userNamespaces: UserNamespaces): Promise<Sandbox> {
    const { identity, logFile } = options;
    const userNamespace = await userNamespaces.of(identity.uid);
    const log = openLog(logFile, identity.uid, identity.gid);
    // By file descriptor, not as arguments: the environment holds secrets, and a process list is public.
    const argumentsFd = secretFile(
      `${logFile}.arguments`,
      bubblewrapArguments(options)
        .map(argument => `${argument}\0`)
        .join(''),
    );
    const [program = '', ...rest] = [
      ...(options.network ? ['nsenter', `--net=${options.network}`] : []),
      ...['setpriv', '--reuid', String(identity.uid), '--regid', String(identity.gid), '--groups', identity.groups.join(',')],
      ...['bwrap', '--json-status-fd', '3', '--args', '4', '--userns', String(USER_NAMESPACE_FD), '--', ...options.argv],
    ];
    const stdio: StdioOptions = ['ignore', log.writer, log.writer, 'pipe', argumentsFd];
    while (stdio.length < USER_NAMESPACE_FD) stdio.push('ignore');
    const child = spawn(program, rest, { stdio: [...stdio, userNamespace], cwd: '/' });
    for (const fd of [log.writer, argumentsFd]) closeSync(fd);
    const ended = exitOf(child, log.drained, logFile);
    const pid = await Promise.race([childPid(child.stdio[3] as Readable), ended.then(() => undefined)]);
    if (pid === undefined) throw new Error(`bubblewrap did not start: ${tail(logFile)}`);
    return new Sandbox(pid, namespaceOf(pid) ?? 'gone', ended);
  }

  /** Signals PID 1 alone, as a kubelet does. */
  signal(signal: NodeJS.Signals): void {
    kill(this.pid, signal);
  }

  /** Runs another command in the container, beside PID 1. It gets no input. */
  execute({ identity, environment, argv, workingDirectory }: ExecutionOptions): Execution {
    const target = ['--target', String(this.pid)];
    // The network belongs to the machine: its user namespace's owner may not enter it, root may.
    const [program = '', ...rest] = [
      ...['/usr/bin/nsenter', ...target, '--net', '--'],
      ...['/usr/bin/setpriv', '--reuid', String(identity.uid), '--regid', String(identity.gid), '--groups', identity.groups.join(',')],
      ...['--no-new-privs', '/usr/bin/nsenter', ...target, '--user', '--preserve-credentials', '--mount', '--pid', '--ipc', '--uts'],
      ...['--cgroup', '--root', `--wdns=${workingDirectory}`, '--', ...argv],
    ];
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: environment, cwd: '/' });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream]?.setEncoding('utf8').on('data', text => {
        said[stream] += text;
      });
    }
    const ended = new Promise<Executed>((resolve, reject) => {
      child.once('error', reject);
      // 'close', when nobody has the streams open any more: a child that keeps them keeps `kubectl exec` waiting as well.
      child.once('close', (code, signal) => resolve({ exitCode: code ?? 128 + os.signals[signal ?? 'SIGKILL'], ...said }));
    });
    return { ended, kill: (signal = 'SIGKILL') => void childrenOf(child.pid ?? 0).map(pid => kill(pid, signal)) };
  }

  /** Every process of the container, PID 1 included. */
  processes(): Process[] {
    const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
    return pids.filter(pid => namespaceOf(Number(pid)) === this.namespace).flatMap(pid => describe(Number(pid)) ?? []);
  }
}

/** Sends a signal; false when the process is gone. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The name of the signal an exit code speaks of. A program can also exit with 137 by itself: nobody can tell. */
export function signalOf(exitCode: number): NodeJS.Signals | undefined {
  const entry = Object.entries(os.signals).find(([, number]) => number === exitCode - 128);
  return entry?.[0] as NodeJS.Signals | undefined;
}

/**
 * User namespaces that map every id to itself, one per user: whoever owns a user namespace may enter it with all capabilities, which is what
 * lets bubblewrap make mounts while it already is the container's user.
 */
export class UserNamespaces {
  private readonly open = new Map<number, Promise<number>>();

  of(uid: number): Promise<number> {
    const known = this.open.get(uid) ?? UserNamespaces.create(uid);
    this.open.set(uid, known);
    return known;
  }

  async close(): Promise<void> {
    for (const namespace of this.open.values()) closeSync(await namespace);
    this.open.clear();
  }

  /** An open file keeps the namespace alive, so the process that made it need not live. */
  private static async create(uid: number): Promise<number> {
    const command = ['--reuid', String(uid), '--clear-groups', 'unshare', '--user', 'sh', '-c', 'echo made; read end'];
    const maker = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    await new Promise((resolve, reject) => {
      maker.once('error', reject);
      maker.once('exit', code => reject(new Error(`no user namespace for uid ${uid}: unshare ended with ${code}`)));
      maker.stdout.once('data', resolve);
    });
    for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${maker.pid}/${map}`, '0 0 4294967295');
    const fd = openSync(`/proc/${maker.pid}/ns/user`, 'r');
    maker.kill('SIGKILL');
    return fd;
  }
}

function bubblewrapArguments(options: SandboxOptions): string[] {
  const { identity } = options;
  return [
    ...[
      '--unshare-pid',
      '--as-pid-1',
      '--die-with-parent',
      '--unshare-ipc',
      '--unshare-cgroup',
      '--unshare-uts',
      '--hostname',
      options.hostname,
    ],
    ...['--bind', options.root, '/', '--proc', '/proc', '--dev', '/dev'],
    ...options.binds.flatMap(({ source, target, readOnly }) => [readOnly ? '--ro-bind' : '--bind', source, target]),
    ...['--remount-ro', '/dev', ...(options.readOnlyRoot ? ['--remount-ro', '/'] : [])],
    ...['--chdir', options.workingDirectory, '--cap-drop', 'ALL', ...identity.capabilities.flatMap(name => ['--cap-add', name])],
    ...['--clearenv', ...Object.entries(options.environment).flatMap(([name, value]) => ['--setenv', name, value])],
  ];
}

/**
 * Standard output and error are one pipe, as in a container, owned by the container's user: `>/dev/stderr` opens the pipe again and works;
 * with a file it would cut the log, with a socket it would fail.
 */
function openLog(logFile: string, uid: number, gid: number): { writer: number; drained: Promise<void> } {
  const pipe = `${logFile}.pipe`;
  rmSync(pipe, { force: true });
  const { status, stderr } = spawnSync('mkfifo', ['--mode=0600', pipe], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mkfifo ${pipe}: ${stderr}`);
  chownSync(pipe, uid, gid);
  const reader = new Socket({ fd: openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
  const writer = openSync(pipe, constants.O_WRONLY);
  rmSync(pipe);
  const drained = new Promise<void>(resolve => {
    reader.on('data', data => appendFileSync(logFile, data));
    reader.on('error', () => resolve());
    reader.on('close', () => resolve());
  });
  return { writer, drained };
}

function secretFile(path: string, content: string): number {
  writeFileSync(path, content, { mode: 0o600 });
  const fd = openSync(path, 'r');
  rmSync(path);
  return fd;
}

function childPid(status: Readable): Promise<number> {
  return new Promise(resolve => {
    let text = '';
    status.on('data', data => {
      text += data;
      const pid = /"child-pid": (\d+)/.exec(text)?.[1];
      if (pid) resolve(Number(pid));
    });
  });
}

/** bubblewrap exits as its child did; what it says about itself is the last line of the log. */
async function exitOf(child: ChildProcess, drained: Promise<void>, logFile: string): Promise<Exit> {
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...end) => resolve(end));
  });
  await drained;
  if (signal) return { exitCode: 128 + os.signals[signal] };
  const complaint = code === 1 ? /^(?:bwrap|setpriv|nsenter): (.*)\n?$/.exec(tail(logFile))?.[0] : undefined;
  const missing = complaint && /^bwrap: execvp (.*): (.*)\n?$/.exec(complaint);
  if (missing) return { exitCode: 128, startError: `StartError: exec: "${missing[1]}": ${missing[2]}` };
  if (complaint) throw new Error(`the sandbox could not be set up: ${complaint}`);
  return { exitCode: code ?? 1 };
}

/** The last line of a file. */
function tail(file: string): string {
  try {
    return (
      readFileSync(file, 'utf8')
        .split(/(?<=\n)/)
        .at(-1) ?? ''
    );
  } catch {
    return '';
  }
}

/** nsenter does not become the command: it has it as a child. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // gone
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // gone
  }
}

/** Undefined for a process that is gone, and for bubblewrap itself before it has become the command. */
function describe(pid: number): Process | undefined {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return argv.length === 0 || (name === 'bwrap' && argv[1] === '--json-status-fd') ? undefined : { pid, name, argv };
  } catch {
    return undefined;
  }
}

/** Whether a process goes by a name: the kernel's (cut at 15 letters), or the one it was started by. */
export function isCalled({ name, argv }: Process, wanted: string): boolean {
  return name === wanted.slice(0, 15) || basename(argv[0] ?? '') === wanted;
}
