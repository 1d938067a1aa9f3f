import { beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../manifests/manifest';
import { setAt } from '../../manifests/paths';
import { PLATFORMS } from '../../manifests/platforms';
import { kindsOfCrds } from '../../manifests/schema/crds';
import { CustomJudge } from '../../manifests/schema/custom';
import { CUSTOM_FAULTS } from '../../manifests/schema/custom-faults';
import { planted, specimen } from '../../manifests/specimen';
import { customResourceDefinitions } from '../../rehearsal/images/crds';

// Custom resources by the true CRDs: those of pinned releases, or of the YAML files in the folder that CRDS names, which may be those
// of a cluster. Unknown fields are refused here; an API server drops them, and nobody learns of it.

let judge: CustomJudge;
beforeAll(async () => {
  judge = new CustomJudge(kindsOfCrds(process.env.CRDS ?? (await customResourceDefinitions())));
});

describe('custom resources', () => {
  test.each(PLATFORMS)('of $name are what their CRDs define', ({ manifests }) => {
    const custom = manifests.filter(manifest => judge.isAbout(manifest));
    expect(custom.flatMap(manifest => judge.problems(manifest))).toEqual([]);
  });

  test('the specimen has nothing wrong', () => {
    const custom = specimen().filter(manifest => judge.isAbout(manifest));
    expect(custom).toHaveLength(4);
    expect(custom.flatMap(manifest => judge.problems(manifest))).toEqual([]);
  });

  test.each([
    ['an unknown field', 'exprs', 'vector(1)', /additional properties: exprs/],
    ['a time that is none', 'for', 'an hour', /\/for must match pattern/],
  ])('a PrometheusRule of dist is refused with %s', (_, field, value, finding) => {
    const [rule] = PLATFORMS.flatMap(({ manifests }) => manifests).filter(({ kind }) => kind === 'PrometheusRule');
    const changed = structuredClone(rule) as Manifest;
    setAt(changed, `spec.groups.0.rules.0.${field}`, value);
    expect(judge.problems(changed).join('\n')).toMatch(finding);
  });

  test.each(CUSTOM_FAULTS)('are refused with %s', (_, path, value, finding) => {
    const custom = planted(path, value).filter(manifest => judge.isAbout(manifest));
    expect(custom.flatMap(manifest => judge.problems(manifest)).join('\n')).toMatch(finding);
  });
});
