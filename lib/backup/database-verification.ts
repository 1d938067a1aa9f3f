import { type ApiObject, Duration, Lazy, Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkCronJobName } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import { Schedule, type ScheduleConfig } from '../core/schedule';
import { Scratch } from '../core/scratch';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import { type Assertion, assertionScripts } from './assertion';
import type { IDatabaseBackup } from './backup';
import { RepositoryCheck } from './repository-check';

/** After the nightly backups, and not all at once: a verification is a whole restore. */
export const VERIFIED_AT = { at: '05:00', spread: Duration.hours(2) };

/** Options of a verification. */
export interface DatabaseVerificationOptions {
  /**
   * The suffix of its objects' names, after the series. A backup may have several verifications, of several repositories.
   * @default 'verify'
   */
  readonly name?: string;
  /**
   * The repository whose newest recovery point is verified: a mirror, or the backup's own, opened with another key.
   * @default - the backup's
   */
  readonly repository?: IRepository;
  /**
   * When the newest recovery point is restored and checked. `Schedule.never()` leaves it to `kubectl create job --from`.
   * @default Schedule.weekly({ at: '05:00', spread: Duration.hours(2) }) - Sundays between 05:00 and 07:00 UTC; a `Schedule.weekly()` of your own is at 02:00
   * unless it says `at`
   */
  readonly schedule?: Schedule;
  /**
   * What must be true of the restored data, beyond the counts that every recovery point carries.
   * @default - nothing
   */
  readonly assertions?: Assertion[];
  /**
   * How the whole repository is checked, too, to find damage to older recovery points.
   * @default RepositoryCheck.structure()
   */
  readonly checkRepository?: RepositoryCheck;
  /**
   * Where the log is archived: a verification fails when the archive does not hold what the server had written this long ago. The recovery
   * point may be good all the same.
   * @default - an hour, or twice the archive's `maximumLag` if that is longer. A mirror is allowed its interval and its deadline more, or
   *   any age where nothing schedules it. Another `repository` is allowed a day more
   */
  readonly maximumLogAge?: Duration;
  /**
   * How old the newest recovery point may be. A verification of an older one fails, since backups (or the verified mirror) have stopped.
   * The recovery point itself is verified all the same.
   * @default - three intervals of the backup's schedule (and of the mirror's), at least an hour; any age where nothing is scheduled
   */
  readonly maximumAge?: Duration;
  /**
   * Where the throw-away server keeps the restored data. It needs a tenth more than the databases' size, and some gigabytes for logs.
   * @default Scratch.emptyDir(Size.gibibytes(20))
   */
  readonly scratch?: Scratch;
  /**
   * The longest that a verification may take.
   * @default - four intervals of the schedule, an hour at least and twelve at most
   */
  readonly deadline?: Duration;
  /**
   * How often a failed verification is tried again.
   * @default 1
   */
  readonly retries?: number;
  /**
   * How the pods are placed and what they may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
  /**
   * The operation's name in labels, so that a drill is not mistaken for a verification.
   *
   * @internal
   */
  readonly _operation?: string;
  /**
   * The mirror that is verified: its log is as old as its last run.
   *
   * @internal
   */
  readonly _mirror?: MirrorTimes;
}

/**
 * When a mirror runs.
 *
 * @internal
 */
export interface MirrorTimes {
  readonly schedule: ScheduleConfig;
  readonly deadline: Duration;
}

/** Props of a verification. */
export interface DatabaseVerificationProps extends DatabaseVerificationOptions {
  /** The backup that is verified. */
  readonly backup: IDatabaseBackup;
}

/**
 * Proves that the newest recovery point can be restored, by restoring it: a CronJob `<series>-verify`. A run does this:
 *
 * - It restores the recovery point to a throw-away server inside its own pod.
 * - It compares object and row counts with those taken in the dump's own snapshot.
 * - It runs the engine's consistency checks and the assertions.
 * - It marks the recovery point as verified.
 *
 * Its pod has neither address nor credentials of the production server, and its NetworkPolicy lets it reach nothing but the repository. The
 * server runs in a container of its own, `workbench`, which has neither the repository's keys nor its volume. A recovery point may hold
 * code, such as constraints and functions, and that code runs there.
 */
export class DatabaseVerification extends Construct {
  /** The CronJob that verifies. */
  public readonly cronJob: ApiObject;
  /** The longest expected time between two verifications. */
  public readonly interval: Duration;

  /** @internal */
  public readonly _identity: string;

  /**
   * Most call `backup.addVerification()`.
   *
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: DatabaseVerificationProps) {
    super(...checkedConstruct('DatabaseVerification', scope, id, props));
    const { backup } = props;
    const operation = backup._operation;
    const schedule = (props.schedule ?? Schedule.weekly(VERIFIED_AT)).bind(this, 'schedule');
    this.interval = schedule.interval;
    const name = `${backup.series}-${props.name ?? 'verify'}`;
    const { _operation: label = 'verify' } = props;
    const repository = operation.bindRepository(this, RepositoryAccess.VERIFY, props.repository);
    this._identity = repository.identity;
    const maximumAge = props.maximumAge ?? newestWithin([backup.schedule.bind(backup, 'schedule')]);
    if (maximumAge && maximumAge.toSeconds() < backup.interval.toSeconds() && !backup.schedule.bind(backup, 'schedule').isNever) {
      throw new InputError(this, {
        prop: 'maximumAge',
        got: maximumAge.toHumanString(),
        because: `the newest recovery point is up to ${backup.interval.toHumanString()} old even if nothing is wrong: allow that, plus the time that a backup takes`,
      });
    }
    const metadata = { name: checkCronJobName(this, name), labels: operation.labels(label) };
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata,
      schedule,
      startingDeadline: schedule.intervalUpTo(Duration.hours(12)),
      job: operationJobSpec({
        pod: operation.pod(this, {
          operation: 'verify',
          access: RepositoryAccess.VERIFY,
          job: name,
          labels: operation.labels(label),
          repository: props.repository,
          environment: [
            ...(props.checkRepository ?? RepositoryCheck.structure())._bind(this),
            ...this.logAge(props),
            ...(maximumAge ? [{ name: 'MAXIMUM_AGE', value: String(maximumAge.toSeconds()) }] : []),
          ],
          assertions: assertionScripts(this, backup.series, props.assertions ?? [], backup._operation.engine.defaultDatabase),
          scratch: props.scratch ?? Scratch.emptyDir(Size.gibibytes(20)),
          onWorkbench: true,
          pods: props.pods,
          memory: { memoryRequest: Size.mebibytes(512), memoryLimit: Size.gibibytes(2) },
        }),
        operation: 'verify',
        retries: props.retries ?? 1,
        deadline: props.deadline ?? schedule.deadlineUpTo(Duration.hours(12)),
        keepFinished: Duration.days(14),
      }),
    });
    operation.networkPolicy(this, name, repository.destinations);
  }

  /** The log archive may be added later. */
  private logAge(props: DatabaseVerificationProps): k8s.EnvVar[] {
    const { backup } = props;
    if (!backup._operation.engine.log) return [];
    const produce = () => {
      const age = backup._maximumLag && (props.maximumLogAge ?? logWithin(backup._maximumLag, props));
      return age && String(age.toSeconds());
    };
    return [{ name: 'MAXIMUM_LOG_AGE', value: Lazy.any({ produce }) as string }];
  }
}

/** Undefined means any age. A mirror holds what was in the log when its last run began, and the current run may not have ended. */
function logWithin(lag: Duration, { _mirror: mirror, repository }: DatabaseVerificationProps): Duration | undefined {
  if (mirror?.schedule.isNever) return undefined;
  const elsewhere = repository ? Duration.days(1).toSeconds() : 0;
  const copied = mirror ? mirror.schedule.interval.toSeconds() + mirror.deadline.toSeconds() : elsewhere;
  return Duration.seconds(Math.max(Duration.hours(1).toSeconds(), 2 * lag.toSeconds()) + copied);
}

/**
 * How old the newest recovery point may be that arrives by these schedules, one after the other. Undefined means any age.
 *
 * @internal
 */
export function newestWithin(schedules: ScheduleConfig[]): Duration | undefined {
  if (schedules.some(({ isNever }) => isNever)) return undefined;
  const intervals = schedules.reduce((sum, { interval }) => sum + interval.toSeconds(), 0);
  return Duration.seconds(Math.max(3 * intervals, Duration.hours(1).toSeconds()));
}
