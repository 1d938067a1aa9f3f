import { nameOf, ofKind, podTemplates, type Rule } from '../manifest';

/** Claims, as namespace/name, that somebody else makes. */
const OUTSIDE: string[] = [];

export const claimReferences: Rule = manifests => {
  const claims = ofKind(manifests, 'PersistentVolumeClaim').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return podTemplates(manifests).flatMap(({ of, namespace, pod }) =>
    (pod.volumes ?? [])
      .flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])
      .filter(name => ![...claims, ...OUTSIDE].includes(`${namespace}/${name}`))
      .map(name => `${nameOf(of)}: there is no PersistentVolumeClaim ${name}`),
  );
};
