import type { Api } from '../api/api';
import type { ApiObject } from '../api/object';
import type { Change } from '../api/store';
import type { Cluster, Deployed } from '../cluster';
import type { Kinds } from './kinds';

/** The pods of one workload, by their ordinal; a Deployment's has 0. */
type Replicas = Map<number, Deployed>;

/**
 * Keeps as many pods of a StatefulSet or Deployment as it asks for: it is scaled, its pods are made again. A changed template is no reason to
 * restart one.
 */
export class Workloads {
  private readonly managed = new Map<string, { readonly replicas: Replicas; busy: boolean; again: boolean }>();
  private closed = false;

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly cluster: Cluster,
  ) {
    api.watch(change => this.observe(change));
  }

  /** From now on the workload has its pods. Resolves when all of them have been started. */
  async start(kind: 'StatefulSet' | 'Deployment', namespace: string, name: string): Promise<void> {
    const workload = this.api.get(kind === 'StatefulSet' ? this.kinds.statefulSet : this.kinds.deployment, namespace, name);
    this.managed.set(workload.metadata.uid ?? '', { replicas: new Map(), busy: false, again: false });
    await this.sync(workload);
  }

  close(): void {
    this.closed = true;
  }

  private observe({ type, resource, object }: Change): void {
    if (resource !== this.kinds.statefulSet && resource !== this.kinds.deployment) return;
    void this.sync(type === 'DELETED' ? { ...object, spec: { ...object.spec, replicas: 0 } } : object);
  }

  /** One after the other: the last word counts. */
  private async sync(workload: ApiObject): Promise<void> {
    const state = this.managed.get(workload.metadata.uid ?? '');
    if (!state || this.closed) return;
    if (state.busy) {
      state.again = true;
      return;
    }
    state.busy = true;
    try {
      await this.scale(workload, state.replicas);
    } finally {
      state.busy = false;
    }
    this.report(workload, state.replicas);
    const now = this.api.store.get(this.api.resourceOf(workload), workload.metadata.namespace, workload.metadata.name);
    if (state.again && now) {
      state.again = false;
      await this.sync(now);
    }
  }

  private async scale({ kind, metadata: { namespace = '', name }, spec }: ApiObject, replicas: Replicas): Promise<void> {
    const wanted = spec.replicas ?? 1;
    for (const ordinal of [...replicas.keys()].sort((a, b) => b - a)) {
      const { pod, ended } = replicas.get(ordinal) as Deployed;
      if (ordinal < wanted) continue;
      this.api.delete(this.kinds.pod, namespace, pod.name);
      await ended;
    }
    for (let ordinal = 0; ordinal < wanted; ordinal += 1) {
      if (replicas.has(ordinal) || this.closed) continue;
      const deployed =
        kind === 'StatefulSet'
          ? await this.cluster.deployStatefulSet(namespace, name, ordinal)
          : await this.cluster.deploy(namespace, name);
      replicas.set(ordinal, deployed);
      void deployed.ended.then(({ name: pod }) => this.lost({ kind, namespace, name }, pod, replicas, ordinal));
    }
  }

  /** A pod has ended, for whatever reason: a new one is made if it is wanted. */
  private lost(
    { kind, namespace, name }: { kind: string; namespace: string; name: string },
    pod: string,
    replicas: Replicas,
    ordinal: number,
  ): void {
    replicas.delete(ordinal);
    if (this.closed) return;
    if (this.api.store.get(this.kinds.pod, namespace, pod)) this.api.delete(this.kinds.pod, namespace, pod, { gracePeriodSeconds: 0 });
    const resource = kind === 'StatefulSet' ? this.kinds.statefulSet : this.kinds.deployment;
    const workload = this.api.store.get(resource, namespace, name);
    if (workload) void this.sync(workload);
  }

  private report(workload: ApiObject, { size }: Replicas): void {
    const { generation, uid } = workload.metadata;
    const { status } = workload;
    if (status?.replicas === size && status.observedGeneration === generation) return;
    const resource = this.api.resourceOf(workload);
    if (this.api.store.get(resource, workload.metadata.namespace, workload.metadata.name)?.metadata.uid !== uid) return;
    this.api.modify(
      workload,
      each => {
        each.status = {
          observedGeneration: generation,
          replicas: size,
          readyReplicas: size,
          availableReplicas: size,
          updatedReplicas: size,
        };
      },
      'status',
    );
  }
}
