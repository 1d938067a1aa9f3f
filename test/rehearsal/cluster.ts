import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { NotUnderstood } from './errors';
import type { ImageCatalog } from './images';
import { type JobRun, runJob } from './job';
import { workingDirectory } from './leftovers';
import { Manifests } from './manifests';
import { Services } from './network';
import { Pod, type PodRun, type RunningPod } from './pod';
import {
  claimTemplates,
  deploymentTemplateOf,
  jobSpecOf,
  type KubernetesObject,
  type PodTemplate,
  statefulSetTemplateOf,
} from './pod-spec';
import { quantity } from './quantity';
import { UserNamespaces } from './sandbox';
import { lostAndFound, Mounts, removeDirectory } from './volumes';

export interface ClusterOptions {
  /** Files and directories of synthesized YAML. */
  readonly manifests: string[];
  readonly images: ImageCatalog;
  /** The first wait before a job's next attempt, and before a container's restart. A cluster starts with 10 s. @default 1 */
  readonly backoffSeconds?: number;
}

export interface ClaimOptions {
  /** A file system of this size, full when it is full. @default a plain directory */
  readonly sizeLimit?: string;
  /** Whether it holds `lost+found`, as a disk fresh from mkfs does. @default true */
  readonly lostAndFound?: boolean;
}

export interface RunOptions {
  /** Called when a pod has been made, while it starts. The run waits for what it returns, and fails when that fails. */
  readonly onPod?: (pod: RunningPod) => void | Promise<void>;
  /** Once aborted, the job is deleted, and its pod with it. */
  readonly deleted?: AbortSignal;
}

/** A pod that runs until it is deleted: of a Deployment, or of a StatefulSet. */
export interface Deployed {
  readonly pod: RunningPod;
  /** How it ended, once it was deleted. */
  readonly ended: Promise<PodRun>;
}

/** Which Job or CronJob to run. */
export interface JobReference {
  readonly kind: 'CronJob' | 'Job';
  readonly namespace: string;
  readonly name: string;
}

/**
 * A cluster as far as backup jobs can tell: applied manifests, claims, secrets, services, and a node that runs pods.
 *
 * Needs a plain Linux machine, root, bubblewrap and util-linux. It changes nothing on the machine outside its temporary directory.
 */
export class Cluster {
  private readonly services = new Services();
  private readonly mounts = new Mounts();
  private readonly userNamespaces = new UserNamespaces();
  private readonly claims = new Map<string, string>();
  private readonly running = new Set<Pod>();
  private readonly started = new Map<string, number>();
  private pods = 0;
  private destroyed = false;

  private constructor(
    private readonly directory: string,
    private readonly objects: Manifests,
    private readonly options: ClusterOptions,
  ) {}

  static async create(options: ClusterOptions): Promise<Cluster> {
    const objects = Manifests.load(options.manifests);
    return new Cluster(workingDirectory(), objects, options);
  }

  /** A Secret that stands outside the manifests, or another content for one that is in them. */
  secret(namespace: string, name: string, values: Record<string, string>): void {
    this.replace({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: values });
  }

  /** A ConfigMap, or another content for one of the manifests, as `kubectl edit` would give it. */
  configMap(namespace: string, name: string, values: Record<string, string>): void {
    this.replace({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: values });
  }

  /** Any other object that stands outside the manifests: a ServiceAccount, a NetworkPolicy. */
  object(object: KubernetesObject): void {
    this.objects.add(object);
  }

  /** Further manifests, or another state of those that are there, as `kubectl apply` makes it. Nothing is pruned. */
  apply(manifests: string[]): void {
    for (const object of Manifests.load(manifests).everything()) this.replace(object);
  }

  /** Makes a name resolve to a loopback address in all pods, and in its namespace by its bare name. Ports only matter for service links. */
  service(namespace: string, name: string, ip: string, ports: { name?: string; port: number }[] = []): void {
    this.services.add(namespace, name, ip, ports);
  }

  /** Makes a service's name resolve to another address from now on. */
  moveService(namespace: string, name: string, ip: string): void {
    this.services.move(namespace, name, ip);
  }

  /** Makes a name outside the cluster resolve to a loopback address. */
  host(name: string, ip: string): void {
    this.services.outside(name, ip);
  }

  /** Declares a claim, or finds one that was; the directory of this machine that is its content. */
  claim(namespace: string, name: string, options: ClaimOptions = {}): string {
    const key = `${namespace}/${name}`;
    const known = this.claims.get(key);
    if (known) {
      if (options.sizeLimit !== undefined) throw new Error(`claim ${key} is in use already: its size cannot be set any more`);
      return known;
    }
    const path = join(this.directory, 'claims', namespace, name);
    if (options.sizeLimit === undefined) mkdirSync(path, { recursive: true, mode: 0o755 });
    else this.mounts.tmpfs(path, quantity(options.sizeLimit));
    if (options.lostAndFound ?? true) lostAndFound(path);
    this.claims.set(key, path);
    return path;
  }

  /** A claim, its directory and all that is in it are gone. */
  removeClaim(namespace: string, name: string): void {
    const path = this.claims.get(`${namespace}/${name}`);
    if (!path) return;
    this.claims.delete(`${namespace}/${name}`);
    this.mounts.release(path);
    // What may still fill it, does not find it any more.
    const gone = `${path}.${randomUUID()}`;
    renameSync(path, gone);
    removeDirectory(gone);
  }

  /** Pods that run, and have not ended. */
  get runningPods(): Pod[] {
    return [...this.running];
  }

  /** Where a hostPath of a pod is: below a directory of the rehearsal's own, never the machine's path. */
  hostPath(path: string): string {
    return join(this.directory, 'node', path);
  }

  /** Starts a Job as applied, or one from a CronJob's template as `kubectl create job --from` does, and waits for its end. */
  async run(reference: JobReference, options: RunOptions = {}): Promise<JobRun> {
    const { kind, namespace, name } = reference;
    const object = this.find(namespace, kind, name);
    const spec = jobSpecOf(object);
    if (kind === 'Job' && spec.suspend) throw new NotUnderstood(`Job ${namespace}/${name} is suspended: it would make no pod`);
    const account = spec.template.spec.serviceAccountName ?? 'default';
    if (account !== 'default' && !this.objects.find('ServiceAccount', namespace, account)) {
      throw new NotUnderstood(`${kind} ${namespace}/${name}: service account ${account} does not exist: the job could make no pod`);
    }
    const number = (this.started.get(`${namespace}/${name}`) ?? 0) + 1;
    this.started.set(`${namespace}/${name}`, number);
    return runJob({
      name: kind === 'Job' ? name : `${name}-${number}`,
      namespace,
      spec,
      uid: (kind === 'Job' && object.metadata.uid) || randomUUID(),
      backoffSeconds: this.options.backoffSeconds ?? 1,
      deleted: options.deleted,
      onPod: pod => this.watch(pod, options.onPod),
      podContext: () => this.podContext(),
    });
  }

  /** Starts the one pod of a Deployment; it runs until it is deleted. */
  async deploy(namespace: string, name: string): Promise<Deployed> {
    return this.startLasting(namespace, name, deploymentTemplateOf(this.find(namespace, 'Deployment', name)));
  }

  /** Starts a pod of a StatefulSet, with claims of its own; it runs until it is deleted. Started again, it finds them. */
  async deployStatefulSet(namespace: string, name: string, ordinal = 0): Promise<Deployed> {
    const object = this.find(namespace, 'StatefulSet', name);
    const pod = `${name}-${ordinal}`;
    for (const template of claimTemplates(object)) this.claim(namespace, `${template}-${pod}`);
    return this.startLasting(namespace, name, statefulSetTemplateOf(object, pod), pod, {
      'statefulset.kubernetes.io/pod-name': pod,
      'apps.kubernetes.io/pod-index': String(ordinal),
    });
  }

  private async startLasting(namespace: string, owner: string, template: PodTemplate, name?: string, labels = {}): Promise<Deployed> {
    const { backoffSeconds = 1 } = this.options;
    const pod = new Pod(owner, namespace, template, labels, { ...this.podContext(), backoffSeconds, mayRestart: () => true }, name);
    await this.watch(pod, undefined);
    return { pod, ended: pod.run() };
  }

  private find(namespace: string, kind: string, name: string): KubernetesObject {
    const object = this.objects.find(kind, namespace, name);
    if (!object) throw new NotUnderstood(`${kind} ${namespace}/${name} is not in the manifests`);
    return object;
  }

  /** Ends what still runs, unmounts and removes everything. */
  async destroy(): Promise<void> {
    this.destroyed = true;
    for (const pod of this.running) pod.killPod();
    await Promise.all([...this.running].map(pod => pod.done));
    await this.userNamespaces.close();
    this.mounts.release(this.directory);
    removeDirectory(this.directory);
  }

  private async watch(pod: Pod, onPod: RunOptions['onPod']): Promise<void> {
    this.running.add(pod);
    void pod.done.then(() => this.running.delete(pod));
    await onPod?.(pod);
  }

  private podContext() {
    if (this.destroyed) throw new Error('the cluster has been destroyed');
    this.pods += 1;
    const directory = join(this.directory, 'pods', String(this.pods));
    const { objects, services, mounts, userNamespaces } = this;
    const { images } = this.options;
    const storage = {
      claim: (namespace: string, name: string) => this.declaredClaim(namespace, name),
      hostPath: (path: string) => this.hostPath(path),
    };
    return { directory, objects, images, services, storage, mounts, userNamespaces };
  }

  private declaredClaim(namespace: string, name: string): string {
    const declared = this.claims.has(`${namespace}/${name}`) || this.objects.find('PersistentVolumeClaim', namespace, name);
    if (!declared)
      throw new NotUnderstood(`persistentvolumeclaim "${name}" is neither in the manifests of namespace ${namespace} nor declared`);
    return this.claim(namespace, name);
  }

  private replace(object: KubernetesObject): void {
    const { kind, metadata } = object;
    const old = this.objects.find(kind, metadata.namespace ?? 'default', metadata.name);
    if (old?.immutable === true && !isDeepStrictEqual(old.data, object.data))
      throw new Error(`${kind} ${metadata.namespace}/${metadata.name} is immutable: it can only be deleted and made again`);
    this.objects.put({ ...object, metadata: { ...old?.metadata, ...metadata } });
  }
}

/** Whether this machine can run pods, and if not, what is missing. */
export function missingForSandboxes(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'Linux and root';
  const path = (process.env.PATH ?? '').split(':');
  return ['bwrap', 'setpriv', 'unshare', 'nsenter', 'mount', 'umount', 'mkfifo'].find(
    tool => !path.some(directory => existsSync(join(directory, tool))),
  );
}
