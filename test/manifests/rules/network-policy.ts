import { nameOf, networkPolicies, type PodTemplate, podTemplates, type Rule } from '../manifest';
import { selects } from './selector';

/** A NetworkPolicy that selects nothing protects nothing, and looks as if it did. */
export const networkPolicySelects: Rule = manifests =>
  networkPolicies(manifests)
    .filter(policy => !podTemplates(manifests).some(template => covers(policy, template)))
    .map(policy => `${nameOf(policy)}: selects no pod`);

/** Without a NetworkPolicy a pod reaches, and is reached by, everything; with two, whatever either of them allows. */
export const networkPolicyCovers: Rule = manifests =>
  podTemplates(manifests).flatMap(template => {
    const policies = networkPolicies(manifests).filter(policy => covers(policy, template));
    const of = nameOf(template.of);
    if (policies.length === 0) return [`${of}: no NetworkPolicy selects its pods`];
    return policies.length === 1
      ? []
      : [`${of}: policies add up, and ${policies.map(({ metadata }) => metadata.name).join(', ')} select its pods`];
  });

function covers(policy: ReturnType<typeof networkPolicies>[number], { namespace, labels }: PodTemplate): boolean {
  return policy.metadata.namespace === namespace && selects(policy.spec?.podSelector ?? {}, labels);
}
