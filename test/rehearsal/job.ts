import { setTimeout as sleep } from 'node:timers/promises';
import { milliseconds, Pod, type PodContext, type PodRun } from './pod';
import type { JobSpec, PodFailureRule } from './pod-spec';

/** How a job ended. */
export interface JobRun {
  readonly succeeded: boolean;
  /** Why it failed. Undefined when it succeeded, and when its pod could not start and nothing would ever end the wait. */
  readonly reason?: 'BackoffLimitExceeded' | 'DeadlineExceeded' | 'PodFailurePolicy' | 'Deleted';
  /** One per attempt. */
  readonly pods: PodRun[];
  /** The output of all containers of all pods, each line with the container's name before it. */
  readonly log: string;
  /**
   * The termination message of the last pod's (first) main container, as JSON; of the init container that failed, when no main
   * container was started. Undefined when there is none.
   */
  readonly result: unknown;
}

export interface JobOptions {
  readonly name: string;
  readonly namespace: string;
  readonly spec: JobSpec;
  readonly uid: string;
  /** The first wait before another attempt; it doubles, up to six minutes. The job controller starts with 10 s. */
  readonly backoffSeconds: number;
  readonly onPod?: (pod: Pod) => void | Promise<void>;
  /** Once aborted, the job is deleted, and its pod with it. */
  readonly deleted?: AbortSignal;
  readonly podContext: (number: number) => Omit<PodContext, 'mayRestart' | 'backoffSeconds' | 'passDeadline'>;
}

const LONGEST_BACKOFF_SECONDS = 360;

/** Runs pods until one succeeds or the job is given up (Kubernetes docs: "Jobs", Handling Pod and container failures; Job termination). */
export async function runJob(options: JobOptions): Promise<JobRun> {
  const { spec } = options;
  const pods: PodRun[] = [];
  const labels = {
    'batch.kubernetes.io/job-name': options.name,
    'batch.kubernetes.io/controller-uid': options.uid,
    'job-name': options.name,
    'controller-uid': options.uid,
  };
  const backoffLimit = spec.backoffLimit ?? 6;
  const deadline = new Deadline(spec.activeDeadlineSeconds, options.deleted);
  let failures = 0;
  try {
    for (;;) {
      const context: PodContext = {
        ...options.podContext(pods.length),
        backoffSeconds: options.backoffSeconds,
        // The controller gives up on a running pod as soon as its restarts reach the limit, so the last restart never gets to its end.
        mayRestart: restarts => restarts < backoffLimit - 1,
        passDeadline: () => deadline.pass(options.name),
      };
      const pod = new Pod(options.name, options.namespace, spec.template, labels, context);
      deadline.onOver(() => pod.delete());
      const disturbance = (async () => options.onPod?.(pod))();
      disturbance.catch(() => {}); // awaited below, once the pod has ended
      const run = await pod.run();
      pods.push(run);
      await disturbance;
      if (deadline.over) return finished(deadline.over, pods);
      if (run.phase === 'Succeeded') return finished('Succeeded', pods);
      // A pod that cannot start waits for ever: that is no failure, and no other pod is made. Only a deadline ends it.
      if (pod.isStuck) return finished(deadline.exists ? 'DeadlineExceeded' : 'Stuck', pods);
      const action = failureAction(spec.podFailurePolicy?.rules ?? [], run, pod.disrupted);
      if (action === 'FailJob') return finished('PodFailurePolicy', pods);
      if (action === 'Count') failures += 1;
      const outOfRestarts = spec.template.spec.restartPolicy === 'OnFailure' && !pod.stopped;
      if (failures > backoffLimit || outOfRestarts) return finished('BackoffLimitExceeded', pods);
      await deadline.wait(Math.min(options.backoffSeconds * 2 ** Math.max(0, failures - 1), LONGEST_BACKOFF_SECONDS));
      if (deadline.over) return finished(deadline.over, pods);
    }
  } finally {
    deadline.clear();
  }
}

/** The first rule that matches decides (Kubernetes docs: "Jobs", Pod failure policy); without one the failure counts. */
export function failureAction(rules: PodFailureRule[], run: PodRun, disrupted: boolean): PodFailureRule['action'] {
  const matches = ({ onExitCodes, onPodConditions }: PodFailureRule): boolean => {
    // The controller looks at conditions only where a rule has no exit codes: an empty list beside them changes nothing.
    if (onPodConditions && !onExitCodes)
      return onPodConditions.some(({ type, status = 'True' }) => type === 'DisruptionTarget' && (status === 'True') === disrupted);
    const candidates = run.containers.filter(({ name, exitCode }) => exitCode !== 0 && (onExitCodes?.containerName ?? name) === name);
    return candidates.some(({ exitCode }) => (onExitCodes?.operator === 'In') === onExitCodes?.values.includes(exitCode));
  };
  return rules.find(matches)?.action ?? 'Count';
}

function finished(end: NonNullable<JobRun['reason']> | 'Succeeded' | 'Stuck', pods: PodRun[]): JobRun {
  const lines = pods.flatMap(pod => pod.containers.flatMap(({ name, log }) => prefixed(name, log)));
  const main = pods.at(-1)?.containers.find(container => !container.init);
  return {
    succeeded: end === 'Succeeded',
    reason: end === 'Succeeded' || end === 'Stuck' ? undefined : end,
    pods,
    log: lines.join('\n'),
    result: parsed((main ?? pods.at(-1)?.containers.at(-1))?.terminationMessage),
  };
}

function prefixed(name: string, log: string): string[] {
  const lines = log === '' ? [] : log.replace(/\n$/, '').split('\n');
  return lines.map(line => `[${name}] ${line}`);
}

/** Undefined for no message and for one that is no JSON. */
function parsed(message: string | undefined): unknown {
  try {
    return message ? JSON.parse(message) : undefined;
  } catch {
    return undefined;
  }
}

/** activeDeadlineSeconds: from the start of the job, waits between attempts included, whatever backoffLimit says. Or the job's deletion. */
class Deadline {
  /** Why the job is over, once it is. */
  over: 'DeadlineExceeded' | 'Deleted' | undefined;

  private readonly ended = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  private act: () => void = () => {};

  constructor(seconds: number | undefined, deleted: AbortSignal | undefined) {
    deleted?.addEventListener('abort', () => this.end('Deleted'));
    if (seconds !== undefined) this.timer = setTimeout(() => this.end('DeadlineExceeded'), milliseconds(seconds));
  }

  get exists(): boolean {
    return this.timer !== undefined;
  }

  /** What ends the running pod; it replaces what was said for the pod before. */
  onOver(act: () => Promise<void>): void {
    this.act = () => void act();
  }

  /** Waits, but not beyond the end. */
  async wait(seconds: number): Promise<void> {
    await sleep(seconds * 1000, undefined, { signal: this.ended.signal }).catch(() => {});
  }

  pass(job: string): void {
    if (!this.exists) throw new Error(`job ${job} has no activeDeadlineSeconds, so none can be over`);
    this.end('DeadlineExceeded');
  }

  clear(): void {
    clearTimeout(this.timer);
  }

  private end(why: 'DeadlineExceeded' | 'Deleted'): void {
    this.over ??= why;
    this.ended.abort();
    this.act();
  }
}
