import { afterEach, expect, test, vi } from 'vitest';
import { main } from '../../lib/cli/main';

afterEach(() => vi.restoreAllMocks());

async function said(stream: 'stdout' | 'stderr', argv: string[]): Promise<[number, string]> {
  const written: string[] = [];
  vi.spyOn(process[stream], 'write').mockImplementation(text => written.push(String(text)) > 0);
  return [await main(argv), written.join('')];
}

test.each([
  [[], 'say what to do'],
  [['demonstrate'], "'demonstrate' is not a command: write demo"],
  [['demo', 'mysql'], "demo takes no 'mysql'"],
  [['demo', '--keep=yes'], "Option '--keep' does not take an argument"],
  [['demo', '--fast'], "Unknown option '--fast'"],
])('%j is refused, and what may be said is shown', async (argv, why) => {
  const [code, text] = await said('stderr', argv);
  expect(code).toBe(2);
  expect(text).toContain(`cdk8s-backup: ${why}`);
  expect(text).toContain('usage: npx cdk8s-backup demo [--keep]');
});

test('who asks for help gets it', async () => {
  expect(await said('stdout', ['--help'])).toEqual([0, expect.stringContaining('usage: npx cdk8s-backup demo [--keep]')]);
});
