import type { Duration } from 'cdk8s';
import { InputError } from '../core/input-error';

/** What is promised of a backup. What is left out is not promised, and has no alert of its own. */
export interface ObjectivesOptions {
  /**
   * How old the newest recovery point may be: no more than this is lost. It has to leave time for a schedule's longest interval and for a
   * whole run, its `deadline`: a run that takes as long as it may is not a failure.
   * @default - nothing is promised; alerts say when a run that was due has not succeeded
   */
  readonly recoveryPoint?: Duration;
  /**
   * How long it may take to have the data back, by the measure of the last verification: that is a whole restore, and what it compares.
   * @default - nothing is promised
   */
  readonly recoveryTime?: Duration;
  /**
   * How long ago a recovery point may have been proven, by a verification that succeeded. It has to leave time for the longest interval of
   * a verification's schedule, and for its `deadline`.
   * @default - nothing is promised; alerts say when a verification that was due has not succeeded
   */
  readonly proof?: Duration;
}

/**
 * What is promised of backups: how much may be lost, how long the way back may take, how old the proof may be.
 *
 * ```ts
 * Objectives.of({ recoveryPoint: Duration.hours(26), recoveryTime: Duration.minutes(30), proof: Duration.days(8) });
 * ```
 */
export class Objectives {
  /**
   * @throws InputError when nothing is promised, or in less than a minute
   */
  public static of(options: ObjectivesOptions): Objectives {
    const promised = Object.entries({ recoveryPoint: options.recoveryPoint, recoveryTime: options.recoveryTime, proof: options.proof });
    if (promised.every(([, duration]) => duration === undefined)) {
      const because = 'set at least one objective, for example Objectives.of({ recoveryPoint: Duration.hours(26) })';
      throw new InputError('Objectives.of', { prop: 'options', got: {}, because });
    }
    for (const [prop, duration] of promised) {
      const seconds = (duration as Duration | undefined)?.toSeconds({ integral: false }) ?? 60;
      if (Number.isInteger(seconds) && seconds >= 60) continue;
      throw new InputError('Objectives.of', {
        prop,
        got: `${seconds} s`,
        because: 'write whole seconds, a minute or more: alerts are evaluated once a minute',
      });
    }
    return new Objectives(options.recoveryPoint, options.recoveryTime, options.proof);
  }

  private constructor(
    /** How old the newest recovery point may be. */
    public readonly recoveryPoint: Duration | undefined,
    /** How long it may take to have the data back. */
    public readonly recoveryTime: Duration | undefined,
    /** How long ago a recovery point may have been proven. */
    public readonly proof: Duration | undefined,
  ) {}
}
