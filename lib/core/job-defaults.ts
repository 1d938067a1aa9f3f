import type { Duration } from 'cdk8s';
import type { Construct, IConstruct } from 'constructs';
import { checkWhole } from './checks';
import { InputError } from './input-error';
import { said as saidMembers } from './said';
import { refuseTooLate } from './too-late';

const said = new WeakMap<IConstruct, JobOptions>();

/** What a team may say about CronJobs without knowing what they run. */
export interface JobOptions {
  /**
   * Begins no run by itself, as `spec.suspend` of every CronJob: for a migration, or a copy of a cluster. Runs that have begun go on,
   * and so do archives of logs, whose gap no later run could fill, and renewals of a store's locks, which would end. Synthesis warns of
   * it, as nothing is backed up meanwhile.
   * @default false
   */
  readonly paused?: boolean;
  /**
   * How many Jobs that succeeded are kept beside their CronJob.
   * @default 3
   */
  readonly successfulJobsHistoryLimit?: number;
  /**
   * How many Jobs that failed are kept beside their CronJob.
   * @default - as many as run in a day, from 3 to 10
   */
  readonly failedJobsHistoryLimit?: number;
  /**
   * How long a Job that has ended is kept: its log, its verdict, and a volume of its own. (Kubernetes documentation, "Automatic Cleanup
   * for Finished Jobs".)
   * @default - 7 days for a backup, 14 for a verification, 30 for what somebody has started; longer where runs are rarer
   */
  readonly keepFinished?: Duration;
}

/**
 * What a team says once of all CronJobs: on an app, a chart, a plan or a backup, for what is made below it.
 *
 * ```ts
 * JobDefaults.of(app).add({ failedJobsHistoryLimit: 5, keepFinished: Duration.days(3) });
 * ```
 *
 * It is merged field by field, the nearest last. A restore that is a Job, and no CronJob, takes nothing from it.
 */
export class JobDefaults {
  /** The defaults of a construct, for what is below it. */
  public static of(scope: Construct): JobDefaults {
    return new JobDefaults(scope);
  }

  private constructor(private readonly scope: Construct) {}

  /**
   * Says more; what is said later goes before what was said earlier.
   *
   * @throws InputError when the construct has children: jobs among them are made without it; when a number is none
   */
  public add(options: JobOptions): JobDefaults {
    refuseTooLate(this.scope, 'JobDefaults', options);
    for (const limit of ['successfulJobsHistoryLimit', 'failedJobsHistoryLimit'] as const) {
      const given = options[limit];
      // Whoever keeps none finds no verdict in the morning.
      if (given !== undefined) checkWhole(this.scope, limit, given, 1, 100);
    }
    const { keepFinished } = options;
    if (keepFinished && keepFinished.toSeconds() < 60) {
      const because = 'a verdict that is deleted at once cannot be read: write a minute or more';
      throw new InputError(this.scope, { prop: 'keepFinished', got: `${keepFinished.toSeconds()} s`, because });
    }
    said.set(this.scope, { ...said.get(this.scope), ...saidMembers(options) });
    return this;
  }
}

/** What is said for the CronJobs of a construct, from the root of the tree down to it. @internal */
export function jobDefaultsOf(scope: IConstruct): JobOptions {
  return Object.assign({}, ...scope.node.scopes.map(each => said.get(each)));
}
