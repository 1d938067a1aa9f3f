import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { ScriptFolder } from '../kubernetes/script-folder';

/** Options of an assertion. */
export interface AssertionOptions {
  /**
   * The database to ask.
   * @default - the backup's only one
   */
  readonly database?: string;
}

/**
 * Something that must be true of restored data: a statement in the engine's own language, and the answer it must give. A verification asks
 * its throw-away server, never the production server.
 */
export class Assertion {
  /** The answer is a number not below `minimum`. */
  public static atLeast(query: string, minimum: number, options: AssertionOptions = {}): Assertion {
    return new Assertion(query, `at-least ${minimum}`, options.database);
  }

  /** The answer is a number not above `maximum`. */
  public static atMost(query: string, maximum: number, options: AssertionOptions = {}): Assertion {
    return new Assertion(query, `at-most ${maximum}`, options.database);
  }

  /** The answer, as text, is `value`. */
  public static equalTo(query: string, value: string, options: AssertionOptions = {}): Assertion {
    return new Assertion(query, `equals ${value}`, options.database);
  }

  private constructor(
    /** The statement. */
    public readonly query: string,
    /** What its answer must be, as the scripts read it. */
    public readonly expectation: string,
    /** The database to ask, if one was named. */
    public readonly database: string | undefined,
  ) {}
}

/**
 * The assertions of a job as `shell/assertions.sh` reads them.
 *
 * @returns the name of their ConfigMap; undefined when there is none
 * @throws InputError when one cannot be asked
 * @internal
 */
export function assertionScripts(scope: Construct, series: string, assertions: Assertion[], defaultDatabase?: string): string | undefined {
  const files: { [file: string]: string } = {};
  assertions.forEach((assertion, index) => {
    const number = String(index + 1).padStart(2, '0');
    const database = assertion.database ?? defaultDatabase;
    if (database === undefined) {
      throw new InputError(scope, {
        prop: `assertions[${index}].database`,
        got: undefined,
        because: 'the backup holds several databases: name the one to query',
      });
    }
    if (assertion.query.trim() === '') {
      throw new InputError(scope, {
        prop: `assertions[${index}].query`,
        got: assertion.query,
        because: 'write a statement whose answer is one value',
      });
    }
    if (!/^\S+ [^\n]+$/.test(assertion.expectation) || assertion.expectation.endsWith(' NaN')) {
      throw new InputError(scope, {
        prop: `assertions[${index}]`,
        got: assertion.expectation,
        because: 'expect one line of text, or a number',
      });
    }
    files[`${number}.query`] = `${assertion.query.trim().replace(/;$/, '')};\n`;
    files[`${number}.database`] = `${database}\n`;
    files[`${number}.expect`] = `${assertion.expectation}\n`;
  });
  return assertions.length > 0 ? ScriptFolder.of(`${series}-assertions`, files).bind(scope) : undefined;
}
