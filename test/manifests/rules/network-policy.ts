import { nameOf, networkPolicies, type PodTemplate, podTemplates, type Rule } from '../manifest';
import { selects } from './selector';

/** A NetworkPolicy that selects nothing protects nothing, and looks as if it did. */
export const networkPolicySelects: Rule = manifests =>
  networkPolicies(manifests)
    .filter(policy => !podTemplates(manifests).some(template => covers(policy, template)))
    .map(policy => `${nameOf(policy)}: selects no pod`);

/** Without a NetworkPolicy a pod reaches, and is reached by, everything. */
export const networkPolicyCovers: Rule = manifests =>
  podTemplates(manifests)
    .filter(template => !networkPolicies(manifests).some(policy => covers(policy, template)))
    .map(({ of }) => `${nameOf(of)}: no NetworkPolicy selects its pods`);

function covers(policy: ReturnType<typeof networkPolicies>[number], { namespace, labels }: PodTemplate): boolean {
  return policy.metadata.namespace === namespace && selects(policy.spec?.podSelector ?? {}, labels);
}
