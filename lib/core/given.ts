import type { IConstruct } from 'constructs';
import { InputError } from './input-error';

/**
 * Checks that a prop was given: in JavaScript nothing else does.
 *
 * @param example what to write, such as 'Retention.keep({ daily: 7 })'
 * @throws InputError when it is not there
 */
export function checkGiven(scope: IConstruct, prop: string, value: unknown, example: string): void {
  if (value === undefined || value === null) throw new InputError(scope, { prop, got: undefined, because: `write ${example}` });
}

/**
 * Checks that a version is one of the engine's own: those of two engines look alike.
 *
 * @param type the class of the engine's versions
 * @param example one of them
 * @throws InputError when it is none, or another engine's
 */
export function checkVersion(scope: IConstruct, options: { readonly version: unknown } | undefined, type: object, example: string): void {
  const version = options?.version;
  if (version instanceof (type as new () => object)) return;
  const got = typeof version === 'object' && version !== null ? `a ${version.constructor.name}` : version;
  throw new InputError(scope, { prop: 'engine.version', got, because: `write a version of this engine, for example ${example}` });
}
