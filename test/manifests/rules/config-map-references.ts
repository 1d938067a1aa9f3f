import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import { configMaps, nameOf, podTemplates, type Rule } from '../manifest';

/** Without one of them, or one of their keys, a pod waits for ever in ContainerCreating or CreateContainerConfigError. */
export const configMapReferences: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, namespace, pod }) =>
    references(pod).flatMap(({ name, keys }) => {
      const found = configMaps(manifests).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
      if (!found) {
        return [`${nameOf(of)}: there is no ConfigMap ${name}`];
      }
      const present = Object.keys({ ...found.data, ...found.binaryData });
      return keys.filter(key => !present.includes(key)).map(key => `${nameOf(of)}: ConfigMap ${name} has no key ${key}`);
    }),
  );

/** A request, which somebody makes. Scripts that are optional, so that a pod does not wait for them for ever, are emitted. */
function isForSomebody({ name, optional }: Reference): boolean {
  return optional === true && name?.endsWith('-request') === true;
}

interface Reference {
  readonly name?: string;
  readonly optional?: boolean;
  readonly keys: string[];
}

function references(pod: IPodSpec): Reference[] {
  const containers = [...(pod.initContainers ?? []), ...pod.containers];
  const mounted = (pod.volumes ?? []).flatMap(volume => [volume.configMap, ...(volume.projected?.sources ?? []).map(one => one.configMap)]);
  const read = containers.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom?.configMapKeyRef));
  const readWhole = containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef));
  return [
    ...mounted.map(source => source && { ...source, keys: (source.items ?? []).map(({ key }) => key) }),
    ...read.map(source => source && { ...source, keys: [source.key] }),
    ...readWhole.map(source => source && { ...source, keys: [] }),
  ].flatMap(reference => (reference === undefined || isForSomebody(reference) ? [] : [reference]));
}
