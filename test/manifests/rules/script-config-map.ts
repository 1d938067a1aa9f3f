import { isDeepStrictEqual } from 'node:util';
import { configMaps, nameOf, type Rule } from '../manifest';

const SCRIPT = /\.(sh|awk|sql|js)$/;
const CONTENT_HASH = /-[0-9a-f]{10}$/;

/** Scripts change under a new name only: a pod that starts in the middle of a deployment must not find half of each version. */
export const scriptConfigMap: Rule = manifests => {
  const scripts = configMaps(manifests).filter(({ data, immutable }) => immutable || Object.keys(data ?? {}).some(key => SCRIPT.test(key)));
  return scripts.flatMap(configMap => {
    const { metadata, immutable, data } = configMap;
    const twin = scripts.find(other => other.metadata.name === metadata.name);
    return [
      ...(immutable ? [] : ['has scripts and can be changed']),
      ...(CONTENT_HASH.test(metadata.name) ? [] : ['does not end in a hash of its content']),
      ...(isDeepStrictEqual(twin?.data, data) ? [] : [`has other scripts than that of namespace ${twin?.metadata.namespace}`]),
    ].map(finding => `${nameOf(configMap)}: ${finding}`);
  });
};
