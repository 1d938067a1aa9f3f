import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromHere, makeFolder } from '../../../lib/cli/demo/folder';

let above: string;
let made: string[];
beforeEach(() => {
  above = realpathSync(mkdtempSync('/tmp/f-'));
  made = [];
});
afterEach(() => {
  for (const folder of [...made, above]) rmSync(folder, { recursive: true });
});

function madeBelow(name: string): string {
  mkdirSync(join(above, name), { recursive: true });
  const folder = makeFolder(join(above, name));
  made.push(folder);
  return dirname(folder);
}

test.each(['', 'with space', 'a.b-c_d+e'])('it is made where the user has temporary files: %j', name => {
  expect(madeBelow(name)).toBe(join(above, name));
});

test.each([
  ["quo'te", 'quotes end what pg_ctl gives to a shell'],
  ['quo"te', 'quotes end what initdb gives to a shell'],
  ['$HOME', 'a shell would put something else there'],
  ['a,b', 'a comma ends the name of a folder of sockets'],
  ['new\nline', 'initdb refuses it'],
  ['日本語日本語', 'its bytes count, not its letters'],
  ['x'.repeat(40), 'it leaves no room for the name of a socket'],
])('%j is no place for it: %s', name => {
  expect(madeBelow(name)).toBe(realpathSync('/tmp'));
});

test('a link is followed, as programs do that say where they are', () => {
  mkdirSync(join(above, 'real'));
  symlinkSync('real', join(above, 'link'));
  expect(madeBelow('link')).toBe(join(above, 'real'));
});

test('where it cannot be made, it is said what to do', () => {
  expect(() => makeFolder(join(above, 'none'))).toThrow(
    new RegExp(`^no folder can be created in ${above}/none: set TMPDIR to one that exists and that you can write \\(ENOENT`),
  );
});

test('a path is as short as it can be said, and whole where the user is nowhere', () => {
  expect(fromHere('/home/docs/page.md', () => '/home')).toBe('docs/page.md');
  const nowhere = () => {
    throw new Error('ENOENT: no such file or directory, uv_cwd');
  };
  expect(fromHere('/home/docs/page.md', nowhere)).toBe('/home/docs/page.md');
});
