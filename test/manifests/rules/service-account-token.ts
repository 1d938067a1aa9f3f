import type { IRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { type Manifest, nameOf, ofKind, podTemplates, type Rule } from '../manifest';
import { valuesAt } from '../paths';

/**
 * Who breaks into a pod that needs nothing of the API server must find no key to it. A pod that does need something has an account of
 * its own, whose rights are in the same manifests and are bound to it alone.
 */
export const serviceAccountToken: Rule = manifests =>
  podTemplates(manifests)
    .filter(
      ({ pod }) =>
        pod.automountServiceAccountToken !== false || valuesAt(pod, 'volumes.*.projected.sources.*.serviceAccountToken').some(Boolean),
    )
    .filter(({ of, pod }) => !hasRights(manifests, of.metadata.namespace, pod.serviceAccountName))
    .map(({ of }) => `${nameOf(of)}: the token of its service account is mounted`);

function hasRights(manifests: readonly Manifest[], namespace: string | undefined, account: string | undefined): boolean {
  const bindings = ofKind<Manifest & IRoleBinding>(manifests, 'RoleBinding').filter(
    ({ metadata, subjects = [] }) => metadata.namespace === namespace && subjects.some(({ name }) => name === account),
  );
  return (
    account !== undefined &&
    bindings.some(
      ({ roleRef, subjects = [] }) =>
        subjects.length === 1 &&
        manifests.some(({ kind, metadata }) => kind === roleRef.kind && metadata.name === roleRef.name && metadata.namespace === namespace),
    )
  );
}
