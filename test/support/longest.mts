import type { Reporter, TestModule } from 'vitest/node';

const SHOWN = 10;

/** Says at the end of a run which files took longest: where somebody who wants it shorter has to look. */
export default class Longest implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const seconds = (module: TestModule) => module.diagnostic().duration / 1000;
    const longest = [...modules].sort((a, b) => seconds(b) - seconds(a)).slice(0, SHOWN);
    const lines = longest.map(module => `  ${seconds(module).toFixed(0).padStart(5)} s  ${module.relativeModuleId}`);
    process.stdout.write(`\nThe ${longest.length} longest of ${modules.length} files:\n${lines.join('\n')}\n`);
  }
}
