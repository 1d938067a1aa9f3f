import { type ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkCronJobName } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';

/** When nobody works, and after the verifications. */
export const PRUNED_AT = { at: '08:00', spread: Duration.hours(2) };

/** Options of a prune. */
export interface DatabasePruneOptions {
  /**
   * The backup's repository, with credentials that may delete.
   * @default - the backup's own, with its own credentials
   */
  readonly repository?: IRepository;
  /**
   * When recovery points are removed that the backup's retention does not keep. A restic repository is locked meanwhile.
   * @default Schedule.weekly({ at: '08:00', spread: Duration.hours(2) }) - Sundays between 08:00 and 10:00 UTC
   */
  readonly schedule?: Schedule;
  /**
   * The longest that a prune may take.
   * @default - four intervals of the schedule, an hour at least and twelve at most
   */
  readonly deadline?: Duration;
  /**
   * How often a failed prune is tried again.
   * @default 2
   */
  readonly retries?: number;
  /**
   * How the pods are placed and what they may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
}

/** Props of a prune. */
export interface DatabasePruneProps extends DatabasePruneOptions {
  /** The backup whose recovery points are pruned. */
  readonly backup: IDatabaseBackup;
}

/**
 * Removes what the backup's retention does not keep, in a job of its own: a CronJob `<series>-prune`. The backup itself then removes
 * nothing.
 *
 * With an append-only repository only this job can remove anything, so give it other credentials. Put it where people who can read the
 * backup's Secrets cannot read its own, such as in another namespace: `new DatabasePrune(keeper, 'orders', { backup, repository })`.
 * (restic's documentation, "Security considerations in append-only mode".)
 */
export class DatabasePrune extends Construct {
  /** The CronJob that prunes. */
  public readonly cronJob: ApiObject;
  /** The longest expected time between two prunes. */
  public readonly interval: Duration;

  /**
   * Most call `backup.addPrune()`.
   *
   * @throws InputError when a prop is invalid, the repository is another one or cannot be pruned, or the retention keeps everything
   */
  constructor(scope: Construct, id: string, props: DatabasePruneProps) {
    super(...checkedConstruct('DatabasePrune', scope, id, props));
    const { backup } = props;
    const operation = backup._operation;
    const repository = operation.bindRepository(this, RepositoryAccess.PRUNE, props.repository);
    if (repository.identity !== operation.repository.identity) {
      throw new InputError(this, {
        prop: 'repository',
        got: repository.identity,
        because: `the recovery points of ${backup.node.path} are in ${operation.repository.identity}: name the same place with other credentials`,
      });
    }
    if (repository.appendOnly) {
      throw new InputError(this, {
        prop: 'repository',
        got: 'append-only',
        because: 'its credentials cannot delete, which pruning needs: name the same place with credentials that can',
      });
    }
    const retention = backup.props.retention.bind(this, 'retention');
    if (retention.keepsAll) {
      throw new InputError(this, { prop: 'retention', got: 'all', because: `${backup.node.path} keeps everything: leave the prune out` });
    }
    backup._prunedBy(this);
    const schedule = (props.schedule ?? Schedule.weekly(PRUNED_AT)).bind(this, 'schedule');
    this.interval = schedule.interval;
    const name = checkCronJobName(this, `${backup.series}-prune`);
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels: operation.labels('prune') },
      schedule,
      startingDeadline: schedule.intervalUpTo(Duration.hours(12)),
      job: operationJobSpec({
        pod: operation.pod(this, {
          operation: 'prune',
          access: RepositoryAccess.PRUNE,
          job: name,
          repository: props.repository,
          environment: Object.entries(retention.environment).map(([variable, value]) => ({ name: variable, value })),
          pods: props.pods,
        }),
        operation: 'prune',
        retries: props.retries ?? 2,
        deadline: props.deadline ?? schedule.deadlineUpTo(Duration.hours(12)),
        keepFinished: Duration.days(14),
      }),
    });
    operation.networkPolicy(this, name, repository.destinations);
  }
}
