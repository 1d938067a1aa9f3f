import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const SHOWN = 10;
/** Of what a test says that fails: a log of a pod is longer than anybody reads in a list, and what was expected stands at its end. */
const LINES = { first: 4, last: 14 };

/**
 * Says at the end of a run which tests failed, and why, in few lines each, and which files took longest. Of a run of an hour the
 * end may be all that somebody sees. A failure is told at once, too: who watches need not wait for the end.
 */
export default class Summary implements Reporter {
  private readonly failures: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    if (state !== 'failed') return;
    this.fails(`${test.module.relativeModuleId} > ${test.fullName}`, errors);
  }

  /** What is around its tests failed: they did not run. */
  onTestSuiteResult(suite: TestSuite): void {
    if (suite.errors().length > 0) this.fails(`${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    if (module.errors().length > 0) this.fails(module.relativeModuleId, module.errors());
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const seconds = (module: TestModule) => module.diagnostic().duration / 1000;
    const longest = [...modules].sort((a, b) => seconds(b) - seconds(a)).slice(0, SHOWN);
    const lines = longest.map(module => `  ${seconds(module).toFixed(0).padStart(5)} s  ${module.relativeModuleId}`);
    process.stdout.write(`\nThe ${longest.length} longest of ${modules.length} files:\n${lines.join('\n')}\n`);
    if (this.failures.length > 0) process.stdout.write(`\nWhat failed:\n${this.failures.join('\n')}\n`);
  }

  private fails(what: string, errors: readonly { readonly message: string }[]): void {
    const why = errors.flatMap(({ message }) => ends(message.split('\n'))).map(line => `    ${line.slice(0, 300)}`);
    this.failures.push([`  ${what}`, ...why].join('\n'));
    process.stderr.write(`FAILED ${what}\n${why.join('\n')}\n`);
  }
}

function ends(lines: string[]): string[] {
  const left = lines.length - LINES.first - LINES.last;
  return left <= 0 ? lines : [...lines.slice(0, LINES.first), `... ${left} more lines`, ...lines.slice(-LINES.last)];
}
