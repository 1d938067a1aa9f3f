import { type Ended, withSynthesized } from '../e2e/support/rehearse';
import type { CommandOptions } from '../rehearsal/command';
import type { Executed } from '../rehearsal/sandbox';
import { type ClusterObject, readObject, readObjects } from './api';
import { kubectl, output, until } from './kubectl';

export type { ClusterObject } from './api';

/** Namespaces that enforce it say what they would not like, too. */
export const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' };

/** How a job of the cluster ended. */
export interface EndedJob extends Ended {
  readonly job: ClusterObject;
  /** In the order in which they were made. */
  readonly pods: ClusterObject[];
}

/** A Job's specification, as far as scenarios change it. */
export interface JobSpec {
  activeDeadlineSeconds?: number;
  ttlSecondsAfterFinished?: number;
  backoffLimit?: number;
  readonly template: {
    readonly spec: {
      // biome-ignore lint/suspicious/noExplicitAny: of any kind
      readonly volumes: any[];
      // biome-ignore lint/suspicious/noExplicitAny: whatever else a container has
      readonly containers: { readonly env: { readonly name: string; value?: string }[]; [field: string]: any }[];
    };
  };
}

/** kubectl in one namespace, which was made for a test. */
export class Namespace {
  private jobs = 0;

  constructor(readonly name: string) {}

  /** @param labels such as those of Pod Security */
  static async create(name: string, labels: { readonly [label: string]: string } = {}): Promise<Namespace> {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await output(['create', '--filename=-'], { input: Buffer.from(JSON.stringify(namespace)) });
    return new Namespace(name);
  }

  kubectl(argv: string[], options?: CommandOptions): Promise<Executed> {
    return kubectl([`--namespace=${this.name}`, ...argv], options);
  }

  /** What kubectl prints. @throws Error when it fails */
  output(...argv: string[]): Promise<string> {
    return output([`--namespace=${this.name}`, ...argv]);
  }

  /** Applies objects, server-side, whoever has applied their fields before; what kubectl says on standard error, where the API server's warnings are. @throws Error when one is refused */
  async apply(...objects: object[]): Promise<string> {
    const input = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
    const { exitCode, stderr } = await this.kubectl(['apply', '--server-side', '--force-conflicts', '--filename=-'], { input });
    if (exitCode !== 0) throw new Error(stderr);
    return stderr;
  }

  /** Applies what an app synthesizes, server-side, as a deploy tool does. @throws Error when something is refused, or warned of */
  async applyApp(main: string): Promise<void> {
    await withSynthesized(main, async dist => {
      const { exitCode, stderr } = await kubectl(['apply', '--server-side', '--filename', dist]);
      if (exitCode !== 0 || stderr !== '') throw new Error(`${main}: ${stderr}`);
    });
  }

  /** An object; undefined when it is not there. */
  object(kind: string, name: string): Promise<ClusterObject | undefined> {
    return readObject(this.name, kind, name);
  }

  /** The objects of a kind. @param selector by labels. @default all */
  objects(kind: string, selector = ''): Promise<ClusterObject[]> {
    return readObjects(this.name, kind, selector);
  }

  /** Starts a CronJob's job by hand; its name. */
  async start(cronJob: string): Promise<string> {
    this.jobs += 1;
    const name = `${cronJob}-by-hand-${this.jobs}`;
    await this.output('create', 'job', name, `--from=cronjob/${cronJob}`);
    return name;
  }

  /** Starts a CronJob's job by hand, and waits for its end. */
  async run(cronJob: string): Promise<EndedJob> {
    return this.ended(await this.start(cronJob));
  }

  /** As `kubectl create job --from` makes a job, with a change to its specification. */
  async createJob(name: string, cronJob: string, change: (spec: JobSpec) => void = () => {}): Promise<void> {
    const job = JSON.parse(await this.output('create', 'job', `--from=cronjob/${cronJob}`, name, '--dry-run=client', '--output=json'));
    change(job.spec);
    await this.apply(job);
  }

  /** Waits for a job's end. @throws Error when it does not come, with what became of its pods */
  async ended(name: string, seconds = 900): Promise<EndedJob> {
    let job: ClusterObject | undefined;
    const conditions = (): { type: string; status: string }[] => job?.status?.conditions ?? [];
    const has = (type: string) => conditions().some(each => each.type === type && each.status === 'True');
    try {
      await until(
        `job ${name} has ended`,
        async () => {
          job = await this.object('job', name);
          return has('Complete') || has('Failed');
        },
        seconds,
      );
    } catch (problem) {
      throw new Error(`${problem}\n${await this.output('describe', 'pod', `--selector=job-name=${name}`)}\n${await this.log(name)}`);
    }
    const pods = await this.objects('pods', `job-name=${name}`);
    pods.sort((a, b) => Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp));
    return { job: job as ClusterObject, pods, succeeded: has('Complete'), log: await this.log(name), result: saidBy(pods.at(-1)) };
  }

  /** What all containers of a job's pods have said so far. */
  async log(job: string): Promise<string> {
    const { stdout } = await this.kubectl(['logs', `--selector=job-name=${job}`, '--all-containers', '--ignore-errors', '--tail=-1']);
    return stdout;
  }

  /** Deletes it, and waits until it is gone with all that is in it. */
  async delete(): Promise<void> {
    await output(['delete', 'namespace', this.name, '--ignore-not-found', '--timeout=5m']);
  }
}

/**
 * The termination message of a pod's first container; of the init container that failed, when none was started. Of one that was killed
 * it is the end of its log, and no verdict.
 */
function saidBy(pod: ClusterObject | undefined): unknown {
  const { containerStatuses = [], initContainerStatuses = [] } = pod?.status ?? {};
  const failed = initContainerStatuses.filter((each: ContainerStatus) => each.state.terminated?.exitCode);
  const messages = [...failed, ...containerStatuses].map((each: ContainerStatus) => each.state.terminated?.message);
  const said = messages.find(message => message);
  return said?.startsWith('{') ? JSON.parse(said) : undefined;
}

interface ContainerStatus {
  readonly state: { readonly terminated?: { readonly exitCode: number; readonly message?: string } };
}
