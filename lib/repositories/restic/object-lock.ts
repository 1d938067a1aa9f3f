import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';
import { Schedule } from '../../core/schedule';

/** Options of a bucket's lock. */
export interface ObjectLockOptions {
  /** How many days the bucket's default retention locks what is new. It is set on the bucket, and must be the same there. */
  readonly days: number;
  /**
   * So many days everything in the repository is still locked for, at any moment: what an attacker deletes or overwrites can be
   * brought back for as long. Choose more than passes between two verifications, which notice it.
   * @default - half of `days`
   */
  readonly atLeastDays?: number;
  /**
   * When what would soon be unlocked is locked anew. That one run fails is allowed for.
   * @default Schedule.daily({ at: '04:00', spread: Duration.hours(1) })
   */
  readonly renewal?: Schedule;
}

/**
 * What a bucket with S3 Object Lock promises: its default retention, which every new version of an object gets (Amazon S3 user
 * guide, "Locking objects with Object Lock"). restic itself sets no locks; it works on such a bucket as on any other, since a delete only hides
 * what is locked (restic issues 2202 and 3195).
 *
 * A new recovery point refers to data that older ones stored, whose lock ends earlier. So a CronJob `<series>-renew-locks` locks
 * anew whatever the repository holds, before its lock ends: it copies each object onto itself within the store, which makes a new
 * version, and needs no more than the backup's own rights. What is already deleted or overwritten is not renewed. An old version stays until its own lock has
 * ended and a lifecycle rule of the bucket removes it: about `days / (days - atLeastDays)` times the data is what the store keeps.
 */
export class ObjectLock {
  /** Who has the right to bypass a lock can end it earlier. No backup should have it. */
  public static governance(options: ObjectLockOptions): ObjectLock {
    return new ObjectLock('GOVERNANCE', options);
  }

  /** Nobody can end a lock earlier, the owner of the account included: begin with few days. */
  public static compliance(options: ObjectLockOptions): ObjectLock {
    return new ObjectLock('COMPLIANCE', options);
  }

  private constructor(
    private readonly mode: string,
    private readonly options: ObjectLockOptions,
  ) {}

  /**
   * @throws InputError when the days are no whole numbers, or the renewal comes too seldom for them
   * @internal
   */
  public _bind(scope: Construct): ObjectLockConfig {
    const { days, atLeastDays = Math.floor(days / 2) } = this.options;
    const renewal = this.options.renewal ?? Schedule.daily({ at: '04:00', spread: Duration.hours(1) });
    for (const [prop, value] of Object.entries({ days, atLeastDays })) {
      if (Number.isInteger(value) && value >= 1 && value <= 36_500) continue;
      const because = 'write a whole number of days of 1 or more, as the bucket has it';
      throw new InputError(scope, { prop: `location.objectLock.${prop}`, got: value, because });
    }
    const { interval } = renewal.bind(scope, 'location.objectLock.renewal');
    // One interval until the next run, and another one if that fails.
    const renewAfter = days * 24 - atLeastDays * 24 - 2 * interval.toHours({ integral: false });
    if (renewAfter < 24) {
      throw new InputError(scope, {
        prop: 'location.objectLock.days',
        got: days,
        because: `what is locked for ${days} days, and must always be for ${atLeastDays} more, cannot wait for a renewal every ${interval.toHumanString()} of which one may fail: raise days (there and on the bucket), lower atLeastDays, or renew more often`,
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
