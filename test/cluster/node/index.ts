import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandOptions } from '../../rehearsal/command';
import type { Image } from '../../rehearsal/images/catalog';
import { carvedRoot } from '../../rehearsal/rootfs';
import type { Executed } from '../../rehearsal/sandbox';
import { ImageLayout } from './images';
import { CERTIFICATES, Kubernetes } from './kubernetes';
import { Machine, succeed } from './machine';
import type { Daemon, NodeModule } from './module';
import { nodePrograms } from './programs';
import { NODE_DEBIAN, nodeRoot } from './root';

export * from './module';

export interface NodeOptions {
  /** Tells clusters on one machine apart. */
  readonly name: string;
  /** What pods can have; nothing is pulled from anywhere. */
  readonly images: Image[];
  /** What the node has beside Kubernetes. @default none */
  readonly modules?: NodeModule[];
  /** Is told what is waited for. @default nobody */
  readonly progress?: (line: string) => void;
}

/** What a daemon does at the moment. */
export interface DaemonState {
  readonly name: string;
  readonly runs: boolean;
  /** On this machine. */
  readonly log: string;
}

const ADMIN = '/etc/kubernetes/admin.kubeconfig';

/** A Kubernetes of one node that runs on this machine; README.md says how it stands there. */
export class ClusterNode {
  private constructor(
    private readonly machine: Machine,
    private readonly daemons: Daemon[],
  ) {}

  /** The cluster of a name, if it runs. */
  static running(name: string): ClusterNode | undefined {
    const machine = Machine.running(name);
    const noted = join(Machine.directory(name), 'daemons.json');
    return machine && existsSync(noted) ? new ClusterNode(machine, JSON.parse(readFileSync(noted, 'utf8'))) : undefined;
  }

  /** What start() needs and a fresh machine has not: it takes many minutes, once. */
  static async prepare(): Promise<void> {
    await nodeRoot();
    await nodePrograms();
    await pauseRoot();
  }

  /**
   * An empty cluster whose node is Ready, with what the modules bring.
   *
   * @throws Error when it does not come up, with the end of the log of what failed; nothing is left then
   */
  static async start({ name, images, modules = [], progress = () => {} }: NodeOptions): Promise<ClusterNode> {
    progress('root file system and programs');
    await ClusterNode.prepare();
    // One whose start was interrupted is of no use to anybody.
    if (!ClusterNode.running(name)) await Machine.end(name);
    const node = new ClusterNode(await Machine.start(name, await nodeRoot()), []);
    try {
      await node.bringUp(images, modules, progress);
      writeFileSync(join(Machine.directory(name), 'daemons.json'), JSON.stringify(node.daemons));
      return node;
    } catch (problem) {
      await node.stop();
      throw problem;
    }
  }

  /** Ends it, and leaves nothing. */
  stop(): Promise<void> {
    return Machine.end(this.machine.name);
  }

  /** The real kubectl, with all rights. Files are those of this machine. */
  async kubectl(argv: string[], options?: CommandOptions): Promise<Executed> {
    return this.machine.runOnItsNetwork(await this.kubectlWords(argv), options);
  }

  /** As `kubectl`, as the words of a command that has the terminal. */
  async kubectlCommand(argv: string[]): Promise<string[]> {
    return this.machine.onItsNetwork(await this.kubectlWords(argv));
  }

  /** Runs a program on the node, as root; kubectl has all rights there. */
  run(argv: string[], options?: CommandOptions): Promise<Executed> {
    return this.machine.run(argv, { ...options, env: { KUBECONFIG: ADMIN, ...options?.env } });
  }

  /** A path of the node, a log's say, as this machine's processes can use it for as long as the node runs. */
  path(path: string): string {
    return this.machine.path(path);
  }

  async states(): Promise<DaemonState[]> {
    const states: DaemonState[] = [];
    for (const { name } of this.daemons) {
      const { exitCode } = await this.run(['sh', '-c', `kill -0 "$(cat "/run/daemons/$0.pid")"`, name]);
      states.push({ name, runs: exitCode === 0, log: this.logOf(name) });
    }
    return states;
  }

  /** Kills a daemon, and waits for its end. What it has started may live on, as a runtime's containers do. */
  async kill(name: string, signal = 'KILL'): Promise<void> {
    await succeed(
      this.run([
        'sh',
        '-c',
        `pid=$(cat "/run/daemons/$0.pid") && kill -$1 "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done`,
        name,
        signal,
      ]),
      `killing ${name}`,
    );
  }

  /** Starts a daemon again that has ended. */
  async start(name: string): Promise<void> {
    const daemon = this.daemons.find(each => each.name === name);
    if (!daemon) throw new Error(`no daemon ${name} on the node`);
    await this.launch(daemon);
  }

  /** Starts a daemon that only its starter knows: it ends with the node, or by `kill`. */
  async launch({ name, argv, env, user }: Daemon): Promise<void> {
    const variables = { ...env, ...(user ? { KUBECONFIG: `/etc/kubernetes/${user}.kubeconfig` } : {}) };
    await succeed(this.machine.run(['sh', '/usr/local/sbin/daemon.sh', name, ...argv], { env: variables }), `starting ${name}`);
  }

  private async bringUp(images: Image[], modules: NodeModule[], progress: (line: string) => void): Promise<void> {
    const programs = await nodePrograms();
    const kubernetes = new Kubernetes(programs);
    const own: Image[] = [
      { name: 'node/pause:1', root: await pauseRoot(), entrypoint: ['/catatonit', '-P'] },
      { name: 'node/coredns:1', root: programs.coredns, entrypoint: ['/coredns'] },
    ];
    cpSync(join(__dirname, 'machine/etc'), this.path('/etc/node'), { recursive: true });
    for (const script of ['certificates.sh', 'daemon.sh', 'import-images.sh']) {
      cpSync(join(__dirname, 'machine', script), this.path(join('/usr/local/sbin', script)));
    }
    symlinkSync(join(programs.kubernetes, 'kubectl'), this.path('/usr/local/bin/kubectl'));
    ImageLayout.write(this.path('/var/lib/node-images'), [...own, ...images]);

    progress('etcd, containerd, certificates');
    await this.add(kubernetes.etcd());
    await this.add(kubernetes.containerd());
    await this.certificates(CERTIFICATES);
    progress('API server');
    await this.add(kubernetes.apiServer(modules.flatMap(({ apiServer = [] }) => apiServer)));
    await this.until('containerd answers', ['ctr', 'version'], 'containerd');
    await succeed(this.run(['sh', '/usr/local/sbin/import-images.sh', '/var/lib/node-images']), 'importing images');
    await this.untilKubectl('the API server is ready', ['get', '--raw=/readyz'], 'kube-apiserver');

    progress('controllers, scheduler, kubelet');
    for (const daemon of [kubernetes.controllerManager(), kubernetes.scheduler(), kubernetes.kubelet(), kubernetes.proxy()])
      await this.add(daemon);
    await this.apply(join(__dirname, 'manifests'));
    await this.untilKubectl('the node is there', ['get', 'node', 'node'], 'kubelet');
    await this.add(kubernetes.firewall());
    for (const module of modules) {
      progress(module.name);
      for (const manifest of module.manifests ?? []) await this.apply(manifest);
      for (const daemon of module.daemons ?? []) await this.add(daemon);
    }
    await this.wait(['node/node', '--for=condition=Ready'], 'kubelet');
    await this.wait(['deployment/coredns', '--namespace=kube-system', '--for=condition=Available'], 'kubelet');
    await this.untilKubectl('there is a service account', ['get', 'serviceaccount', 'default'], 'kube-controller-manager');
    for (const module of modules) await module.ready?.(argv => succeed(this.run(argv), argv.join(' ')));
    const [ended] = (await this.states()).filter(({ runs }) => !runs);
    if (ended) throw new Error(`${ended.name} has ended.${this.endOfLog(ended.name)}`);
  }

  private async add(daemon: Daemon): Promise<void> {
    this.daemons.push(daemon);
    // Written anew under a daemon that has just begun to read it, it would be empty for that one.
    if (daemon.user && !existsSync(this.path(`/etc/kubernetes/${daemon.user}.kubeconfig`))) {
      await this.certificates([['user', daemon.user, ...(daemon.groups ?? [])]]);
    }
    await this.launch(daemon);
  }

  private async certificates(wanted: string[][]): Promise<void> {
    const make = (words: string[]) => succeed(this.run(['sh', '/usr/local/sbin/certificates.sh', ...words]), 'openssl');
    if (!existsSync(this.path('/etc/kubernetes/ca.crt'))) await make(['authority']);
    for (const words of wanted) await make(words);
  }

  private async apply(path: string): Promise<void> {
    await succeed(this.kubectl(['apply', '--server-side', '--recursive', `--filename=${path}`]), `applying ${path}`);
  }

  private async wait(argv: string[], daemon: string): Promise<void> {
    const { exitCode, stderr } = await this.kubectl(['wait', ...argv, '--timeout=5m']);
    if (exitCode !== 0) throw new Error(`${stderr}${this.endOfLog(daemon)}`);
  }

  private untilKubectl(what: string, argv: string[], daemon: string): Promise<void> {
    return this.untilIt(what, daemon, () => this.kubectl([...argv, '--request-timeout=5s']));
  }

  private until(what: string, argv: string[], daemon: string): Promise<void> {
    return this.untilIt(what, daemon, () => this.run(argv));
  }

  /** Waits for as long as a busy machine may take, and not for what has ended. */
  private async untilIt(what: string, daemon: string, attempt: () => Promise<Executed>): Promise<void> {
    const end = Date.now() + 300_000;
    for (;;) {
      const { exitCode, stderr } = await attempt();
      if (exitCode === 0) return;
      const { runs } = (await this.states()).find(({ name }) => name === daemon) ?? { runs: false };
      if (!runs || Date.now() > end) throw new Error(`waited in vain until ${what}: ${stderr}${this.endOfLog(daemon)}`);
      await sleep(100);
    }
  }

  private async kubectlWords(argv: string[]): Promise<string[]> {
    return [join((await nodePrograms()).kubernetes, 'kubectl'), `--kubeconfig=${this.path(ADMIN)}`, ...argv];
  }

  private logOf(daemon: string): string {
    return this.path(`/var/log/${daemon}.log`);
  }

  private endOfLog(daemon: string): string {
    const log = this.logOf(daemon);
    return existsSync(log) ? `\nThe end of ${log}:\n${readFileSync(log, 'utf8').slice(-4000)}` : `\nThere is no ${log}`;
  }
}

/** The image of the process that holds a pod's namespaces, and reaps for pods that share theirs. */
function pauseRoot(): Promise<string> {
  return carvedRoot('pause', { from: NODE_DEBIAN, files: { '/usr/bin/catatonit': '/catatonit' } });
}
