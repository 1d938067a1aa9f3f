import { nameOf, ofKind, podTemplates, type Rule } from '../manifest';

/** The volume of a pod that is a server's own: its claim is made with the server, by whoever runs it. */
const SERVERS_OWN = 'data';

export const claimReferences: Rule = manifests => {
  const claims = ofKind(manifests, 'PersistentVolumeClaim').map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  return podTemplates(manifests).flatMap(({ of, namespace, pod }) =>
    (pod.volumes ?? [])
      .filter(({ name }) => name !== SERVERS_OWN)
      .flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])
      .filter(name => !claims.includes(`${namespace}/${name}`))
      .map(name => `${nameOf(of)}: there is no PersistentVolumeClaim ${name}`),
  );
};
