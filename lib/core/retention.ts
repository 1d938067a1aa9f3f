import type { Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

/**
 * What to keep.
 *
 * The rule `daily: 7` keeps the newest recovery point of each of the last 7 days that have one; the others do so for hours, weeks and so
 * on. Periods are those of the calendar in UTC, and weeks begin on Monday. A period without a recovery point does not count. A point that
 * any rule keeps is kept. (restic documentation, "Removing backup snapshots", `--keep-*`. Newer versions of restic keep an extra "oldest"
 * snapshot while a rule is not filled yet; this library does not.)
 */
export interface RetentionRules {
  /**
   * How many of the newest recovery points are kept, however close together.
   * @default 0
   */
  readonly last?: number;
  /**
   * How many of the last hours keep their newest recovery point.
   * @default 0
   */
  readonly hourly?: number;
  /**
   * How many of the last days keep their newest recovery point.
   * @default 0
   */
  readonly daily?: number;
  /**
   * How many of the last ISO weeks keep their newest recovery point.
   * @default 0
   */
  readonly weekly?: number;
  /**
   * How many of the last months keep their newest recovery point.
   * @default 0
   */
  readonly monthly?: number;
  /**
   * How many of the last years keep their newest recovery point.
   * @default 0
   */
  readonly yearly?: number;
  /**
   * All recovery points that are younger than the newest by less than this. The time counts from the newest that is not in the future, as
   * for `restic forget --keep-within`. So nothing expires while no backups are made, and somebody who can only add recovery points cannot
   * expire any. (restic's documentation, "Security considerations in append-only mode".)
   * @default - none
   */
  readonly within?: Duration;
  /**
   * How many of the newest recovery points stay whatever the rules say, 1 or more. Only what was published completely counts: a failed run
   * neither counts nor expires a recovery point. The newest that passed a verification also stays.
   * @default 3
   */
  readonly atLeast?: number;
}

/** A retention as a construct uses it. */
export interface RetentionConfig {
  /** What the jobs need in their environment: `RETENTION`, read by `retention.awk`. */
  readonly environment: { [name: string]: string };
  /** Whether nothing is ever pruned. */
  readonly keepsAll: boolean;
  /** Whether it has the rule `within`. */
  readonly hasWithin: boolean;
  /** How many days back the furthest rule keeps something, however often backups are made. */
  readonly reachDays: number;
  /** How many of the newest recovery points stay, whenever they were made. */
  readonly newest: number;
}

/**
 * Which recovery points stay, and which are removed after the next successful backup.
 *
 * A construct checks a retention when it takes it, so that an error names that construct.
 */
export class Retention {
  /**
   * The recovery points that the rules name.
   *
   * @param rules at least one that keeps something; to keep everything, use Retention.all()
   */
  public static keep(rules: RetentionRules): Retention {
    return new Retention(rules);
  }

  /** The newest recovery point of each of the last days that have one: `keep({ daily: days })`. */
  public static days(days: number): Retention {
    return Retention.keep({ daily: days });
  }

  /** Everything, for ever: nothing is pruned. For repositories that expire by themselves. */
  public static all(): Retention {
    return new Retention();
  }

  private constructor(private readonly rules?: RetentionRules) {}

  /**
   * Checks the retention for a construct.
   *
   * @param scope the construct that takes it
   * @param prop what the construct's prop is called
   * @throws InputError when a number is negative or not whole, `within` is below a second, when no rule keeps anything, or atLeast is below 1
   */
  public bind(scope: IConstruct, prop: string): RetentionConfig {
    if (!this.rules) {
      const forEver = Number.POSITIVE_INFINITY;
      return { environment: { RETENTION: 'all' }, keepsAll: true, hasWithin: false, reachDays: forEver, newest: forEver };
    }
    const { last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0, within, atLeast = 3 } = this.rules;
    const counts = Object.entries({ last, hourly, daily, weekly, monthly, yearly });
    for (const [rule, count] of [...counts, ['atLeast', atLeast] as const]) {
      const min = rule === 'atLeast' ? 1 : 0;
      if (!Number.isSafeInteger(count) || count < min) {
        throw new InputError(scope, { prop: `${prop}.${rule}`, got: count, because: `write a whole number of ${min} or more` });
      }
    }
    if (within && (!Number.isInteger(within.toSeconds({ integral: false })) || within.toSeconds() < 1)) {
      const because = 'write whole seconds, 1 or more, for example Duration.days(30)';
      throw new InputError(scope, { prop: `${prop}.within`, got: within.toMilliseconds() / 1000, because });
    }
    if (!within && counts.every(([, count]) => count === 0)) {
      const because = 'no rule keeps anything: set one of last, hourly, daily, weekly, monthly, yearly, within, or use Retention.all()';
      throw new InputError(scope, { prop, got: this.rules, because });
    }
    const rules = [...counts, ...(within ? [['within', within.toSeconds()] as const] : []), ['at-least', atLeast] as const];
    const environment = { RETENTION: rules.map(([rule, count]) => `${rule}=${count}`).join(' ') };
    return {
      environment,
      keepsAll: false,
      hasWithin: within !== undefined,
      reachDays: Math.max(within?.toDays({ integral: false }) ?? 0, hourly / 24, daily, weekly * 7, monthly * 30, yearly * 365),
      newest: Math.max(last, atLeast),
    };
  }
}
