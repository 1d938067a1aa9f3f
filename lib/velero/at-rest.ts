import type { Construct } from 'constructs';
import { OPERATION_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { VeleroModifierRule, VeleroResourceModifiers } from './resource-modifiers';
import type { VeleroRestoreTemplate } from './restore-template';

const MANAGED_BY = 'app.kubernetes.io/managed-by';
const OURS = { [MANAGED_BY]: STANDARD_LABELS[MANAGED_BY] ?? '' };

/**
 * What a restore changes on the way: the rules of its template, and, where asked for, rules that bring this library's own jobs back at
 * rest.
 *
 * A Restore takes one ConfigMap of modifiers, so both are in one.
 *
 * @param name what the Restore is called
 * @internal
 */
export function modifiersOf(
  scope: Construct,
  template: VeleroRestoreTemplate,
  name: string,
  namespace?: string,
): VeleroResourceModifiers | undefined {
  const { namespaceMapping = {}, resourceModifiers } = template;
  const isMapped = Object.entries(namespaceMapping).some(([original, copy]) => original !== copy);
  if (!(template.backupsAtRest ?? isMapped)) return resourceModifiers;
  return new VeleroResourceModifiers(scope, 'Modifiers', {
    name: `${name}-modifiers`,
    namespace,
    rules: [...(resourceModifiers?._rules ?? []), ...atRest()],
  });
}

/**
 * Jobs have no labels of ours, but their pods have. A pod that was running when it was backed up cannot be kept from running; its scripts
 * refuse a namespace that is not theirs. Deployments by which Velero restores volumes are not scaled.
 */
function atRest(): VeleroModifierRule[] {
  const archive = { matchLabels: { ...OURS, [OPERATION_LABEL]: 'log' } };
  const none = { spec: { replicas: 0 } };
  const ofOurPods = Object.entries(OURS).map(([label, value]) => ({
    path: `/spec/template/metadata/labels/${label.replace('/', '~1')}`,
    value,
  }));
  return [
    VeleroModifierRule.merge({ groupResource: 'cronjobs.batch', labelSelector: { matchLabels: OURS } }, { spec: { suspend: true } }),
    VeleroModifierRule.merge({ groupResource: 'jobs.batch', matches: ofOurPods }, { spec: { suspend: true } }),
    VeleroModifierRule.merge({ groupResource: 'deployments.apps', labelSelector: archive }, none),
    VeleroModifierRule.merge({ groupResource: 'replicasets.apps', labelSelector: archive }, none),
  ];
}
