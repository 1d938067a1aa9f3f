import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Job } from './job';
import { inEachShell } from './shells';

// What a job says of a key that it has taken away. The keys themselves are exchanged in restic-keys.e2e.ts.

const NO_SUCH_KEY = 12;

let tools: string;
let job: Job;
beforeEach(() => {
  tools = mkdtempSync(join(tmpdir(), 'keys-'));
  mkdirSync(join(tools, 'bin'));
  writeFileSync(join(tools, 'old'), 'old');
  job = new Job({}, join(tools, 'bin'));
});
afterEach(() => {
  job.remove();
  rmSync(tools, { recursive: true });
});

/** A restic 0.18 with two keys, in which the old one opens something until it is removed; `then` is what it ends with afterwards. */
function restic(then: number): void {
  const list = (id: string) => `[{"current":${id === 'aa'},"id":"aa"},{"current":${id === 'bb'},"id":"bb"}]`;
  const script = `#!/bin/sh
case "$*" in
  *' key list '*'${tools}/old'*) [ ! -e '${tools}/removed' ] || [ ${then} = 0 ] || { echo 'Fatal: it fails' >&2; exit ${then}; }; echo '${list('bb')}' ;;
  *' key list '*) echo '${list('aa')}' ;;
  *' key remove bb'*) : >'${tools}/removed' ;;
esac
`;
  writeFileSync(join(tools, 'bin', 'restic'), script, { mode: 0o755 });
}

inEachShell('%s', shell => {
  test.each([
    [NO_SUCH_KEY, 'succeeded', /^$/],
    [0, 'failed', /its password still opens the repository/],
    [1, 'failed', /not known whether its password opens another key: .*it fails/],
  ])('a removed key with which restic ends with %i is called %s', (then, verdict, reason) => {
    restic(then);
    const { result, log } = job.run('remove-key', { REMOVED_KEY_PATH: join(tools, 'old') }, shell);
    expect(result.verdict, log).toBe(verdict);
    expect(result.reason).toMatch(reason);
  });
});
