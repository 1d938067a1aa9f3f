import type { Api } from '../api/api';
import { ApiError, invalid } from '../api/errors';
import { type ApiObject, type Loose, timestamp } from '../api/object';
import type { Change } from '../api/store';
import type { Cluster, RunOptions } from '../cluster';
import { NotUnderstood } from '../errors';
import type { JobRun } from '../job';
import { jobSpecOf, type KubernetesObject } from '../pod-spec';
import type { Kinds } from './kinds';

interface Started {
  readonly ended: Promise<JobRun>;
  readonly deletion: AbortController;
}

/**
 * Runs the Jobs of the API, and says in their status what became of them. Those that were there from the beginning wait until they are
 * started. CronJobs make no Jobs by themselves: no time passes in a rehearsal.
 */
export class Jobs {
  private readonly started = new Map<string, Started>();
  private readonly waiting = new Set<string>();
  private readonly options = new Map<string, RunOptions>();
  private count = 0;

  constructor(
    private readonly api: Api,
    private readonly kinds: Kinds,
    private readonly cluster: Cluster,
  ) {
    api.admit((verb, resource, job) => {
      if (resource === kinds.job && verb === 'create') this.prepare(job);
    });
    api.watch(change => this.observe(change));
  }

  /** A Job that is not to start by itself. */
  holdBack(job: ApiObject): void {
    this.waiting.add(job.metadata.uid ?? '');
  }

  /** Starts a Job that was held back, or one of a CronJob as `kubectl create job --from` makes it; how it ends. */
  run(kind: 'CronJob' | 'Job', namespace: string, name: string, options: RunOptions): Promise<JobRun> {
    const job = kind === 'Job' ? this.api.get(this.kinds.job, namespace, name) : this.create(namespace, name, options);
    const { uid = '' } = job.metadata;
    if (kind === 'Job' && job.spec.suspend) throw new NotUnderstood(`Job ${namespace}/${name} is suspended: it would make no pod`);
    this.options.set(uid, options);
    this.waiting.delete(uid);
    return this.start(job).ended;
  }

  private create(namespace: string, name: string, options: RunOptions): ApiObject {
    const { metadata, spec } = this.api.get(this.kinds.cronJob, namespace, name);
    this.count += 1;
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name, uid: metadata.uid ?? '', controller: true };
    const template = spec.jobTemplate;
    const { object } = this.api.create(this.kinds.job, {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        ...{ name: `${name}-${this.count}`, namespace, labels: template.metadata?.labels, ownerReferences: [owner] },
        annotations: { ...template.metadata?.annotations, 'cronjob.kubernetes.io/instantiate': 'manual' },
      },
      spec: template.spec,
    });
    this.options.set(object.metadata.uid ?? '', options);
    return object;
  }

  /** What the server itself sets, and what the rehearsal cannot run. */
  private prepare(job: ApiObject): void {
    const { uid = '', name } = job.metadata;
    if (job.spec.selector) {
      const message = 'Invalid value: `selector` not auto-generated';
      throw invalid(this.kinds.job, name, [{ reason: 'FieldValueInvalid', field: 'spec.selector', message }]);
    }
    try {
      jobSpecOf(job as unknown as KubernetesObject);
    } catch (problem) {
      throw new ApiError(501, 'NotImplemented', (problem as Error).message);
    }
    const labels = {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    };
    const { template } = job.spec;
    job.spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
    template.metadata = { ...template.metadata, labels: { ...template.metadata?.labels, ...labels } };
  }

  private observe({ type, resource, object }: Change): void {
    if (resource !== this.kinds.job) return;
    const { uid = '', deletionTimestamp } = object.metadata;
    if (type === 'DELETED' || deletionTimestamp) this.started.get(uid)?.deletion.abort();
    else if (!object.spec.suspend && !this.waiting.has(uid)) this.start(object);
  }

  private start(job: ApiObject): Started {
    const { uid = '', namespace = '', name } = job.metadata;
    const known = this.started.get(uid);
    if (known) return known;
    const deletion = new AbortController();
    // It may not have been told yet.
    this.cluster.mirror(job as unknown as KubernetesObject);
    this.setStatus(job, { active: 1, startTime: timestamp() });
    const ended = this.cluster.run({ kind: 'Job', namespace, name }, { ...this.options.get(uid), deleted: deletion.signal });
    const started = { ended, deletion };
    this.started.set(uid, started);
    void ended.then(
      run => this.setStatus(job, statusOf(run)),
      problem => this.api.event(job, 'Warning', 'FailedCreate', (problem as Error).message),
    );
    return started;
  }

  private setStatus(job: ApiObject, status: Loose): void {
    this.api.modify(
      job,
      each => {
        each.status = { ...each.status, ...status };
      },
      'status',
    );
  }
}

/** Kubernetes docs: "Jobs", Job termination; of 1.34, with the conditions that come before the last. */
function statusOf({ succeeded, reason, pods }: JobRun): Loose {
  const condition = (type: string) => ({ type, status: 'True', ...(reason && { reason }), lastTransitionTime: timestamp() });
  // What is zero is not there.
  const failed = pods.filter(({ phase }) => phase === 'Failed').length || undefined;
  if (succeeded) {
    const conditions = ['SuccessCriteriaMet', 'Complete'].map(condition);
    return { active: undefined, succeeded: 1, failed, completionTime: timestamp(), conditions };
  }
  // Without a reason its pod waits to be started, as it would for ever.
  return reason ? { active: undefined, failed, conditions: ['FailureTarget', 'Failed'].map(condition) } : { failed };
}
