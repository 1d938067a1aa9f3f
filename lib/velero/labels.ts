import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** @internal */
export function checkLabelKey(scope: IConstruct, prop: string, key: string): string {
  const [name = '', prefix, ...rest] = key.split('/').reverse();
  if (!NAME.test(name) || rest.length > 0 || (prefix !== undefined && !PREFIX.test(prefix))) {
    throw new InputError(scope, { prop, got: key, because: "write the key of a label, for example 'app.kubernetes.io/name'" });
  }
  return key;
}

/** @internal */
export function checkLabelValue(scope: IConstruct, prop: string, value: string): string {
  if (value !== '' && !NAME.test(value)) {
    const because = 'write at most 63 letters, digits, dashes, dots and underscores, with a letter or digit at both ends';
    throw new InputError(scope, { prop, got: value, because });
  }
  return value;
}

/** @internal */
export function checkLabels(scope: IConstruct, prop: string, labels: { [label: string]: string }): { [label: string]: string } {
  for (const [key, value] of Object.entries(labels)) {
    checkLabelKey(scope, prop, key);
    checkLabelValue(scope, `${prop}['${key}']`, value);
  }
  return labels;
}
