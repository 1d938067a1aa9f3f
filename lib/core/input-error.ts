import type { IConstruct } from 'constructs';

/** What is wrong with an input, in the words a user needs to mend it. */
export interface InputProblem {
  /** The prop as the user wrote it, nested ones with dots: `schedule.timeZone`. */
  readonly prop: string;
  /** The value that was given. */
  readonly got: unknown;
  /**
   * Shows only the value's type: it may be a secret, or unreadable.
   * @default false
   */
  readonly isHidden?: boolean;
  /** Why it is invalid, and what to write instead. */
  readonly because: string;
}

/**
 * Bad input to a construct or a factory, found at synth.
 *
 * It is not exported: a library that is built for several languages cannot export a class that extends JavaScript's `Error`.
 *
 * The message reads `<construct path>: <prop> is <value>: <why, and what to write instead>`.
 */
export class InputError extends Error {
  /**
   * @param where the construct; if there is none yet, what was called: `Repository.files`
   */
  constructor(where: IConstruct | string, problem: InputProblem) {
    const path = typeof where === 'string' ? where : where.node.path;
    super(`${path || '(app)'}: ${problem.prop} is ${problem.isHidden ? kindOf(problem.got) : show(problem.got)}: ${problem.because}`);
    this.name = 'InputError';
  }
}

function show(value: unknown): string {
  try {
    return JSON.stringify(value) ?? kindOf(value);
  } catch {
    // What refers to itself, such as a construct.
    return kindOf(value);
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'not set';
  const kind = typeof value === 'object' && value !== null ? (value.constructor?.name ?? 'Object') : typeof value;
  return `${/^[aeiou]/i.test(kind) ? 'an' : 'a'} ${kind}`;
}
