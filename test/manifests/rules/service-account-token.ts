import { nameOf, podTemplates, type Rule } from '../manifest';
import { valuesAt } from '../paths';

/** Who breaks into a pod that needs nothing of the API server must find no key to it. */
export const serviceAccountToken: Rule = manifests =>
  podTemplates(manifests)
    .filter(
      ({ pod }) =>
        pod.automountServiceAccountToken !== false || valuesAt(pod, 'volumes.*.projected.sources.*.serviceAccountToken').some(Boolean),
    )
    .map(({ of }) => `${nameOf(of)}: the token of its service account is mounted`);
