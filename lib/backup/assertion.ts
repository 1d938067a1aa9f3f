/** Options of an assertion. */
export interface AssertionOptions {
  /**
   * The database to ask.
   * @default - the backup's only one
   */
  readonly database?: string;
}

/**
 * Something that must be true of restored data: a statement of the engine's own language and what its answer must be. It is
 * asked of the throw-away server of a verification, never of the production server.
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
