import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';

/** Which recovery point to restore. */
export class RecoveryPoint {
  /** The newest one, proven or not. */
  public static newest(): RecoveryPoint {
    return new RecoveryPoint('newest');
  }

  /** The newest one that a verification has restored; the newest one where none was verified yet. */
  public static newestVerified(): RecoveryPoint {
    return new RecoveryPoint('newest-verified');
  }

  /**
   * One by its id, as results, logs and repositories show it: `20260801T023000Z-x7k2p`.
   */
  public static id(id: string): RecoveryPoint {
    return new RecoveryPoint(id);
  }

  private constructor(private readonly text: string) {}

  /**
   * The recovery point as a restore request says it.
   *
   * @throws InputError when it is no id
   */
  public bind(scope: Construct, prop: string): string {
    if (!/^(newest|newest-verified|\d{8}T\d{6}Z-[a-z0-9]{5})$/.test(this.text)) {
      throw new InputError(scope, {
        prop,
        got: this.text,
        because: "write an id as results show it, for example '20260801T023000Z-x7k2p'",
      });
    }
    return this.text;
  }
}
