import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api } from './api/api';
import type { Kubelet } from './api/exec';
import type { Fault, FaultAction, FaultMatch } from './api/faults';
import type { ApiObject } from './api/object';
import { ApiServer } from './api/server';
import { Cluster, type ClusterOptions, type Deployed, type JobReference, type RunOptions } from './cluster';
import { command } from './command';
import type { ClaimOptions, ControlPlane } from './control-plane';
import { Claims } from './controllers/claims';
import { Driver, type DriverOptions } from './controllers/driver';
import { Garbage } from './controllers/garbage';
import { GroupSnapshots } from './controllers/group-snapshots';
import { Jobs } from './controllers/jobs';
import { GROUP_SNAPSHOT_GROUP, type Kinds, kindsOf } from './controllers/kinds';
import { Pods } from './controllers/pods';
import { SnapshotFaults } from './controllers/snapshot-faults';
import { Snapshots } from './controllers/snapshots';
import { Timers } from './controllers/timers';
import { Workloads } from './controllers/workloads';
import { customResourceDefinitions } from './images/crds';
import { protobufDecoder } from './images/kubectl';
import type { JobRun } from './job';
import { workingDirectory } from './leftovers';
import { Manifests } from './manifests';
import type { Pod } from './pod';
import type { KubernetesObject } from './pod-spec';
import type { Executed } from './sandbox';
import { removeDirectory } from './volumes';

export interface ClusterWithApiOptions extends Omit<ClusterOptions, 'api'> {
  /** The CSI driver behind every claim. @default atomic snapshots, within a fraction of a second */
  readonly driver?: DriverOptions;
  /** The versions of group snapshots that are served: each release of the controller has some of them. @default v1, v1beta2 and v1beta1 */
  readonly groupSnapshotVersions?: string[];
}

/** Whose rights kubectl has. */
export interface Account {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * The rehearsal's cluster with an API that pods and tests can speak to: an API server stand-in (api/), and the controllers that matter to
 * backups (controllers/): volumes, snapshots and their groups, jobs, workloads, the garbage collector.
 *
 * What is in the manifests is applied as by an administrator, in the strict way; kinds that the API does not serve are passed over. The
 * kinds of external-snapshotter and Velero are served as their CRDs define them. Pods get tokens of their service accounts, and RBAC holds.
 *
 * Where it is weaker than a cluster, and a success here proves less:
 * - Of the core's kinds, only ConfigMaps and claims are checked for unknown fields; jobs are as strictly as the rehearsal is (pod-spec.ts).
 *   Rules of CEL other than those of external-snapshotter are passed over (api/schema.ts).
 * - There are no tables, no server-side apply, no dry runs, no strategic patches of lists, no standard input for exec, no SPDY, no
 *   impersonation, and of the roles of a cluster `cluster-admin` alone. All of that is refused, and never done wrong in silence; but
 *   `kubectl get` without an output format shows names and ages only.
 * - Claims are bound at once, whatever their class says of the first consumer; volumes always go with their claims.
 * - No time passes: CronJobs make no Jobs, and finished Jobs stay.
 * - Snapshots hold what was written and not yet synced (controllers/driver.ts); pre-provisioned groups are not simulated.
 */
export class ClusterWithApi {
  readonly kinds: Kinds;
  readonly driver: Driver;
  /** What is to go wrong with snapshots. */
  readonly snapshotFaults = new SnapshotFaults();

  private readonly timers = new Timers();
  private readonly pods: Pods;
  private readonly jobs: Jobs;
  private readonly claims: Claims;
  private readonly workloads: Workloads;
  private readonly directory = workingDirectory();

  private constructor(
    readonly api: Api,
    readonly server: ApiServer,
    /** The pods, claims and names of it. What is put there, is put into the API. */
    readonly cluster: Cluster,
    private readonly options: ClusterWithApiOptions,
  ) {
    this.kinds = kindsOf(api);
    this.driver = new Driver(cluster, join(this.directory, 'snapshots'), options.driver ?? {});
    const { driver, snapshotFaults, timers } = this;
    api.watch(({ type, object }) => {
      if (type === 'DELETED') cluster.forget(object as unknown as KubernetesObject);
      else cluster.mirror(object as unknown as KubernetesObject);
    });
    new Garbage(api);
    this.pods = new Pods(api, this.kinds);
    this.claims = new Claims(api, this.kinds, cluster, driver, timers);
    const snapshots = new Snapshots(api, this.kinds, this.claims, driver, snapshotFaults, timers);
    new GroupSnapshots(api, this.kinds, this.claims, snapshots, driver, snapshotFaults, timers);
    this.jobs = new Jobs(api, this.kinds, cluster);
    this.workloads = new Workloads(api, this.kinds, cluster, timers);
  }

  static async create(options: ClusterWithApiOptions): Promise<ClusterWithApi> {
    const { driver: _, groupSnapshotVersions, ...rest } = options;
    const api = await serveCustomResources(new Api(), groupSnapshotVersions);
    let made: ClusterWithApi | undefined;
    const self = () => made as ClusterWithApi;
    const server = await startServer(api, {
      exec: command => self().pods.exec(command),
      log: (namespace, pod, container) => self().pods.log(namespace, pod, container),
    });
    const plane: ControlPlane = {
      ip: server.ip,
      credentials: (namespace, account, pod) => self().credentials(namespace, account, pod),
      applied: object => self().put(object as unknown as ApiObject),
      claimed: (namespace, name, claim) => self().declareClaim(namespace, name, claim),
      started: pod => self().pods.add(pod),
      bound: (namespace, claims, stopped) => self().bound(namespace, claims, stopped),
    };
    made = new ClusterWithApi(api, server, await Cluster.create({ ...rest, api: plane }), options);
    made.load();
    return made;
  }

  /** Starts a Job of the manifests, or one of a CronJob as `kubectl create job --from` does, and waits for its end. */
  run({ kind, namespace, name }: JobReference, options: RunOptions = {}): Promise<JobRun> {
    return this.jobs.run(kind, namespace, name, options);
  }

  /** From now on a workload has as many pods as it asks for. Resolves when they have been started. */
  start(kind: 'StatefulSet' | 'Deployment', namespace: string, name: string): Promise<void> {
    return this.workloads.start(kind, namespace, name);
  }

  /** One pod of a StatefulSet, which stays away once it has ended. */
  deployStatefulSet(namespace: string, name: string, ordinal = 0): Promise<Deployed> {
    return this.cluster.deployStatefulSet(namespace, name, ordinal);
  }

  /** An object as the API has it; undefined when it is not there. By its kind, such as `VolumeSnapshot`. */
  object(kind: string, namespace: string | undefined, name: string): ApiObject | undefined {
    return this.api.store.get(this.resource(kind), namespace, name);
  }

  /** All objects of a kind. */
  objects(kind: string, namespace?: string): ApiObject[] {
    return this.api.store.list(this.resource(kind), namespace);
  }

  /** Applies an object, as an administrator. */
  put(object: ApiObject): void {
    if (!this.serves(object)) return;
    const resource = this.api.resourceOf(object);
    const { namespace = 'default', name } = object.metadata;
    const { resourceVersion, uid, ...metadata } = object.metadata;
    const applied = { ...object, metadata: { ...metadata, namespace } };
    if (resource.namespaced) this.ensureNamespace(namespace);
    if (this.api.store.get(resource, resource.namespaced ? namespace : undefined, name)) this.api.update(resource, applied);
    else this.api.create(resource, applied, namespace);
  }

  /** Plants a fault into what clients ask of the API. */
  plant(match: FaultMatch, action: FaultAction): Fault {
    return this.server.plant(match, action);
  }

  /** The real kubectl of the image that pods have, with all rights. */
  kubectl(...argv: string[]): Promise<Executed> {
    return this.runKubectl(this.server.kubeconfig(), argv);
  }

  /** The same, with something to read. */
  kubectlWith(input: string, ...argv: string[]): Promise<Executed> {
    return this.runKubectl(this.server.kubeconfig(), argv, Buffer.from(input));
  }

  /** kubectl with the rights of a service account. */
  kubectlAs({ namespace, serviceAccount }: Account, ...argv: string[]): Promise<Executed> {
    return this.runKubectl(this.server.kubeconfig(this.server.tokens.forServiceAccount(namespace, serviceAccount), namespace), argv);
  }

  async destroy(): Promise<void> {
    this.workloads.close();
    this.timers.clear();
    await this.cluster.destroy();
    await this.server.close();
    removeDirectory(this.directory);
  }

  private resource(kind: string) {
    const found = this.api.resources.find(each => each.kind === kind);
    if (!found) throw new Error(`the API serves no ${kind}`);
    return found;
  }

  private serves({ apiVersion, kind }: ApiObject): boolean {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    return this.api.resources.some(each => each.kind === kind && each.group === group);
  }

  private load(): void {
    const provisioner = this.driver.name;
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    this.put({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'standard', annotations }, provisioner });
    const objects = Manifests.load(this.options.manifests).everything() as unknown as ApiObject[];
    for (const object of objects) if (object.kind === 'CustomResourceDefinition') this.api.define(object);
    for (const object of objects) {
      this.put(object);
      if (object.kind === 'Job') this.jobs.holdBack(this.api.get(this.kinds.job, object.metadata.namespace, object.metadata.name));
    }
  }

  private ensureNamespace(name: string): void {
    if (this.api.store.get(this.kinds.namespace, undefined, name)) return;
    this.api.create(this.kinds.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    this.api.create(this.kinds.serviceAccount, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    });
  }

  private credentials(namespace: string, serviceAccount: string, pod: Pod) {
    const token = this.server.tokens.forServiceAccount(namespace, serviceAccount);
    void pod.done.then(() => this.server.tokens.revoke(token));
    return { token, 'ca.crt': this.server.ca };
  }

  /** A claim that a test or a StatefulSet has made a directory for gets its object, with the labels of the template that it is of. */
  private declareClaim(namespace: string, name: string, { sizeLimit = '1Gi' }: ClaimOptions): void {
    if (this.api.store.get(this.kinds.claim, namespace, name)) return;
    this.ensureNamespace(namespace);
    const sets = this.api.store.list(this.kinds.statefulSet, namespace);
    const templates = sets.flatMap(set =>
      (set.spec.volumeClaimTemplates ?? []).map((template: ApiObject) => ({
        set,
        template,
        prefix: `${template.metadata.name}-${set.metadata.name}-`,
      })),
    );
    const found = templates.find(({ prefix }) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)));
    const labels = { ...found?.template.metadata.labels, ...found?.set.spec.selector.matchLabels };
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: sizeLimit } }, ...found?.template.spec };
    this.api.create(this.kinds.claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace, labels }, spec });
  }

  /** A claim without an object is for the pod to complain about. */
  private async bound(namespace: string, claims: string[], stopped: AbortSignal): Promise<void> {
    const pending = () => claims.some(name => this.api.store.get(this.kinds.claim, namespace, name)?.status?.phase === 'Pending');
    while (pending() && !stopped.aborted) await sleep(10, undefined, { signal: stopped }).catch(() => {});
  }

  private runKubectl(kubeconfig: string, argv: string[], input?: Buffer): Promise<Executed> {
    const image = this.options.images.find(KUBECTL_IMAGE);
    if (!image) throw new Error(`image ${KUBECTL_IMAGE} is not in the catalog`);
    const file = join(this.directory, `kubeconfig-${Math.random()}`);
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    const env = { PATH: process.env.PATH, KUBECONFIG: file, HOME: this.directory };
    return command(join(image.root, 'usr/local/bin/kubectl'), argv, { env, input });
  }
}

const KUBECTL_IMAGE = 'alpine/kubectl:1.34.2';

/** The kinds of external-snapshotter and Velero, as the CRDs of their releases define them. */
async function serveCustomResources(api: Api, groupSnapshotVersions = ['v1', 'v1beta2', 'v1beta1']): Promise<Api> {
  definitions ??= Manifests.load([await customResourceDefinitions()]).everything() as unknown as ApiObject[];
  for (const definition of definitions) {
    api.define(definition, definition.spec.group === GROUP_SNAPSHOT_GROUP ? groupSnapshotVersions : undefined);
  }
  return api;
}

/** They are long: read once. */
let definitions: ApiObject[] | undefined;

async function decode(sent: Buffer): Promise<string> {
  const { exitCode, stdout, stderr } = await command(await protobufDecoder(), [], { input: sent });
  if (exitCode !== 0) throw new Error(stderr);
  return stdout;
}

let last = 1;

/** On the next address of this process that is free: others may have taken some. */
async function startServer(api: Api, kubelet: Kubelet): Promise<ApiServer> {
  for (;;) {
    last += 1;
    try {
      return await ApiServer.start(api, `127.${178 + (process.pid % 76)}.${(process.pid >> 8) % 250}.${last}`, kubelet, decode);
    } catch (problem) {
      if ((problem as NodeJS.ErrnoException).code !== 'EADDRINUSE' || last > 250) throw problem;
    }
  }
}
