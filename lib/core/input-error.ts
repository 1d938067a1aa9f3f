import type { IConstruct } from 'constructs';

/**
 * What was wrong with an input, in the words a user needs to mend it.
 */
export interface InputProblem {
  /** The prop as the user wrote it, nested ones dotted: `schedule.timeZone`. */
  readonly prop: string;
  /** The value that was given. */
  readonly got: unknown;
  /** Why it cannot stand, and what to write instead. */
  readonly because: string;
}

/**
 * Bad input to a construct, found at synth.
 *
 * It stays inside: a library that is made for several languages can give away no class of JavaScript's own `Error`.
 *
 * The message reads `<construct path>: <prop> is <value>: <why, and what to write instead>`.
 */
export class InputError extends Error {
  constructor(scope: IConstruct, problem: InputProblem) {
    super(`${scope.node.path || '(app)'}: ${problem.prop} is ${show(problem.got)}: ${problem.because}`);
    this.name = 'InputError';
  }
}

function show(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value);
}
