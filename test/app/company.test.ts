import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Testing } from 'cdk8s';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BackupApp } from '../../lib';
import { container, environment, type Manifest, podSpec } from '../support/synth';

// What a company says once, in an app as one has it: it is true of every pod.

const work = mkdtempSync(join(tmpdir(), 'company-'));
let made: { [id: string]: Manifest };

beforeAll(async () => {
  vi.stubEnv('CDK8S_OUTDIR', work);
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const synth = vi.spyOn(BackupApp.prototype, 'synth');
  await import('../../examples/company/main.js');
  expect(said.mock.calls).toEqual([]);
  const [app] = synth.mock.contexts as BackupApp[];
  const objects = app?.charts.flatMap(chart => Testing.synth(chart)) ?? [];
  made = Object.fromEntries(objects.map((object: Manifest) => [`${object.kind}/${object.metadata.name}`, object]));
});
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true });
});

const jobs = ['backup', 'verify', 'restore', 'refresh'];

describe.each(jobs)('the pods of orders-%s', job => {
  const pod = () => podSpec(made[`CronJob/orders-${job}`]);

  test('have every image from the registry of the company, and its pull secret', () => {
    const images = [...(pod().initContainers ?? []), ...pod().containers].map(({ image }: Manifest) => image);
    expect(images.length).toBeGreaterThan(1);
    expect(images.filter((image: string) => !image.startsWith('registry.acme.example/proxy/'))).toEqual([]);
    expect(pod().imagePullSecrets).toEqual([{ name: 'registry' }]);
  });

  test('go to the store by the proxy', () => {
    expect(environment(made[`CronJob/orders-${job}`])).toMatchObject({ RESTIC_PROXY: 'http://proxy.acme.example:3128' });
    const { spec } = made[`NetworkPolicy/orders-${job}`];
    const ports = spec.egress.flatMap(({ ports }: Manifest) => ports.map(({ port }: Manifest) => port));
    expect(ports).toContain(3128);
    expect(ports).not.toContain(443);
  });

  test('run where batch work runs, and are accounted for', () => {
    expect(pod().tolerations).toEqual([{ key: 'batch', operator: 'Exists' }]);
    const { metadata } = made[`CronJob/orders-${job}`].spec.jobTemplate.spec.template;
    expect(metadata.labels).toMatchObject({ 'acme.example/cost-center': 'platform' });
  });
});

test('that is all jobs there are', () => {
  const named = Object.keys(made).filter(id => id.startsWith('CronJob/'));
  expect(named.sort()).toEqual(jobs.map(job => `CronJob/orders-${job}`).sort());
});

test('one verification has more memory, and the plan’s schedule', () => {
  const [, workbench] = podSpec(made['CronJob/orders-verify']).containers;
  expect(workbench.resources.limits.memory).toBe('4Gi');
  expect(made['CronJob/orders-verify'].spec.schedule).toMatch(/^\d+ [56] \* \* 0$/);
});

test('the company’s own job reads the repository, and knows nothing of the production server', () => {
  const job = made['CronJob/orders-refresh'];
  expect(environment(job)).toMatchObject({ PGHOST: 'orders-db.staging', OPERATION_FOLDER: 'job' });
  expect(JSON.stringify(job)).not.toMatch(/"orders-db"|orders-backup/);
  expect(container(job).volumeMounts).toContainEqual({ name: 'password', mountPath: '/run/secrets/job/password', readOnly: true });
});
