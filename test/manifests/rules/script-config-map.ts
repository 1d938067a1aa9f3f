import { isDeepStrictEqual } from 'node:util';
import { configMaps, nameOf, podTemplates, type Rule } from '../manifest';

const SCRIPT = /\.(sh|awk|sql|js)$/;
const KEPT = [
  ['argocd.argoproj.io/sync-options', 'Prune=false'],
  ['kustomize.toolkit.fluxcd.io/prune', 'disabled'],
] as const;
const CONTENT_HASH = /-[0-9a-f]{10}$/;

/** Scripts change under a new name only: a pod that starts in the middle of a deployment must not find half of each version. */
export const scriptConfigMap: Rule = manifests => {
  const scripts = configMaps(manifests).filter(({ data, immutable }) => immutable || Object.keys(data ?? {}).some(key => SCRIPT.test(key)));
  return scripts.flatMap(configMap => {
    const { metadata, immutable, data } = configMap;
    const twin = scripts.find(other => other.metadata.name === metadata.name);
    return [
      ...(immutable ? [] : ['has scripts and can be changed']),
      ...(KEPT.every(([annotation, value]) => metadata.annotations?.[annotation] === value) ? [] : ['is pruned while jobs run with it']),
      ...(CONTENT_HASH.test(metadata.name) ? [] : ['does not end in a hash of its content']),
      ...(isDeepStrictEqual(twin?.data, data) ? [] : [`has other scripts than that of namespace ${twin?.metadata.namespace}`]),
    ].map(finding => `${nameOf(configMap)}: ${finding}`);
  });
};

/** What is applied first is there first; and where it is gone, a pod must not wait for it for ever, which would keep all runs after it. */
export const scriptVolumes: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, namespace, pod }) =>
    (pod.volumes ?? []).flatMap(({ name, configMap }) => {
      const at = manifests.findIndex(
        ({ kind, metadata }) => kind === 'ConfigMap' && metadata.namespace === namespace && metadata.name === configMap?.name,
      );
      const scripts = manifests[at];
      if (!scripts || !CONTENT_HASH.test(scripts.metadata.name)) return [];
      return [
        // A workload that somebody else wrote was there before.
        ...(at < manifests.indexOf(of) || of.kind === 'StatefulSet' ? [] : [`comes before its ${name}`]),
        ...(configMap?.optional ? [] : [`waits for ever for its ${name}`]),
      ].map(finding => `${nameOf(of)}: ${finding}`);
    }),
  );
