import { type ApiObject, Duration, Size } from 'cdk8s';
import { Construct } from 'constructs';
import { checkWhole, refuseTwice } from '../core/checks';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkCronJobName } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import type { Retention } from '../core/retention';
import { said } from '../core/said';
import { Schedule, type ScheduleConfig } from '../core/schedule';
import { warn } from '../core/warning';
import { MIRROR_LABEL } from '../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { registerPlace } from '../repositories/place';
import { type IRepository, RepositoryAccess, type RepositoryConfig } from '../repositories/repository';
import { checkAppendOnly } from './append-only';
import type { IDatabaseBackup } from './backup';
import { DatabaseRestore, type DatabaseRestoreOptions } from './database-restore';
import { DatabaseVerification, type DatabaseVerificationOptions, newestWithin } from './database-verification';
import { renewLocks } from './lock-renewal';
import { LOG_SUFFIX, registerSeries } from './series';

const DEADLINE = Duration.hours(24);

/** Options of a mirror. */
export interface MirrorOptions {
  /** The mirror's name, which ends the names of its objects: `offsite`. */
  readonly name: string;
  /** Which recovery points the mirror keeps, by its own rules. What is lost or pruned in the mirrored repository has no effect on it. */
  readonly retention: Retention;
  /**
   * When the mirror copies what it does not have yet. A run that finds nothing new reads two lists and ends.
   *
   * A recovery point reaches the mirror within one interval of this schedule after its backup, plus the time of copying. The `id` of the
   * mirror's result shows how far it is: the time of the newest recovery point that it has.
   * @default Schedule.hourly({ spread: Duration.hours(1) }) - every hour, at a minute of its own
   */
  readonly schedule?: Schedule;
  /**
   * The longest that a run may take. A run that is stopped keeps what it copied completely, and the next one continues.
   * @default Duration.hours(24)
   */
  readonly deadline?: Duration;
  /**
   * How often a failed run is tried again.
   * @default 1
   */
  readonly retries?: number;
  /**
   * How the pods are placed and what they may use.
   * @default - as in the backup, field by field, with a memory limit of one gibibyte
   */
  readonly pods?: PodOptions;
  /**
   * Verifies the mirror by restoring from it: `addVerification()` with these options.
   * @default - not, unless `addVerification()` of the mirror is called
   */
  readonly verification?: DatabaseVerificationOptions;
  /**
   * Provides a restore from the mirror: `addRestore()` with these options.
   * @default - not, unless `addRestore()` of the mirror is called
   */
  readonly restore?: DatabaseRestoreOptions;
}

/** Props of a mirror of one backup. */
export interface DatabaseMirrorProps extends MirrorOptions {
  /** The backup whose recovery points are copied. */
  readonly backup: IDatabaseBackup;
  /** Where the copies are kept: a repository of any kind, with a password or a compression of its own. */
  readonly repository: IRepository;
}

/**
 * Copies a backup's recovery points into another repository: a CronJob `<series>-mirror-<name>`, with a retention and a result of its own.
 *
 * - It copies what the mirror does not have and its retention would keep, oldest first, and the archived log, too. Copies are identical
 *   byte for byte, whatever kinds the two repositories are.
 * - The bytes of a copy are read back and compared by SHA-256 before it counts. Pods cannot open a mirror of encrypted plain files: there,
 *   the encrypted bytes are compared.
 * - A run names recovery points that it cannot read, copies all others, and then fails.
 * - A mirror keeps what the mirrored repository has lost. When that repository is empty, or has lost everything, runs fail.
 *
 * A copy does not count as verified because its original was: verify the mirror itself, with `addVerification()`. Series of safety backups
 * are not mirrored.
 */
export class DatabaseMirror extends Construct {
  /** The mirror's name. */
  public readonly name: string;
  /** The CronJob that copies. */
  public readonly cronJob: ApiObject;
  /** The longest expected time between two runs. */
  public readonly interval: Duration;
  private readonly schedule: ScheduleConfig;
  /** @internal */
  public readonly _identity: string;
  private readonly isPruned: boolean;

  /**
   * Most call `backup.addMirror()`, or add a `Mirror` to a plan.
   *
   * @throws InputError when a prop is invalid, or both repositories are on one volume, in one bucket or on one server
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: DatabaseMirrorProps,
  ) {
    super(...checkedConstruct('DatabaseMirror', scope, id, props));
    const { backup, repository, deadline = DEADLINE, retries = 1 } = props;
    const operation = backup._operation;
    this.name = props.name;
    const name = checkCronJobName(this, `${backup.series}-mirror-${props.name}`);
    checkWhole(this, 'retries', retries, 0, 10);
    const schedule = (props.schedule ?? Schedule.hourly({ spread: Duration.hours(1) })).bind(this, 'schedule');
    this.schedule = schedule;
    this.interval = schedule.interval;
    const retention = props.retention.bind(this, 'retention');
    const destination = operation.bindRepository(this, RepositoryAccess.APPEND, repository);
    const source = operation.bindRepository(this, RepositoryAccess.READ, undefined, { isSource: true });
    this._identity = destination.identity;
    this.isPruned = retention.keepsAll || !destination.appendOnly;
    checkAppendOnly(this, destination, retention);
    this.refuseSamePlace(source, destination);
    registerSeries(this, destination.identity, backup.series);
    registerPlace(this, destination, operation.user);
    if (operation.engine.log) registerSeries(this, destination.identity, `${backup.series}${LOG_SUFFIX}`);
    const labels = { [MIRROR_LABEL]: props.name };
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels: { ...operation.labels('mirror'), ...labels } },
      schedule,
      startingDeadline: schedule.intervalUpTo(Duration.hours(4)),
      job: operationJobSpec({
        pod: operation.pod(this, {
          operation: 'mirror',
          access: RepositoryAccess.APPEND,
          job: name,
          repository,
          copies: true,
          longestRun: deadline,
          environment: Object.entries(retention.environment).map(([key, value]) => ({ name: key, value })),
          pods: props.pods,
          labels,
          memory: { memoryRequest: Size.mebibytes(256), memoryLimit: Size.gibibytes(1) },
        }),
        operation: 'mirror',
        retries,
        deadline,
        keepFinished: Duration.days(7),
      }),
    });
    operation.networkPolicy(this, name, [...source.destinations, ...destination.destinations]);
    renewLocks(this, { backup, retention, interval: backup.interval, mirror: { name: props.name, repository } });
    this.node.addValidation({ validate: () => this.warnOfGaps() });
  }

  /**
   * Proves that the mirror can be restored from: a verification `<series>-verify-<name>` of its newest recovery point.
   *
   * @throws InputError when an option is invalid
   */
  public addVerification(options: DatabaseVerificationOptions = {}): DatabaseVerification {
    const { backup, repository, deadline = DEADLINE } = this.props;
    const { name = `verify-${this.name}` } = options;
    refuseTwice(
      this,
      backup,
      'addVerification',
      name,
      `the mirror already has a verification named ${name}: leave one out, or give it another name`,
    );
    return new DatabaseVerification(backup, name, {
      maximumAge: newestWithin([backup.schedule.bind(backup, 'schedule'), this.schedule]),
      ...{ repository, ...said(options), name, backup, _mirror: { schedule: this.schedule, deadline } },
    });
  }

  /**
   * Brings data back from the mirror: a restore `<series>-restore-<name>`.
   *
   * @throws InputError when an option is invalid
   */
  public addRestore(options: DatabaseRestoreOptions = {}): DatabaseRestore {
    const { backup, repository } = this.props;
    const { name = `restore-${this.name}` } = options;
    refuseTwice(this, backup, 'addRestore', name, `the mirror already has a restore named ${name}: give this one another name`);
    return new DatabaseRestore(backup, name, { repository, ...said(options), name, backup });
  }

  private refuseSamePlace(source: RepositoryConfig, destination: RepositoryConfig): void {
    if (source.identity === destination.identity) {
      throw new InputError(this, {
        prop: 'repository',
        got: destination.identity,
        because: 'it is the repository of the backup itself: name another one',
      });
    }
    if (destination.place && destination.place.store === source.place?.store) {
      throw new InputError(this, {
        prop: 'repository',
        got: destination.identity,
        because: `both copies would be in the same place, ${destination.place.store}, and lost together: name a repository in another place`,
      });
    }
  }

  /** Not errors, but gaps that somebody should know of. */
  private warnOfGaps(): string[] {
    const { backup } = this.props;
    const mine = backup.node.children.filter(
      child => (child instanceof DatabaseVerification || child instanceof DatabaseRestore) && child._identity === this._identity,
    );
    if (!mine.some(child => child instanceof DatabaseVerification)) {
      warn(this, `nothing proves that ${backup.series} can be restored from its mirror ${this.name}: call addVerification() on the mirror`);
    }
    if (!mine.some(child => child instanceof DatabaseRestore)) {
      warn(this, `nothing can restore ${backup.series} from its mirror ${this.name}: call addRestore() on the mirror`);
    }
    if (!this.isPruned) {
      warn(
        this,
        `nothing prunes the mirror ${this.name}, as its repository is append-only: let its store expire old recovery points, or use Retention.all()`,
      );
    }
    return [];
  }
}
