import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../../core/input-error';
import type { QuiesceOptions } from './quiesce';

/**
 * How long a server is waited for and held.
 *
 * @throws InputError when that is no whole number of seconds, too short to be of use, or so long that nobody would call it a moment
 * @internal
 */
export function quiesceTimes(scope: Construct, options: QuiesceOptions): { readonly limit: Duration; readonly wait: Duration } {
  const { limit = Duration.minutes(1), wait = Duration.seconds(10) } = options;
  const seconds = (prop: string, duration: Duration, least: number, most: number, because: string): void => {
    const length = duration.toMilliseconds() / 1000;
    if (Number.isInteger(length) && length >= least && length <= most) return;
    throw new InputError(scope, { prop: `quiesce.${prop}`, got: duration.toHumanString(), because });
  };
  seconds('limit', limit, 5, 3600, 'write whole seconds, from 5 to 3600: that long a server may stand still');
  const longest = limit.toSeconds() - 1;
  seconds('wait', wait, 2, longest, `write whole seconds, from 2 to ${longest}: less than limit, which is ${limit.toHumanString()}`);
  return { limit, wait };
}
