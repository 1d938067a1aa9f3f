import { Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

/** Velero lets no hook run longer than this, whatever its annotation says (`maxHookTimeout`). */
const LONGEST_HOOK = Duration.hours(4);

/**
 * A duration as Velero reads it, always with its unit. Without a unit Velero does not accept it, and uses its own default
 * (vmware-tanzu/velero#2599).
 *
 * @throws InputError when it is no whole number of seconds, or none at all
 * @internal
 */
export function veleroDuration(scope: IConstruct, prop: string, duration: Duration): string {
  return `${wholeSeconds(scope, prop, duration)}s`;
}

/** @internal */
export function hookTimeout(scope: IConstruct, prop: string, duration: Duration): string {
  const seconds = wholeSeconds(scope, prop, duration);
  if (seconds > LONGEST_HOOK.toSeconds()) {
    const because = `Velero lets no hook run longer than ${LONGEST_HOOK.toHours()} hours: write a shorter time, and let the hook only start what takes longer`;
    throw new InputError(scope, { prop, got: duration.toHumanString(), because });
  }
  return `${seconds}s`;
}

function wholeSeconds(scope: IConstruct, prop: string, duration: Duration): number {
  const seconds = duration.toMilliseconds({ integral: false }) / 1000;
  if (!Number.isInteger(seconds) || seconds < 1) {
    throw new InputError(scope, {
      prop,
      got: `${seconds} seconds`,
      because: 'write a whole number of seconds, at least one, for example Duration.minutes(5)',
    });
  }
  return seconds;
}
