import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { documentedCommands } from './documented';

const SOURCES = 'test/cluster';

/** A source with its constants put in, and without what escapes. */
function plain(text: string): string {
  const constants = [...text.matchAll(/const (\w+) =\s+'((?:[^'\\]|\\.)*)'/g)];
  const whole = constants.reduce((all, [, name = '', value = '']) => all.replaceAll(`\${${name}}`, value), text);
  return whole.replaceAll('\\', '');
}

// test/cluster/dist.cluster.ts runs them, and finds after a quarter of an hour what this finds at once.
test('every command of README, docs and docstrings has somebody who pastes it, or says why nobody does', () => {
  const sources = (readdirSync(SOURCES, { recursive: true }) as string[])
    .filter(path => path.endsWith('.ts'))
    .map(path => plain(readFileSync(join(SOURCES, path), 'utf8')));
  const missing = documentedCommands().filter(({ command }) => !sources.some(source => source.includes(command.replaceAll('\\', ''))));
  expect(missing.map(({ where, command }) => `${where}: ${command}`)).toEqual([]);
});
