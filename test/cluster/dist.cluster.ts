import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinitions } from '../rehearsal/images/crds';
import { kubectl, Namespace } from './kubectl';

// All of dist/, as an API server takes it: the namespaces enforce "restricted", and say what they would not like.

/** Where etcd of the control plane is backed up, whose jobs are root on its node; their annotation says why. */
const PRIVILEGED = 'kube-system';
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/warn': 'restricted' };

const FILES = readdirSync('dist').map(file => join('dist', file));
const PLACES = [...new Set(FILES.flatMap(namespacesOf))].filter(name => name !== PRIVILEGED);

function namespacesOf(file: string): string[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).flatMap(
    document => (document.getIn(['metadata', 'namespace']) as string | undefined) ?? [],
  );
}

beforeAll(async () => {
  const crds = await kubectl(['apply', '--server-side', '--filename', await customResourceDefinitions()]);
  expect(crds.stderr).toBe('');
  await kubectl(['wait', 'customresourcedefinitions', '--all', '--for=condition=Established', '--timeout=5m']);
  for (const name of PLACES) await Namespace.create(name, RESTRICTED);
}, 600_000);
afterAll(async () => {
  await kubectl(['delete', '--ignore-not-found', ...FILES.map(file => `--filename=${file}`), '--wait=false']);
  await Promise.all(PLACES.map(name => new Namespace(name).delete()));
}, 600_000);

describe.each(FILES)('%s', file => {
  test('is applied without a warning', async () => {
    const { exitCode, stderr } = await kubectl(['apply', '--server-side', '--filename', file]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  test('is what the cluster has then: nothing is left to apply', async () => {
    const { exitCode, stdout, stderr } = await kubectl(['diff', '--server-side', '--filename', file]);
    expect(stdout).toBe('');
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });
});

test('no pod that a controller made of it was refused', async () => {
  const { stdout } = await kubectl([
    'get',
    'events',
    '--all-namespaces',
    '--field-selector=reason=FailedCreate',
    '--output=jsonpath={.items[*].message}',
  ]);
  expect(stdout).not.toContain('PodSecurity');
});
