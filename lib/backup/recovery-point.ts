import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';

/** Which recovery point to restore. */
export class RecoveryPoint {
  /** The newest one, whether verified or not. */
  public static newest(): RecoveryPoint {
    return new RecoveryPoint('newest');
  }

  /** The newest one that passed a verification. If none has been verified yet, the newest one. */
  public static newestVerified(): RecoveryPoint {
    return new RecoveryPoint('newest-verified');
  }

  /** One by its id, as results, logs and repositories show it: `20260801T023000Z-x7k2p`. */
  public static id(id: string): RecoveryPoint {
    return new RecoveryPoint(id);
  }

  /**
   * The data as it was at a moment. If the log is archived, the newest recovery point before that moment is restored and the log is
   * replayed up to it. Any other engine restores the newest recovery point that was begun by then.
   *
   * @param time in UTC, such as '2026-08-01T00:00:00Z'; fractions of a second are allowed
   */
  public static at(time: string): RecoveryPoint {
    return new RecoveryPoint(time);
  }

  private constructor(private readonly text: string) {}

  /**
   * The recovery point as a restore request says it.
   *
   * @throws InputError when it is neither an id nor a time
   */
  public bind(scope: Construct, prop: string): string {
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(this.text) && !Number.isNaN(Date.parse(this.text));
    if (!isTime && !/^(newest|newest-verified|\d{8}T\d{6}Z-[a-z0-9]{5})$/.test(this.text)) {
      throw new InputError(scope, {
        prop,
        got: this.text,
        because:
          "write an id as results show it, for example '20260801T023000Z-x7k2p', or a time in UTC, for example '2026-08-01T00:00:00Z'",
      });
    }
    return this.text;
  }
}
