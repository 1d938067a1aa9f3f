import type { Api } from '../api/api';
import { ApiError, badRequest, notFound } from '../api/errors';
import type { ExecCommand, ExecResult } from '../api/exec';
import { type ApiObject, type OwnerReference, timestamp } from '../api/object';
import type { Change } from '../api/store';
import { NODE } from '../environment';
import type { Pod } from '../pod';
import type { Kinds } from './kinds';

/** The pods of the rehearsal as the API shows them, and what its clients do with them: delete, exec. */
export class Pods {
  private readonly running = new Map<string, Pod>();
  /** Those that have ended, too. */
  private readonly known = new Map<string, Pod>();

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
  ) {
    api.admit((verb, resource, { metadata }) => {
      if (resource !== kinds.pod || verb !== 'create') return;
      throw new ApiError(501, 'NotImplemented', `pod ${metadata.name}: the rehearsal runs pods of Jobs, Deployments and StatefulSets only`);
    });
    api.watch(change => this.observe(change));
  }

  /** A pod has been made. */
  add(pod: Pod): void {
    const { metadata, spec } = pod.facts;
    this.running.set(metadata.uid, pod);
    this.known.set(metadata.uid, pod);
    const object: ApiObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: pod.name, creationTimestamp: timestamp(), ownerReferences: this.ownersOf(pod) },
      spec: { ...spec, nodeName: NODE.name },
      status: statusOf(pod),
    };
    this.api.store.put(this.kinds.pod, object);
    pod.onChange = () => this.report(object, pod);
    void pod.done.then(() => {
      this.running.delete(metadata.uid);
      this.report(object, pod);
      const now = this.api.store.get(this.kinds.pod, metadata.namespace, pod.name);
      // A pod whose node is lost stays, as one that has failed; one that was deleted, by whomever, does not.
      const deleted = now?.metadata.deletionTimestamp || (pod.stopped && !pod.disrupted);
      if (now?.metadata.uid === metadata.uid && deleted) this.remove(object);
    });
  }

  /** The object of a pod that has ended. */
  remove({ metadata: { namespace, name } }: ApiObject): void {
    if (this.api.store.get(this.kinds.pod, namespace, name)) this.api.delete(this.kinds.pod, namespace, name, { gracePeriodSeconds: 0 });
  }

  /** As `kubectl exec` without input. */
  async exec({ namespace, pod: name, container, argv }: ExecCommand): Promise<ExecResult> {
    const object = this.api.store.get(this.kinds.pod, namespace, name);
    const pod = this.running.get(object?.metadata.uid ?? '');
    if (!object) throw notFound(this.kinds.pod, name);
    const wanted = container ?? object.spec.containers[0].name;
    const state = pod?.containers.find(each => each.name === wanted);
    if (!pod || !state?.running)
      throw new ApiError(500, 'InternalError', `unable to upgrade connection: container not found ("${wanted}")`);
    return pod.exec(wanted, argv).ended;
  }

  /** As `kubectl logs`, without following. */
  log(namespace: string, name: string, container: string | undefined): string {
    const object = this.api.get(this.kinds.pod, namespace, name);
    const wanted = container ?? object.spec.containers[0].name;
    const log = this.known.get(object.metadata.uid ?? '')?.log(wanted);
    if (log === undefined) throw badRequest(`container "${wanted}" in pod "${name}" is waiting to start: ContainerCreating`);
    return log;
  }

  private observe({ type, resource, object }: Change): void {
    if (resource !== this.kinds.pod) return;
    const pod = this.running.get(object.metadata.uid ?? '');
    if (type === 'DELETED') pod?.killPod();
    else if (object.metadata.deletionTimestamp && pod) void pod.delete(object.metadata.deletionGracePeriodSeconds);
    else if (object.metadata.deletionTimestamp) this.remove(object);
  }

  private report(object: ApiObject, pod: Pod): void {
    this.api.modify(
      object,
      each => {
        each.status = { ...each.status, ...statusOf(pod) };
      },
      'status',
    );
  }

  private ownersOf({ name, facts: { metadata } }: Pod): OwnerReference[] {
    const { namespace, labels } = metadata;
    const job = this.api.store.get(this.kinds.job, namespace, labels['batch.kubernetes.io/job-name'] ?? '');
    const set = this.api.store.get(this.kinds.statefulSet, namespace, name.replace(/-\d+$/, ''));
    const owner = job ?? (labels['statefulset.kubernetes.io/pod-name'] ? set : undefined);
    if (!owner) return [];
    return [{ apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid ?? '', controller: true }];
  }
}

/** Kubernetes docs: "Pod Lifecycle". Who runs is ready: probes are not asked. */
function statusOf(pod: Pod): object {
  const { phase, containers } = pod;
  const of = (init: boolean) => containers.filter(each => each.init === init).map(containerStatus);
  const ready = phase === 'Running' && containers.every(({ init, running }) => init || running);
  const conditions = ['Ready', 'ContainersReady'].map(type => ({ type, status: ready ? 'True' : 'False' }));
  return { phase, podIP: NODE.ip, hostIP: NODE.ip, conditions, initContainerStatuses: of(true), containerStatuses: of(false) };
}

function containerStatus({ name, running, restarts, exitCode, terminationMessage }: Pod['containers'][number]): object {
  const terminated = {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    ...(terminationMessage && { message: terminationMessage }),
  };
  return { name, ready: running, restartCount: restarts, state: running ? { running: {} } : { terminated } };
}
