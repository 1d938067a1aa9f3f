import { afterAll, describe, expect, test } from 'vitest';
import { kubectl } from '../kubectl';
import { deleteAllButShop, FILES } from './platform';

/** All of dist/, as an API server takes it. */
export function isApplied(): void {
  afterAll(deleteAllButShop, 600_000);

  describe.each(FILES)('%s', file => {
    test('is applied without a warning', async () => {
      const { exitCode, stderr } = await kubectl(['apply', '--server-side', '--filename', file]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
    });

    test.each([['--server-side'], ['--server-side=false']])('is what the cluster has then: `kubectl diff %s` is empty', async how => {
      const { exitCode, stdout, stderr } = await kubectl(['diff', how, '--filename', file]);
      expect(stdout).toBe('');
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
    });
  });

  test('no pod that a controller made of it was refused', async () => {
    const query = ['--field-selector=reason=FailedCreate', '--output=jsonpath={.items[*].message}'];
    const { stdout } = await kubectl(['get', 'events', '--all-namespaces', ...query]);
    expect(stdout).not.toContain('PodSecurity');
  });
}
