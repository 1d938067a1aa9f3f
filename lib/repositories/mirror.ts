import type { Duration } from 'cdk8s';
import type { DatabaseRestoreOptions } from '../backup/database-restore';
import type { DatabaseVerificationOptions } from '../backup/database-verification';
import type { PodOptions } from '../core/pod-options';
import type { Retention } from '../core/retention';
import type { Schedule } from '../core/schedule';
import type { IRepository } from './repository';

/** What may be said of any mirror. */
export interface MirrorSettings {
  /** Which recovery points the mirror keeps, by its own rules. What the mirrored repository loses or prunes has no say in it. */
  readonly retention: Retention;
  /**
   * When the mirror copies what it has not yet. A run that finds nothing new reads two lists and ends.
   *
   * A recovery point is in the mirror at most so long after its backup, and the time of copying. How far a mirror has come is
   * the `id` of its result: the time of the newest recovery point that it has.
   * @default Schedule.hourly({ spread: Duration.hours(1) }) - every hour, at a minute of its own
   */
  readonly schedule?: Schedule;
  /**
   * The longest that a run may take. One that is stopped keeps what was copied whole, and the next one goes on.
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
   * @default - those of the backup, field by field, with a memory limit of '1Gi'
   */
  readonly pods?: PodOptions;
  /**
   * Verify the mirror by restoring from it: `addVerification()` with these options.
   * @default - not, unless `addVerification()` of the mirror is called
   */
  readonly verification?: DatabaseVerificationOptions;
  /**
   * Have a restore from the mirror at hand: `addRestore()` with these options.
   * @default - not, unless `addRestore()` of the mirror is called
   */
  readonly restore?: DatabaseRestoreOptions;
}

/** Options of a repository's mirror. */
export interface MirrorOptions extends MirrorSettings {
  /** The mirror's name, which ends the names of its objects: `offsite`. */
  readonly name: string;
}

/**
 * A further copy, in another repository, of everything that is backed up into one.
 *
 * ```ts
 * Repository.files({
 *   claimName: 'backups',
 *   mirrors: [Mirror.to(offsite, { name: 'offsite', retention: Retention.keep({ daily: 30 }) })],
 * });
 * ```
 */
export class Mirror {
  /**
   * @param repository where the copies are kept: any kind, with a password or a compression of its own
   * @param options the mirror's name, retention and schedule
   */
  public static to(repository: IRepository, options: MirrorOptions): Mirror {
    return new Mirror(repository, options);
  }

  private constructor(
    /** Where the copies are kept. */
    public readonly repository: IRepository,
    /** The mirror's name, retention and schedule. */
    public readonly options: MirrorOptions,
  ) {}
}
