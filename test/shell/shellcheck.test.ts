import { execFileSync, spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const scripts = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', 'lib/*.sh', 'test/engines/*.sh', 'test/verify.sh'],
  {
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n');
const missing = spawnSync('shellcheck', ['--version']).status !== 0;

test.skipIf(missing)('every script is clean', { timeout: 600_000 }, () => {
  expect(scripts).toContain('lib/shell/run.sh');
  const { status, stdout } = spawnSync('shellcheck', ['--external-sources', '--source-path=.', ...scripts], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test.skipIf(missing)('and the check finds what it should', () => {
  const { stdout } = spawnSync('shellcheck', ['-'], { input: '#!/bin/sh\nrm -rf $1\n', encoding: 'utf8' });
  expect(stdout).toContain('SC2086');
});
