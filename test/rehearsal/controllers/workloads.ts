import type { Api } from '../api/api';
import type { ApiObject } from '../api/object';
import type { Change } from '../api/store';
import type { Cluster, Deployed } from '../cluster';
import type { PodRun } from '../pod';
import type { Kinds } from './kinds';
import type { Timers } from './timers';

/** Until a pod that could not start is made again. */
const RETRY_SECONDS = 0.2;

/** One workload. */
interface Managed {
  /** Its pods, by their ordinal; a Deployment's has 0. */
  readonly replicas: Map<number, Deployed>;
  /** The ordinals of pods that have just ended: they are made again in a while. */
  readonly resting: Set<number>;
  busy: boolean;
  again: boolean;
}

/**
 * Keeps as many pods of a StatefulSet or Deployment as it asks for: it is scaled, its pods are made again. A changed template is no reason to
 * restart one.
 */
export class Workloads {
  private readonly managed = new Map<string, Managed>();
  private closed = false;

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly cluster: Cluster,
    private readonly timers: Timers,
  ) {
    api.watch(change => this.observe(change));
  }

  /** From now on the workload has its pods. Resolves when all of them have been started. */
  async start(kind: 'StatefulSet' | 'Deployment', namespace: string, name: string): Promise<void> {
    const workload = this.api.get(kind === 'StatefulSet' ? this.kinds.statefulSet : this.kinds.deployment, namespace, name);
    this.managed.set(workload.metadata.uid ?? '', { replicas: new Map(), resting: new Set(), busy: false, again: false });
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
      await this.scale(workload, state);
    } finally {
      state.busy = false;
    }
    this.report(workload, state);
    const now = this.api.store.get(this.api.resourceOf(workload), workload.metadata.namespace, workload.metadata.name);
    if (state.again && now) {
      state.again = false;
      await this.sync(now);
    }
  }

  private async scale({ kind, metadata: { namespace = '', name }, spec }: ApiObject, state: Managed): Promise<void> {
    const { replicas, resting } = state;
    const wanted = spec.replicas ?? 1;
    for (const ordinal of [...replicas.keys()].sort((a, b) => b - a)) {
      const { pod, ended } = replicas.get(ordinal) as Deployed;
      if (ordinal < wanted) continue;
      this.api.delete(this.kinds.pod, namespace, pod.name);
      await ended;
    }
    for (let ordinal = 0; ordinal < wanted; ordinal += 1) {
      if (replicas.has(ordinal) || resting.has(ordinal) || this.closed) continue;
      const deployed =
        kind === 'StatefulSet'
          ? await this.cluster.deployStatefulSet(namespace, name, ordinal)
          : await this.cluster.deploy(namespace, name);
      replicas.set(ordinal, deployed);
      void deployed.ended.then(run => this.lost({ kind, namespace, name }, run, state, ordinal));
    }
  }

  /** A pod has ended, for whatever reason: a new one is made if it is wanted. */
  private lost(
    { kind, namespace, name }: { kind: string; namespace: string; name: string },
    { name: pod, reason }: PodRun,
    state: Managed,
    ordinal: number,
  ): void {
    state.replicas.delete(ordinal);
    state.resting.add(ordinal);
    if (this.closed) return;
    if (this.api.store.get(this.kinds.pod, namespace, pod)) this.api.delete(this.kinds.pod, namespace, pod, { gracePeriodSeconds: 0 });
    const resource = kind === 'StatefulSet' ? this.kinds.statefulSet : this.kinds.deployment;
    // One that cannot start, for want of a Secret that comes later, would wait; here it is tried again.
    this.timers.after(reason ? RETRY_SECONDS : 0, () => {
      state.resting.delete(ordinal);
      const workload = this.api.store.get(resource, namespace, name);
      if (workload) void this.sync(workload);
    });
  }

  private report(workload: ApiObject, { replicas: { size } }: Managed): void {
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
