import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';
import type { PreparationOptions, QuiesceConfig, QuiesceOptions } from './quiesce';

/**
 * How long to wait for a server, and how long to hold it.
 *
 * @throws InputError when that is no whole number of seconds, too short to be of use, or too long for a moment
 * @internal
 */
export function holdingTimes(scope: Construct, options: QuiesceOptions): Pick<QuiesceConfig, 'holds' | 'limit' | 'wait'> {
  const { limit = Duration.minutes(1), wait = Duration.seconds(10) } = options;
  check(scope, 'limit', limit, 5, 3600, 'a server may be held that long');
  check(scope, 'wait', wait, 2, limit.toSeconds() - 1, `less than limit, which is ${limit.toHumanString()}`);
  return { holds: true, limit, wait };
}

/**
 * How long to wait for a server that is only prepared, and not held.
 *
 * @throws InputError as above
 * @internal
 */
export function preparationTime(scope: Construct, options: PreparationOptions): Pick<QuiesceConfig, 'holds' | 'limit' | 'wait'> {
  const { wait = Duration.minutes(1) } = options;
  check(scope, 'wait', wait, 2, 3600, 'a backup may wait that long for it');
  return { holds: false, limit: wait, wait };
}

function check(scope: Construct, prop: string, time: Duration, least: number, most: number, reason: string): void {
  const seconds = time.toMilliseconds() / 1000;
  if (Number.isInteger(seconds) && seconds >= least && seconds <= most) return;
  const because = `write whole seconds, from ${least} to ${most}: ${reason}`;
  throw new InputError(scope, { prop: `quiesce.${prop}`, got: time.toHumanString(), because });
}
