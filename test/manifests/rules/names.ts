import { CLUSTER_SCOPED, configMaps, nameOf, podTemplates, type Rule } from '../manifest';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
export const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const CONFIG_MAP_KEY = /^(?!\.{1,2}$)[-._a-zA-Z0-9]{1,253}$/;

export const names: Rule = manifests => [
  ...manifests.flatMap(manifest => {
    const { name, namespace = '' } = manifest.metadata;
    return [
      ...(DNS_SUBDOMAIN.test(name) ? [] : [`${nameOf(manifest)}: the name is no DNS subdomain`]),
      ...(DNS_LABEL.test(namespace) || CLUSTER_SCOPED.includes(manifest.kind)
        ? []
        : [`${nameOf(manifest)}: the namespace is no DNS label`]),
    ];
  }),
  ...podTemplates(manifests).flatMap(({ of, pod, containers }) =>
    [...containers, ...(pod.volumes ?? [])]
      .filter(({ name }) => !DNS_LABEL.test(name))
      .map(({ name }) => `${nameOf(of)}: ${name} in the pod is no DNS label`),
  ),
  ...configMaps(manifests).flatMap(configMap =>
    Object.keys({ ...configMap.data, ...configMap.binaryData })
      .filter(key => !CONFIG_MAP_KEY.test(key))
      .map(key => `${nameOf(configMap)}: ${key} cannot be a key`),
  ),
];
