import type { k8s } from 'cdk8s-plus-27';
import type { QuiesceConfig } from './quiesce';

/**
 * What an agent gets from Secrets and ConfigMaps.
 *
 * @internal
 */
export interface OptionalReferences {
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  /**
   * A line `WHERE KEY KIND NAME` for each. WHERE is a variable, a file, or a directory that must not be empty; a directory's key is `-`.
   */
  readonly references: string;
}

/**
 * A container with a missing Secret does not start. Its pod is then not ready, and the server is out of service. The server matters more
 * than its backup: the agent starts without the Secret, and says what it lacks when somebody asks it. (Kubernetes documentation, "Optional
 * Secrets".)
 *
 * @internal
 */
export function optionalReferences({ environment, volumes = [], volumeMounts = [] }: QuiesceConfig): OptionalReferences {
  const mountsOf = (volume: string) => volumeMounts.filter(({ name }) => name === volume).map(({ mountPath }) => mountPath);
  return {
    environment: environment.map(optionalVariable),
    volumes: volumes.map(optionalVolume),
    references: [
      ...environment.flatMap(referencesOfVariable),
      ...volumes.flatMap(volume => mountsOf(volume.name).flatMap(path => referencesOfVolume(volume, path))),
    ].join('\n'),
  };
}

function optionalVariable(variable: k8s.EnvVar): k8s.EnvVar {
  const { secretKeyRef, configMapKeyRef } = variable.valueFrom ?? {};
  if (secretKeyRef) return { ...variable, valueFrom: { secretKeyRef: { ...secretKeyRef, optional: true } } };
  if (configMapKeyRef) return { ...variable, valueFrom: { configMapKeyRef: { ...configMapKeyRef, optional: true } } };
  return variable;
}

function optionalVolume(volume: k8s.Volume): k8s.Volume {
  const { secret, configMap } = volume;
  if (secret) return { ...volume, secret: { ...secret, optional: true } };
  if (configMap) return { ...volume, configMap: { ...configMap, optional: true } };
  return volume;
}

function referencesOfVariable({ name, valueFrom }: k8s.EnvVar): string[] {
  const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
  if (secretKeyRef) return [`${name} ${secretKeyRef.key} Secret ${secretKeyRef.name}`];
  if (configMapKeyRef) return [`${name} ${configMapKeyRef.key} ConfigMap ${configMapKeyRef.name}`];
  return [];
}

function referencesOfVolume({ secret, configMap }: k8s.Volume, path: string): string[] {
  const { items, of } = secret
    ? { items: secret.items, of: `Secret ${secret.secretName}` }
    : { items: configMap?.items, of: `ConfigMap ${configMap?.name}` };
  if (!secret && !configMap) return [];
  return items ? items.map(item => `${path}/${item.path} ${item.key} ${of}`) : [`${path} - ${of}`];
}
