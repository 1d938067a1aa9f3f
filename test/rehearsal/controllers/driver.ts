import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Cluster } from '../cluster';
import { kill } from '../sandbox';

export interface DriverOptions {
  /** As classes name it. @default "rehearsal.csi.example" */
  readonly name?: string;
  /**
   * Whether a snapshot is of one instant. `atomic`: every process that writes to the volumes stands still while they are copied. `torn`: they
   * are copied while it writes, as a file-level backup does it.
   *
   * Weaker than a disk in one respect: what was written and not yet synced is in the copy, as if the power had failed just after a sync.
   *
   * @default "atomic"
   */
  readonly mode?: 'atomic' | 'torn';
  /** From the request until the snapshot is cut. @default 0.1 */
  readonly cutDelaySeconds?: number;
  /** From then on until it can be used, as when it is uploaded. @default 0.1 */
  readonly readyDelaySeconds?: number;
}

/** What a class or a claim calls the rehearsal's driver. */
export const DRIVER = 'rehearsal.csi.example';

/** A volume, by the claim that it was made for. */
export interface VolumeSource {
  readonly handle: string;
  readonly namespace: string;
  readonly claim: string;
  readonly bytes: number;
}

/** A snapshot as the storage system has it: whatever becomes of the objects that speak of it. */
export interface StoredSnapshot {
  readonly handle: string;
  readonly path: string;
  readonly bytes: number;
  readonly cutAt: Date;
}

const run = promisify(execFile);

/** The storage system below a CSI driver: volumes are directories, snapshots copies of them. */
export class Driver {
  readonly name: string;
  mode: 'atomic' | 'torn';
  private readonly snapshots = new Map<string, StoredSnapshot>();
  private readonly writers = new Map<string, () => number[]>();

  constructor(
    private readonly cluster: Cluster,
    private readonly directory: string,
    readonly options: DriverOptions,
  ) {
    this.name = options.name ?? DRIVER;
    this.mode = options.mode ?? 'atomic';
  }

  /** The handles of all snapshots that are kept. */
  get handles(): string[] {
    return [...this.snapshots.keys()];
  }

  snapshot(handle: string): StoredSnapshot | undefined {
    return this.snapshots.get(handle);
  }

  /** Processes outside the pods that write to a claim, such as a test's own server. */
  writtenBy(namespace: string, claim: string, pids: () => number[]): void {
    this.writers.set(`${namespace}/${claim}`, pids);
  }

  /** Snapshots of volumes, all of one instant. */
  async cut(volumes: VolumeSource[]): Promise<StoredSnapshot[]> {
    const stopped = this.mode === 'atomic' ? await this.stop(volumes) : [];
    const cutAt = new Date();
    try {
      return await Promise.all(volumes.map(volume => this.copy(volume, cutAt)));
    } finally {
      for (const pid of stopped) kill(pid, 'SIGCONT');
    }
  }

  /** Makes a claim's directory what a snapshot has. */
  async fill(handle: string, namespace: string, claim: string): Promise<void> {
    const snapshot = this.snapshots.get(handle);
    if (!snapshot) throw new Error(`rpc error: code = NotFound desc = snapshot ${handle} does not exist`);
    await run('cp', ['--archive', '--no-target-directory', snapshot.path, this.cluster.claim(namespace, claim, { lostAndFound: false })]);
  }

  delete(handle: string): void {
    const snapshot = this.snapshots.get(handle);
    if (snapshot) rmSync(snapshot.path, { recursive: true, force: true });
    this.snapshots.delete(handle);
  }

  private async copy({ namespace, claim, bytes }: VolumeSource, cutAt: Date): Promise<StoredSnapshot> {
    const handle = randomUUID();
    const path = join(this.directory, handle);
    mkdirSync(this.directory, { recursive: true });
    const copied = run('cp', ['--archive', '--no-target-directory', this.cluster.claim(namespace, claim), path]);
    // A file that goes away meanwhile is no error of a torn copy: that is what it is about.
    await (this.mode === 'torn' ? copied.catch(() => {}) : copied);
    const snapshot = { handle, path, bytes, cutAt };
    this.snapshots.set(handle, snapshot);
    return snapshot;
  }

  /** Looks again until nothing new has appeared and everything stands still: a process may have forked before it was stopped. */
  private async stop(volumes: VolumeSource[]): Promise<number[]> {
    const stopped = new Set<number>();
    const pods = this.cluster.runningPods.filter(({ facts: { metadata, spec } }) =>
      volumes.some(
        ({ namespace, claim }) =>
          metadata.namespace === namespace && spec.volumes?.some(volume => volume.persistentVolumeClaim?.claimName === claim),
      ),
    );
    const others = volumes.map(({ namespace, claim }) => this.writers.get(`${namespace}/${claim}`) ?? (() => []));
    for (;;) {
      const now = [...pods.flatMap(pod => pod.pids()), ...others.flatMap(pids => pids())];
      const moving = now.filter(pid => !stands(pid));
      if (moving.length === 0) {
        // Who has a command run in a container stops with it by itself (util-linux, nsenter), and goes on only when told to.
        const callers = [...stopped].map(parentOf).filter(isCaller);
        if (callers.every(stands)) return [...stopped, ...callers];
      }
      for (const pid of moving) if (kill(pid, 'SIGSTOP')) stopped.add(pid);
      await sleep(1);
    }
  }
}

function parentOf(pid: number): number {
  return Number(/\) \S (\d+) /.exec(readOr(`/proc/${pid}/stat`))?.[1] ?? 0);
}

function isCaller(pid: number): boolean {
  return readOr(`/proc/${pid}/comm`).trim() === 'nsenter';
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // gone
  }
}

/** Stopped, dead, or about to be; or in a vfork, as dash starts commands, until its child goes on, which has been stopped. */
function stands(pid: number): boolean {
  const [, state = 'X'] = /\) (\S) /.exec(readOr(`/proc/${pid}/stat`)) ?? [];
  if (state !== 'D') return 'TtZXx'.includes(state);
  const children = readOr(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  return children.some(child => stands(Number(child)));
}
