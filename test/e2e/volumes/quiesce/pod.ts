import { execFileSync, spawn } from 'node:child_process';
import { chownSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster, Executed, Execution, Image, RunningPod } from '../../../rehearsal';
import { inImage } from '../../support/in-image';
import { until } from '../../support/rehearse';

const OWNER = 'quiesce';

/** To its processes: the child of the container's first one, which can then start no more, and the children of that. Clients are none of them. */
const signalServer = (signal: string) => `for one in $(cat /proc/1/task/1/children); do
    kill -${signal} $one
    for child in $(cat /proc/$one/task/$one/children); do kill -${signal} $child || :; done
  done`;

/** A server and the agent beside it, in a pod as it was synthesized. */
export class QuiescedPod {
  private copies = 0;

  static async start(cluster: Cluster, name: string): Promise<QuiescedPod> {
    const { pod, ended } = await cluster.deployStatefulSet('quiesce', name);
    void ended;
    return new QuiescedPod(pod, cluster.claim('quiesce', `data-${name}-0`));
  }

  private constructor(
    readonly pod: RunningPod,
    /** The volume, on this machine. */
    readonly volume: string,
  ) {}

  /** What the hooks run. */
  hold(): Execution {
    return this.pod.exec('quiesce', ['sh', '/opt/quiesce/agent/hold.sh', OWNER]);
  }

  release(): Promise<Executed> {
    return this.pod.exec('quiesce', ['sh', '/opt/quiesce/agent/release.sh', OWNER]).ended;
  }

  /** A command in the server's container that must succeed; what it prints. */
  async server(...argv: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.pod.exec('server', argv).ended;
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  async ready(container: string, ...argv: string[]): Promise<void> {
    await until(`${container} is ready`, async () => {
      try {
        return (await this.pod.exec(container, argv).ended).exitCode === 0;
      } catch {
        return false;
      }
    });
  }

  /** Copies the data file by file, as a file system backup does. */
  copyFiles(): string {
    this.copies += 1;
    const to = `${this.volume}-copy-${this.copies}`;
    execFileSync('cp', ['-a', join(this.volume, '.'), to]);
    return to;
  }

  /** Copies it while every process of the server stands still, which is what an atomic snapshot gives. */
  async snapshot(): Promise<string> {
    const signal = (name: string) => this.server('sh', '-c', signalServer(name));
    await signal('STOP');
    try {
      return this.copyFiles();
    } finally {
      await signal('CONT');
    }
  }

  discard(copy: string): void {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Runs a command in an image, with a copy of a volume at /srv. What else is tested meanwhile goes on. */
export function runInImage(image: Image, copy: string, argv: string[]): Promise<Executed> {
  chownSync(copy, 999, 999);
  const child = spawn('unshare', inImage(image, copy, 999, argv), { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', text => {
      said[stream] += text;
    });
  }
  return new Promise(done => child.once('close', code => done({ exitCode: code ?? 137, ...said })));
}
