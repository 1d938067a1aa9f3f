import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

/** Kubernetes appends 11 characters to a CronJob's name (documentation, "CronJob limitations"): 52 in all, of which `-restore` takes 8. */
const SERIES_LENGTH = 44;

/** The suffix of the series of safety backups. */
export const SAFETY_SUFFIX = '-safety';

/**
 * Checks the name of a series. It is a directory, a restic host, a label value and the stem of object names at once.
 *
 * @throws InputError when it is not a DNS label of at most 44 characters, or ends like a series of safety backups
 */
export function checkSeries(scope: IConstruct, series: string): string {
  if (typeof series !== 'string' || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(series) || series.length > SERIES_LENGTH) {
    throw new InputError(scope, {
      prop: 'series',
      got: series,
      because: `write at most ${SERIES_LENGTH} lower-case letters, digits and dashes, for example 'shop-orders'`,
    });
  }
  if (series.endsWith(SAFETY_SUFFIX)) {
    throw new InputError(scope, {
      prop: 'series',
      got: series,
      because: `safety backups of restores use names that end in '${SAFETY_SUFFIX}': choose another name`,
    });
  }
  return series;
}

/**
 * Checks the name of a Kubernetes object that is only referred to.
 *
 * @throws InputError when it is empty or no DNS subdomain name
 */
export function checkObjectName(scope: IConstruct, prop: string, name: string): string {
  if (typeof name !== 'string' || !/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 253) {
    throw new InputError(scope, {
      prop,
      got: name,
      because: 'write the name of an existing object: lower-case letters, digits, dashes and dots',
    });
  }
  return name;
}

/**
 * Checks the name of a CronJob that is made of a series and a word that somebody chose.
 *
 * @throws InputError when it is no name, or longer than Kubernetes takes (documentation, "CronJob limitations")
 */
export function checkCronJobName(scope: IConstruct, name: string): string {
  checkObjectName(scope, 'name', name);
  if (name.length > 52) {
    throw new InputError(scope, {
      prop: 'name',
      got: name,
      because: 'together with the series it exceeds the 52 characters of a CronJob name: choose a shorter name, or a shorter series',
    });
  }
  return name;
}
