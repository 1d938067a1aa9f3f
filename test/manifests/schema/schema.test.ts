import { describe, expect, test } from 'vitest';
import type { Manifest } from '../manifest';
import { PLATFORMS } from '../platforms';
import { POD, planted, specimen } from '../specimen';
import { CUSTOM_FAULTS } from './custom-faults';
import { problems } from './judge';

const judge = (manifests: readonly Manifest[]) => manifests.flatMap(problems);

describe('what is emitted', () => {
  test.each(PLATFORMS)('$name is what Kubernetes understands', ({ manifests }) => {
    expect(judge(manifests)).toEqual([]);
  });
});

describe('the judge', () => {
  test('finds nothing wrong with the specimen', () => {
    expect(judge(specimen())).toEqual([]);
  });

  test.each<[string, string, unknown, string]>([
    ['an unknown field', 'CronJob.spec.shedule', '0 2 * * *', '/spec must NOT have additional properties: shedule'],
    ['an unknown field in a container', `${POD}.containers.0.imagePullPolcy`, 'Always', 'additional properties: imagePullPolcy'],
    ['an unknown field at the top', 'ConfigMap.spec', {}, 'additional properties: spec'],
    ['no schedule', 'CronJob.spec.schedule', undefined, "must have required property 'schedule'"],
    ['a container without a name', `${POD}.containers.0.name`, undefined, "containers/0 must have required property 'name'"],
    ['no containers', `${POD}.containers`, undefined, "must have required property 'containers'"],
    ['a port without a number', `${POD}.containers.0.ports`, [{}], "must have required property 'containerPort'"],
    ['a number as text', 'CronJob.spec.jobTemplate.spec.backoffLimit', '2', '/backoffLimit must be number'],
    ['a number for text', 'CronJob.spec.schedule', 5, '/spec/schedule must be string'],
    ['text for a boolean', 'CronJob.spec.suspend', 'no', '/spec/suspend must be boolean'],
    ['half an integer', 'CronJob.spec.jobTemplate.spec.backoffLimit', 2.5, 'backoffLimit'],
    ['a boolean in env', `${POD}.containers.0.env.0.value`, false, '/env/0/value must be string'],
    ['a number in a ConfigMap', 'ConfigMap.data.port', 5432, '/data/port must be string'],
    ['null', 'CronJob.spec.timeZone', null, '/spec/timeZone must be string'],
    ['an unknown concurrencyPolicy', 'CronJob.spec.concurrencyPolicy', 'Never', 'allowed values: Allow, Forbid, Replace'],
    ['an unknown restartPolicy', `${POD}.restartPolicy`, 'Sometimes', '/restartPolicy must be equal to one of the allowed values'],
    ['an unknown policyType', 'NetworkPolicy.spec.policyTypes.0', 'Ingres', 'allowed values: Egress, Ingress'],
    ['an unknown quantity', `${POD}.containers.0.resources.limits.memory`, '1 core', 'resources/limits/memory'],
    ['a version that is gone', 'CronJob.apiVersion', 'batch/v1beta1', 'batch/v1beta1 CronJob is not among the kinds that are emitted'],
    ['a kind that is not emitted', 'ConfigMap.kind', 'Secret', 'v1 Secret is not among the kinds that are emitted'],
  ])('refuses %s', (_, path, value, finding) => {
    expect(judge(planted(path, value)).join('\n')).toContain(finding);
  });

  test.each(CUSTOM_FAULTS)('refuses in a custom resource %s', (_, path, value, finding) => {
    expect(judge(planted(path, value)).join('\n')).toMatch(finding);
  });
});
