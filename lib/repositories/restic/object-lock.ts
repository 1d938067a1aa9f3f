import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';
import { Schedule } from '../../core/schedule';

/** Options of a bucket's lock. */
export interface ObjectLockOptions {
  /** How many days the bucket's default retention locks new objects. Set it on the bucket; it must be the same there. */
  readonly days: number;
  /**
   * For how many days, at least, everything in the repository is still locked at any moment. For that long, what an attacker deletes or
   * overwrites can be brought back. Choose more than the time between two verifications, which notice it.
   * @default - half of `days`
   */
  readonly atLeastDays?: number;
  /**
   * When locks that would end soon are renewed. One failed run is allowed for.
   * @default Schedule.daily({ at: '04:00', spread: Duration.hours(1) })
   */
  readonly renewal?: Schedule;
}

/**
 * What a bucket with S3 Object Lock promises: its default retention, which every new version of an object gets (Amazon S3 user guide,
 * "Locking objects with Object Lock"). On such a bucket restic works as on any other: it sets no locks itself, and a delete only hides what
 * is locked (restic issues 2202 and 3195).
 *
 * A new recovery point refers to data that older ones stored, whose lock ends earlier. So a CronJob `<series>-renew-locks` renews the locks
 * of everything in the repository before they end. It copies each object onto itself within the store, which makes a new version, and needs
 * only the backup's own rights. What is already deleted or overwritten is not renewed.
 *
 * An old version stays until its own lock has ended and a lifecycle rule of the bucket removes it. So the store keeps about
 * `days / (days - atLeastDays)` times the data.
 */
export class ObjectLock {
  /** Somebody with the right to bypass a lock can end it earlier. No backup should have that right. */
  public static governance(options: ObjectLockOptions): ObjectLock {
    return new ObjectLock('GOVERNANCE', options);
  }

  /** Nobody can end a lock earlier, not even the owner of the account. Begin with few days. */
  public static compliance(options: ObjectLockOptions): ObjectLock {
    return new ObjectLock('COMPLIANCE', options);
  }

  private constructor(
    private readonly mode: string,
    private readonly options: ObjectLockOptions,
  ) {}

  /**
   * @throws InputError when the days are no whole numbers, or the renewal is too rare for them
   * @internal
   */
  public _bind(scope: Construct): ObjectLockConfig {
    const { days, atLeastDays = Math.floor(days / 2) } = this.options;
    const renewal = this.options.renewal ?? Schedule.daily({ at: '04:00', spread: Duration.hours(1) });
    for (const [prop, value] of Object.entries({ days, atLeastDays })) {
      if (Number.isInteger(value) && value >= 1 && value <= 36_500) continue;
      const because = 'write a whole number of days, 1 or more, as set on the bucket';
      throw new InputError(scope, { prop: `location.objectLock.${prop}`, got: value, because });
    }
    const { interval } = renewal.bind(scope, 'location.objectLock.renewal');
    // One interval until the next run, and another one if that fails.
    const renewAfter = days * 24 - atLeastDays * 24 - 2 * interval.toHours({ integral: false });
    if (renewAfter < 24) {
      throw new InputError(scope, {
        prop: 'location.objectLock.days',
        got: days,
        because: `objects locked for ${days} days cannot stay locked for another ${atLeastDays} days at all times with a renewal every ${interval.toHumanString()}, of which one may fail: raise days (here and on the bucket), lower atLeastDays, or renew more often`,
      });
    }
    return {
      days,
      renewal,
      environment: [
        { name: 'LOCK_MODE', value: this.mode },
        { name: 'LOCK_DAYS', value: String(days) },
        { name: 'LOCK_RENEW_AFTER', value: String(Math.floor(renewAfter * 3600)) },
      ],
    };
  }
}

/** @internal */
export interface ObjectLockConfig {
  readonly days: number;
  readonly renewal: Schedule;
  /** What the renewal has to know. */
  readonly environment: { readonly name: string; readonly value: string }[];
}
