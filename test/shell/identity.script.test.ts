import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linkShell } from '../support/shell-folder';
import { inEachShell } from './shells';

// What a run says that the store does not know, in the words that restic 0.18.0 and rclone 1.68.2 end with, and by which way it asks.

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'identity-'));
  mkdirSync(join(directory, 'scratch/outcome'), { recursive: true });
  linkShell(join(directory, 'shell'));
  symlinkSync(resolve('lib/repositories/restic'), join(directory, 'repository'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function list(shell: string[], restic: string, environment: { [name: string]: string }): string {
  const program = join(directory, 'restic');
  writeFileSync(program, `#!/bin/sh\n${restic}\n`);
  chmodSync(program, 0o755);
  const [name = '', ...flags] = shell;
  const script = '. "$BACKUP_HOME/shell/lib.sh"; list_snapshots || cat "$SCRATCH/repository.reason"';
  const { stdout, stderr } = spawnSync(name, [...flags, '-c', script], {
    encoding: 'utf8',
    // Where its input is a socket, bash takes itself for a remote shell, and reads what the user has for that.
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      BACKUP_HOME: directory,
      SCRATCH: join(directory, 'scratch'),
      TOOLS: directory,
      SERIES: 'orders',
      REPOSITORY_WAIT: '1',
      RESTIC_REPOSITORY: 's3:https://s3.eu-west-1.amazonaws.com/acme',
      ...environment,
    },
  });
  return stdout || stderr;
}

const fails = (...words: string[]) => `${words.map(line => `echo '${line}' >&2`).join('\n')}\nexit 1`;
const NO_KEYS = 'Fatal: unable to open repository: s3.getCredentials: no credentials found.';

inEachShell('%s', shell => {
  test.each([
    ['aws', {}, [NO_KEYS], /no credentials found\. \(EKS has given this pod no identity: .* association, or .*role-arn/],
    [
      'aws',
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://x' },
      [NO_KEYS],
      /\(EKS has given this pod an identity that gets no keys: .*agent/,
    ],
    [
      'aws',
      { AWS_WEB_IDENTITY_TOKEN_FILE: '/token' },
      ['rclone: get credentials: failed to refresh cached credentials'],
      /gets no keys: .*STS/,
    ],
    ['gke', {}, ['Fatal: getStorageClient: google: could not find default credentials.'], /\(GKE's metadata server has given this pod no/],
    [
      'gke',
      {},
      ['Fatal: Get "https://storage.googleapis.com/x": compute: Received 403 ``'],
      /\(GKE's metadata server has given this pod no/,
    ],
    [
      'azure',
      {},
      ['Stat(<config/>) returned error, retrying after 1s: DefaultAzureCredential: failed to acquire a token.', 'Fatal: gave up'],
      /gave up \(Azure has given this pod no valid identity: .*client-id/,
    ],
  ])('%s %o is told what to do', (identity, environment, words, says) => {
    expect(list(shell, fails(...words), { STORE_IDENTITY: identity, ...environment })).toMatch(says);
  });

  test('what has nothing to do with it is not explained by it, and keys have no such advice', () => {
    expect(list(shell, fails('Fatal: the bucket does not exist'), { STORE_IDENTITY: 'aws' })).toBe(
      'restic snapshots: the bucket does not exist',
    );
    expect(list(shell, fails(NO_KEYS), {})).toMatch(/no credentials found\.$/);
  });

  test('what gives a pod its identity is asked without the proxy', () => {
    const said = list(shell, fails('$NO_PROXY').replaceAll("'", '"'), { RESTIC_PROXY: 'http://proxy:3128' });
    expect(said).toBe('restic snapshots: 169.254.0.0/16,fd00:ec2::23');
  });
});
