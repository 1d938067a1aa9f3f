import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { kubectl } from '../kubectl';
import { Terminal } from './paste';
import { deleteAllButShop, FILES } from './platform';

/**
 * The one thing that a controller writes into what was applied: the uid of its snapshot into a VolumeSnapshotContent that was made by
 * hand (`VolumesFromSnapshotHandles`).
 */
const NOTED_BY_CONTROLLER =
  /^(W.*Kind=VolumeSnapshotContent: .* keeps changing, .*\n)?Error from server \(Conflict\): .* conflict with "snapshot-controller" .*: \.spec\.volumeSnapshotRef\n$/;

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
      // Controllers are still at work on what was applied a moment ago.
      await vi.waitFor(
        async () => {
          const { exitCode, stdout, stderr } = await kubectl(['diff', how, '--filename', file]);
          expect(stdout).toBe('');
          const said = stderr.replace(NOTED_BY_CONTROLLER, '');
          expect(said).toBe('');
          expect(exitCode).toBe(said === stderr ? 0 : 2);
        },
        { timeout: 120_000, interval: 1000 },
      );
    });
  });

  test('what dist/PREREQUISITES.md says of Secrets is what kubectl takes, and the page itself is passed over', async () => {
    const page = readFileSync('dist/PREREQUISITES.md', 'utf8');
    const commands = [...page.matchAll(/^```sh\n(kubectl -n .*?)\n```$/gms)].map(([, command = '']) =>
      command.replaceAll("'<file>'", '/dev/null'),
    );
    expect(commands.length).toBeGreaterThan(0);
    const terminal = await Terminal.open('default');
    try {
      for (const command of commands) {
        const { stderr } = await terminal.type(`${command} --dry-run=server`);
        // The tests have made some already.
        expect(stderr).toMatch(/^$|already exists|namespaces "[a-z-]+" not found/);
      }
    } finally {
      terminal.close();
    }
    const { stderr } = await kubectl(['create', '--dry-run=client', '--output=name', '--filename', 'dist']);
    expect(stderr).toBe('');
  });

  test('no pod that a controller made of it was refused', async () => {
    const query = ['--field-selector=reason=FailedCreate', '--output=jsonpath={.items[*].message}'];
    const { stdout } = await kubectl(['get', 'events', '--all-namespaces', ...query]);
    expect(stdout).not.toContain('PodSecurity');
  });
}
