import { randomInt, randomUUID } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerEnvironment, expand, NODE, own, type PodFacts } from './environment';
import { CannotStart, NotUnderstood } from './errors';
import { identityOf } from './identity';
import { DEFAULT_PATH, type Image, type ImageCatalog } from './images';
import { Layout, subPath } from './layout';
import type { Manifests } from './manifests';
import { type Egress, egressOf, OwnNetwork, resolvConf, type Services } from './network';
import type { Container, PodTemplate } from './pod-spec';
import { type Execution, type ExecutionOptions, isCalled, kill, Sandbox, signalOf, type UserNamespaces } from './sandbox';
import { type MountedVolume, type Mounts, removeDirectory, type Storage, VolumeMaker, writeFiles } from './volumes';

/** How a container ended. */
export interface ContainerRun {
  readonly name: string;
  readonly init: boolean;
  /** Of the last run. 128 when it could not be started at all: the log says why. */
  readonly exitCode: number;
  /** The signal the exit code speaks of. */
  readonly signal?: NodeJS.Signals;
  readonly restarts: number;
  /** Standard output and error of all runs, in the order they were written. */
  readonly log: string;
  /** Of the last run, as `kubectl get pod` would show it. */
  readonly terminationMessage: string;
}

/** How a pod ended. */
export interface PodRun {
  readonly name: string;
  readonly phase: 'Succeeded' | 'Failed';
  /** Why it failed, when not because of an exit code. */
  readonly reason?: 'CreateContainerConfigError' | 'ErrImagePull' | 'FailedMount' | 'DeadlineExceeded';
  /** In the order they were started; a container that never was is not listed. */
  readonly containers: ContainerRun[];
}

/** A pod while it runs, for tests that disturb it. */
export interface RunningPod {
  readonly name: string;
  /** Kills one process, waiting for it to appear. False when the pod ended without it. */
  kill(processName: string, signal?: NodeJS.Signals): Promise<boolean>;
  /** Kills a container by its first process, as the want of memory does; it is started again where the pod is one that runs on. */
  killContainer(container: string, signal?: NodeJS.Signals): void;
  /** Kills everything at once, as when the node is lost: the pod fails, whatever its restart policy, and its end is a disruption. */
  killPod(): void;
  /** Kills everything at once, as the want of memory does: the pod fails, and that is its own fault. */
  killEverything(): void;
  /** As `kubectl delete pod`: the stop signal to every PID 1, and SIGKILL when the grace period is over. */
  delete(graceSeconds?: number): Promise<void>;
  /** Ends its job as when activeDeadlineSeconds are over, however far away that is. Throws where the job has none. */
  passDeadline(): void;
  /** The command lines of all processes. */
  processes(): string[][];
  /** Runs a command in a container that runs, as `kubectl exec` and hooks do: without a shell, and without input. */
  exec(container: string, argv: string[]): Execution;
  /** Resolves when the pod has ended. */
  readonly done: Promise<void>;
}

/** What pods share: the cluster they run in. */
export interface PodContext {
  /** For this pod alone. */
  readonly directory: string;
  readonly objects: Manifests;
  readonly images: ImageCatalog;
  readonly services: Services;
  readonly storage: Storage;
  readonly mounts: Mounts;
  readonly userNamespaces: UserNamespaces;
  /** The first wait before a container is restarted; it doubles. A kubelet starts with 10 s. */
  readonly backoffSeconds: number;
  /** Whether a failed container may be started again, given how often containers of the pod have been. */
  readonly mayRestart: (restarts: number) => boolean;
  /** Ends the job of the pod as its deadline does. @default - it is the pod of no job */
  readonly passDeadline?: () => void;
}

/** Kubernetes docs: "Customize the termination message of a container". */
const TERMINATION_MESSAGE_BYTES = 4096;
const TERMINATION_MESSAGE_BYTES_OF_POD = 12 * 1024;
const SHARED_MEMORY_BYTES = 64 * 2 ** 20;
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A mutable ContainerRun. */
type Progress = { -readonly [field in keyof ContainerRun]: ContainerRun[field] } & { readonly logFile: string };

/** A sidecar while the pod runs. */
interface Sidecar {
  sandbox: Sandbox | undefined;
  ended: Promise<void>;
}

/** One pod from creation to its end (Kubernetes docs: "Pod Lifecycle", "Init Containers", "Sidecar Containers"). */
export class Pod implements RunningPod {
  readonly name: string;
  readonly done: Promise<void>;
  /** Set by `killPod`: the pod's end is a disruption (Kubernetes docs: "Disruptions", Pod disruption conditions). */
  disrupted = false;
  private killed = false;

  readonly facts: PodFacts;
  /** Told whenever a container starts or ends, and when the pod has ended. */
  onChange: () => void = () => {};

  private readonly egress: Egress;
  private readonly volumes = new Map<string, MountedVolume>();
  private readonly sandboxes = new Map<Sandbox, NodeJS.Signals>();
  /** Of the containers that run, by name. */
  private readonly running = new Map<string, { readonly sandbox: Sandbox; readonly as: Omit<ExecutionOptions, 'argv'> }>();
  private readonly runs: Progress[] = [];
  private network: OwnNetwork | undefined;
  private reason: PodRun['reason'];
  /** Once aborted, no container is started any more. */
  private readonly stopping = new AbortController();
  private readonly sidecars: Sidecar[] = [];
  /** Once aborted, no sidecar is started again. */
  private readonly withoutSidecars = new AbortController();
  private ended = false;
  private result: PodRun | undefined;
  private finish: () => void = () => {};

  constructor(
    owner: string,
    namespace: string,
    private readonly template: PodTemplate,
    labels: Record<string, string>,
    private readonly context: PodContext,
    /** @default one that is generated of its owner's */
    name?: string,
  ) {
    this.name = name ?? `${owner}-`.slice(0, 58) + randomName(5); // 63 letters at most, as names are generated
    this.facts = {
      metadata: {
        name: this.name,
        namespace,
        labels: { ...template.metadata?.labels, ...labels },
        annotations: { ...template.metadata?.annotations },
        uid: randomUUID(),
      },
      spec: template.spec,
    };
    const { hostNetwork, dnsPolicy } = template.spec;
    // No NetworkPolicy holds a pod in its node's network (Kubernetes docs: "Network Policies"), and it asks the node's resolver unless
    // it says otherwise ("DNS for Services and Pods").
    this.egress = hostNetwork
      ? { network: true, dns: dnsPolicy === 'ClusterFirstWithHostNet' }
      : egressOf(context.objects.all('NetworkPolicy', namespace), this.facts.metadata.labels);
    this.done = new Promise(resolve => {
      this.finish = resolve;
    });
  }

  /** Whether it was ended from outside: deleted, killed, out of time. */
  get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** Whether a cluster would still be waiting for it to start. */
  get isStuck(): boolean {
    return this.reason !== undefined && this.reason !== 'DeadlineExceeded';
  }

  /** Runs it to its end. Rejects only when the rehearsal itself is at fault or does not understand something. */
  async run(): Promise<PodRun> {
    const deadline = this.template.spec.activeDeadlineSeconds;
    const timer = deadline === undefined ? undefined : setTimeout(() => this.exceedDeadline(), milliseconds(deadline));
    try {
      const phase = (await this.lifecycle()) ? 'Succeeded' : 'Failed';
      this.result = {
        name: this.name,
        phase,
        reason: this.reason,
        containers: this.runs.map(({ logFile, ...run }) => ({ ...run, log: readText(logFile) })),
      };
      return this.result;
    } finally {
      clearTimeout(timer);
      await this.cleanUp();
      this.ended = true;
      this.onChange();
      this.finish();
    }
  }

  async kill(processName: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<boolean> {
    while (!this.ended) {
      const found = this.allProcesses().find(process => isCalled(process, processName));
      if (found && kill(found.pid, signal)) return true;
      await sleep(5);
    }
    return false;
  }

  killPod(): void {
    this.disrupted = true;
    this.killEverything();
  }

  killEverything(): void {
    this.killed = true;
    this.stopping.abort();
    for (const sandbox of this.sandboxes.keys()) sandbox.signal('SIGKILL');
  }

  async delete(graceSeconds = this.template.spec.terminationGracePeriodSeconds ?? 30): Promise<void> {
    this.stopping.abort();
    // Sidecars are told when the others have ended.
    const others = [...this.sandboxes].filter(([sandbox]) => !this.sidecars.some(sidecar => sidecar.sandbox === sandbox));
    for (const [sandbox, signal] of others) sandbox.signal(signal);
    const over = sleep(milliseconds(graceSeconds), 'over', { ref: false });
    if ((await Promise.race([this.done, over])) !== 'over') return;
    for (const sandbox of this.sandboxes.keys()) sandbox.signal('SIGKILL');
    await this.done;
  }

  passDeadline(): void {
    if (!this.context.passDeadline) throw new Error(`pod ${this.name} is of no job, and has no deadline of one`);
    this.context.passDeadline();
  }

  /** As `kubectl get pod` shows it: Pending until all of its main containers have been started. */
  get phase(): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
    if (this.result) return this.result.phase;
    const started = this.template.spec.containers.every(({ name }) => this.runs.some(run => run.name === name));
    return started ? 'Running' : 'Pending';
  }

  /** How its containers are; `running` is all that is known of being ready. */
  get containers(): (Omit<ContainerRun, 'log' | 'signal'> & { running: boolean })[] {
    return this.runs.map(({ log: _, signal: __, logFile: ___, ...run }) => ({ ...run, running: this.running.has(run.name) }));
  }

  /** What a container has written until now; undefined when it was never started. */
  log(container: string): string | undefined {
    const run = this.runs.find(({ name }) => name === container);
    return run && readText(run.logFile);
  }

  /** The processes of all its containers, as this machine counts them. */
  pids(): number[] {
    return this.allProcesses().map(({ pid }) => pid);
  }

  processes(): string[][] {
    return this.allProcesses().map(process => process.argv);
  }

  exec(container: string, argv: string[]): Execution {
    const { sandbox, as } = this.runningContainer(container);
    return sandbox.execute({ ...as, argv });
  }

  killContainer(container: string, signal: NodeJS.Signals = 'SIGKILL'): void {
    this.runningContainer(container).sandbox.signal(signal);
  }

  private runningContainer(container: string) {
    const running = this.running.get(container);
    if (!running) throw new Error(`container ${container} of pod ${this.name} does not run`);
    return running;
  }

  private allProcesses() {
    return [...this.sandboxes.keys()].flatMap(sandbox => sandbox.processes());
  }

  private exceedDeadline(): void {
    this.reason = 'DeadlineExceeded';
    void this.delete();
  }

  /** True when every container ended well. */
  private async lifecycle(): Promise<boolean> {
    const { initContainers = [], containers } = this.template.spec;
    try {
      await this.prepare();
    } catch (problem) {
      const [first = containers[0]] = [...initContainers, ...containers];
      if (!first || !(problem instanceof CannotStart)) throw problem;
      this.fail(this.progressOf(first, initContainers.length > 0), problem);
      return false;
    }
    try {
      for (const container of initContainers) {
        const beside = container.restartPolicy === 'Always';
        if (!(await (beside ? this.startSidecar(container) : this.runToCompletion(container, true)))) return false;
      }
      return !this.stopped && (await this.runMainContainers(containers));
    } finally {
      await this.stopSidecars();
    }
  }

  private async runMainContainers(containers: Container[]): Promise<boolean> {
    const runs = containers.map(container => this.runToCompletion(container, false));
    for (const run of runs) run.catch(() => this.killPod()); // the rehearsal's own fault: do not wait for the others
    const ends = await Promise.allSettled(runs);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return ends.every(end => end.status === 'fulfilled' && end.value) && !this.killed && this.reason === undefined;
  }

  /** Starts a container that runs beside those that come after it, and again whenever it ends; false when it cannot be started. */
  private startSidecar(container: Container): Promise<boolean> {
    const progress = this.progressOf(container, true);
    const sidecar: Sidecar = { sandbox: undefined, ended: Promise.resolve() };
    this.sidecars.push(sidecar);
    const over = this.withoutSidecars.signal;
    const started = new Promise<boolean>((resolve, reject) => {
      const run = async () => {
        while (!over.aborted && !this.stopped) {
          await this.runOnce(container, progress, sandbox => {
            sidecar.sandbox = sandbox;
            resolve(true);
          });
          if (over.aborted || this.stopped) return;
          const backoff = this.context.backoffSeconds * 2 ** progress.restarts;
          await sleep(backoff * 1000, undefined, { signal: over }).catch(() => {});
          if (!over.aborted) progress.restarts += 1;
        }
      };
      sidecar.ended = run().catch(problem => {
        if (!(problem instanceof CannotStart)) return reject(problem);
        this.fail(progress, problem);
        resolve(false);
      });
    });
    return started;
  }

  /** In reverse order, when everything else has ended. How they end says nothing about the pod. */
  private async stopSidecars(): Promise<void> {
    this.withoutSidecars.abort();
    const grace = this.template.spec.terminationGracePeriodSeconds ?? 30;
    for (const { sandbox, ended } of this.sidecars.reverse()) {
      if (sandbox) sandbox.signal(this.sandboxes.get(sandbox) ?? 'SIGTERM');
      const over = sleep(milliseconds(grace), 'over', { ref: false });
      if ((await Promise.race([ended, over])) === 'over') sandbox?.signal('SIGKILL');
      await ended;
    }
  }

  private async prepare(): Promise<void> {
    const { directory, mounts, objects, storage } = this.context;
    mkdirSync(join(directory, 'volumes'), { recursive: true });
    mkdirSync(join(directory, 'logs'), { recursive: true });
    if (!this.egress.network) this.network = await OwnNetwork.create();
    const shared = join(directory, 'shm');
    mounts.tmpfs(shared, SHARED_MEMORY_BYTES, '1777');
    const maker = new VolumeMaker(join(directory, 'volumes'), this.facts, objects, storage, mounts);
    for (const volume of this.template.spec.volumes ?? []) this.volumes.set(volume.name, maker.make(volume));
    const { name, namespace } = this.facts.metadata;
    writeFileSync(join(directory, 'hosts'), this.context.services.hosts(namespace, name, NODE.ip, this.egress.dns));
    writeFileSync(join(directory, 'resolv.conf'), resolvConf(namespace));
    writeFileSync(join(directory, 'hostname'), `${name}\n`);
    if (this.hasToken()) {
      const files = { token: 'a token of the rehearsal', 'ca.crt': 'no certificate', namespace };
      const entries = Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text), mode: 0o644 }));
      writeFiles(join(directory, 'token'), entries, this.template.spec.securityContext ?? {});
    }
  }

  /** Kubernetes docs: "Configure Service Accounts for Pods": the pod's word counts before the account's. */
  private hasToken(): boolean {
    const { automountServiceAccountToken, serviceAccountName = 'default' } = this.template.spec;
    const account = this.context.objects.find('ServiceAccount', this.facts.metadata.namespace, serviceAccountName);
    return automountServiceAccountToken ?? (account?.automountServiceAccountToken as boolean | undefined) ?? true;
  }

  /** Runs a container, and again as long as it fails and may be restarted. */
  private async runToCompletion(container: Container, init: boolean): Promise<boolean> {
    const progress = this.progressOf(container, init);
    for (;;) {
      try {
        await this.runOnce(container, progress);
      } catch (problem) {
        if (!(problem instanceof CannotStart)) throw problem;
        this.fail(progress, problem);
        return false;
      }
      const { restartPolicy } = this.template.spec;
      const always = restartPolicy === 'Always' && !init;
      if (progress.exitCode === 0 && !always) return true;
      const restarts = this.runs.reduce((sum, run) => sum + run.restarts, 0);
      if (restartPolicy === 'Never' || this.stopped || !this.context.mayRestart(restarts)) return false;
      const backoff = this.context.backoffSeconds * 2 ** progress.restarts;
      await sleep(backoff * 1000, undefined, { signal: this.stopping.signal }).catch(() => {});
      if (this.stopped) return false;
      progress.restarts += 1;
    }
  }

  private async runOnce(container: Container, progress: Progress, onStart: (sandbox: Sandbox) => void = () => {}): Promise<void> {
    const { directory, mounts } = this.context;
    const image = this.context.images.find(container.image);
    if (!image) throw new CannotStart('ErrImagePull', `image "${container.image}" is not in the catalog`);
    const work = join(directory, 'containers', `${container.name}-${progress.restarts}`);
    mounts.overlay(join(work, 'root'), image.root, join(work, 'layer'));
    const messageFile = join(work, 'termination-message');
    writeFileSync(messageFile, '');
    chmodSync(messageFile, 0o666);
    const layout = this.layoutOf(container, join(work, 'root'), messageFile);
    const identity = identityOf(container, this.template.spec, image);
    const podEnvironment = this.environmentOf(container);
    const path = image.path ?? DEFAULT_PATH;
    const environment = { PATH: path, HOSTNAME: this.name, HOME: identity.home, ...image.env, ...podEnvironment };
    const workingDirectory = layout.directory(container.workingDir ?? '/');
    const sandbox = await Sandbox.start(
      {
        root: join(work, 'root'),
        readOnlyRoot: container.securityContext?.readOnlyRootFilesystem ?? false,
        workingDirectory,
        binds: layout.binds,
        hostname: this.name,
        argv: argvOf(container, image, podEnvironment),
        network: this.network?.path,
        logFile: progress.logFile,
        identity,
        environment,
      },
      this.context.userNamespaces,
    );
    this.sandboxes.set(sandbox, image.stopSignal ?? 'SIGTERM');
    this.running.set(container.name, { sandbox, as: { identity, environment, workingDirectory } });
    this.onChange();
    onStart(sandbox);
    if (this.stopped) sandbox.signal('SIGKILL'); // the pod was stopped while this was being set up
    const exit = await sandbox.exited;
    this.sandboxes.delete(sandbox);
    if (this.running.get(container.name)?.sandbox === sandbox) this.running.delete(container.name);
    this.onChange();
    if (exit.startError) appendFileSync(progress.logFile, `${exit.startError}\n`);
    progress.exitCode = exit.exitCode;
    progress.signal = exit.startError ? undefined : signalOf(exit.exitCode);
    progress.terminationMessage = this.terminationMessage(container, progress, messageFile);
    mounts.release(work);
    removeDirectory(work);
  }

  /** Mount points from shallow to deep, so that a volume can be mounted within another, as containerd sorts them. */
  private layoutOf(container: Container, root: string, messageFile: string): Layout {
    const { directory } = this.context;
    const depth = (path: string) => path.split('/').filter(Boolean).length;
    const all = [
      { path: '/etc/hosts', source: join(directory, 'hosts'), readOnly: false },
      { path: '/etc/hostname', source: join(directory, 'hostname'), readOnly: false },
      { path: '/etc/resolv.conf', source: join(directory, 'resolv.conf'), readOnly: false },
      { path: '/dev/shm', source: join(directory, 'shm'), readOnly: false },
      { path: container.terminationMessagePath ?? '/dev/termination-log', source: messageFile, readOnly: false },
      ...(this.hasToken() ? [{ path: TOKEN_PATH, source: join(directory, 'token'), readOnly: true }] : []),
    ];
    for (const mount of container.volumeMounts ?? []) {
      const volume = this.volumes.get(mount.name);
      if (!volume) throw new NotUnderstood(`${container.name} mounts ${mount.name}, which is no volume of the pod`);
      const within = mount.subPath ?? (mount.subPathExpr && expand(mount.subPathExpr, name => own(this.environmentOf(container), name)));
      const source = within ? subPath(volume, within) : volume.path;
      const same = all.findIndex(entry => entry.path === mount.mountPath.replace(/(.)\/$/, '$1'));
      if (same >= 0) all.splice(same, 1); // the pod's own word counts
      all.push({ path: mount.mountPath, source, readOnly: volume.readOnly || mount.readOnly === true });
    }
    const layout = new Layout(root);
    for (const { path, source, readOnly } of all.sort((a, b) => depth(a.path) - depth(b.path))) layout.mount(source, path, readOnly);
    return layout;
  }

  private environmentOf(container: Container): Record<string, string> {
    const links = this.context.services.links(this.facts.metadata.namespace, this.template.spec.enableServiceLinks ?? true);
    return containerEnvironment(container, this.facts, this.context.objects, links);
  }

  /** The *last* bytes of the file (kubelet: tail.ReadAtMost), or of the log when the file is empty and the container says so. */
  private terminationMessage(container: Container, { exitCode, logFile }: Progress, file: string): string {
    const { initContainers = [], containers } = this.template.spec;
    const share = Math.floor(TERMINATION_MESSAGE_BYTES_OF_POD / (initContainers.length + containers.length));
    const message = readFileSync(file).subarray(-Math.min(TERMINATION_MESSAGE_BYTES, share)).toString();
    if (message !== '' || exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return message;
    const lines = readText(logFile)
      .split(/(?<=\n)/)
      .slice(-80);
    return Buffer.from(lines.join('')).subarray(-2048).toString();
  }

  private progressOf(container: Container, init: boolean): Progress {
    const logFile = join(this.context.directory, 'logs', `${container.name}.log`);
    const progress: Progress = { name: container.name, init, exitCode: 128, restarts: 0, log: '', terminationMessage: '', logFile };
    this.runs.push(progress);
    return progress;
  }

  private fail(progress: Progress, problem: CannotStart): void {
    progress.exitCode = 128;
    this.reason = problem.reason;
    mkdirSync(join(this.context.directory, 'logs'), { recursive: true });
    appendFileSync(progress.logFile, `${problem.message}\n`);
  }

  /** Leaves the logs, for a person who looks; everything else is gone with the pod. */
  private async cleanUp(): Promise<void> {
    for (const sandbox of this.sandboxes.keys()) {
      sandbox.signal('SIGKILL');
      await sandbox.exited.catch(() => {});
    }
    this.network?.close();
    this.context.mounts.release(this.context.directory);
    for (const name of ['volumes', 'containers', 'shm', 'token']) removeDirectory(join(this.context.directory, name));
  }
}

/** Kubernetes docs: "Define a Command and Arguments for a Container". */
function argvOf(container: Container, image: Image, environment: Record<string, string>): string[] {
  const command = container.command?.length ? container.command : image.entrypoint;
  if (!command)
    throw new NotUnderstood(`container ${container.name} has no command, and what image ${container.image} would run is not declared`);
  return [...command, ...(container.args ?? [])].map(word => expand(word, name => own(environment, name)));
}

/** For a timer, which can be set for 24 days only: what is longer never happens in a rehearsal. */
export function milliseconds(seconds: number): number {
  return Math.min(seconds * 1000, 2 ** 31 - 1);
}

/** As Kubernetes names things: no vowels, no digits that look like letters. */
function randomName(length: number): string {
  const letters = 'bcdfghjklmnpqrstvwxz2456789';
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
