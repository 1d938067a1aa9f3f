import { CannotStart, NotUnderstood } from './errors';
import type { Manifests } from './manifests';
import type { Container, FieldRef, KubernetesObject, Metadata, PodSpec, ResourceFieldRef } from './pod-spec';
import { quantity } from './quantity';

/** What a pod knows about itself: the source of `fieldRef` and `resourceFieldRef`. */
export interface PodFacts {
  readonly metadata: Required<Metadata> & { readonly uid: string };
  readonly spec: PodSpec;
}

/** Every pod runs on this node, at this address: the machine's loopback, or its own when a NetworkPolicy cuts it off. */
export const NODE = { name: 'rehearsal', ip: '127.0.0.1', cpu: 2, memory: 8 * 2 ** 30 };

/**
 * The environment the pod spec gives a container, in the order a kubelet builds it (kubernetes/pkg/kubelet, makeEnvironmentVariables):
 * service links, overridden by `envFrom`, overridden by `env`; `$(VAR)` in a value sees what stands before it.
 */
export function containerEnvironment(
  container: Container,
  pod: PodFacts,
  objects: Manifests,
  services: Record<string, string>,
): Record<string, string> {
  const result: Record<string, string> = {};
  const namespace = pod.metadata.namespace;
  for (const source of container.envFrom ?? []) {
    const reference = source.secretRef ?? source.configMapRef;
    if (!reference) throw new NotUnderstood(`${container.name}: envFrom without a source`);
    const data = dataOf(objects, source.secretRef ? 'Secret' : 'ConfigMap', namespace, reference);
    for (const [key, value] of Object.entries(data ?? {})) result[`${source.prefix ?? ''}${key}`] = value.toString();
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef || valueFrom?.configMapKeyRef) {
      const kind = valueFrom.secretKeyRef ? 'Secret' : 'ConfigMap';
      const reference = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef;
      const found = reference && keyOf(objects, kind, namespace, reference);
      if (found === undefined) continue; // optional: the variable is not set at all
      result[name] = found.toString();
    } else if (valueFrom?.fieldRef) {
      result[name] = fieldValue(valueFrom.fieldRef, pod);
    } else if (valueFrom?.resourceFieldRef) {
      result[name] = resourceValue(valueFrom.resourceFieldRef, pod, container.name);
    } else if (valueFrom) {
      throw new NotUnderstood(`${container.name}: env ${name} has no known source`);
    } else {
      result[name] = expand(value ?? '', variable => own(result, variable) ?? own(services, variable));
    }
  }
  return { ...services, ...result };
}

/**
 * Replaces `$(VAR)` as Kubernetes does (docs: "Define Dependent Environment Variables"; the algorithm of third_party/forked/golang/expansion).
 *
 * `$$` is a literal dollar, so `$$(VAR)` stays `$(VAR)`; an unknown variable stays as it is written; so does an unclosed one.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (written: string, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? written),
  );
}

/** A value of the record itself: a variable may well be called `constructor`. */
export function own<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The bytes of a Secret or ConfigMap by key; undefined when it is optional and not there. */
export function dataOf(
  objects: Manifests,
  kind: 'Secret' | 'ConfigMap',
  namespace: string,
  reference: { name: string; optional?: boolean },
): Record<string, Buffer> | undefined {
  const object = objects.find(kind, namespace, reference.name);
  if (object) return decode(object);
  if (reference.optional) return undefined;
  throw new CannotStart('CreateContainerConfigError', `${kind.toLowerCase()} "${reference.name}" not found`);
}

function keyOf(
  objects: Manifests,
  kind: 'Secret' | 'ConfigMap',
  namespace: string,
  reference: { name: string; key: string; optional?: boolean },
) {
  const data = dataOf(objects, kind, namespace, reference);
  const value = data && own(data, reference.key);
  if (value === undefined && !reference.optional) {
    throw new CannotStart('CreateContainerConfigError', `couldn't find key ${reference.key} in ${kind} ${namespace}/${reference.name}`);
  }
  return value;
}

function decode(object: KubernetesObject): Record<string, Buffer> {
  const encoded = (object.kind === 'Secret' ? object.data : object.binaryData) as Record<string, string> | undefined;
  const plain = (object.kind === 'Secret' ? object.stringData : object.data) as Record<string, string> | undefined;
  const result: Record<string, Buffer> = {};
  for (const [key, value] of Object.entries(encoded ?? {})) result[key] = Buffer.from(value, 'base64');
  for (const [key, value] of Object.entries(plain ?? {})) {
    if (typeof value !== 'string') throw new NotUnderstood(`${object.kind} ${object.metadata.name}: ${key} must be a string: quote it`);
    result[key] = Buffer.from(value);
  }
  return result;
}

/** Kubernetes docs: "Downward API". */
export function fieldValue({ fieldPath }: FieldRef, pod: PodFacts): string {
  const { metadata, spec } = pod;
  const map = /^metadata\.(labels|annotations)(?:\['(.+)'\])?$/.exec(fieldPath);
  if (map) {
    const values = map[1] === 'labels' ? metadata.labels : metadata.annotations;
    if (map[2] !== undefined) return values[map[2]] ?? '';
    const lines = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return lines.sort().join('\n');
  }
  const known: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace,
    'metadata.uid': metadata.uid,
    'spec.nodeName': NODE.name,
    'spec.serviceAccountName': spec.serviceAccountName ?? 'default',
    'status.podIP': NODE.ip,
    'status.podIPs': NODE.ip,
    'status.hostIP': NODE.ip,
    'status.hostIPs': NODE.ip,
  };
  const value = own(known, fieldPath);
  if (value === undefined) throw new NotUnderstood(`fieldPath ${fieldPath} is not understood by the rehearsal`);
  return value;
}

/** A limit or request, divided and rounded up as a kubelet does; a missing limit is what the node has. */
export function resourceValue(reference: ResourceFieldRef, pod: PodFacts, ownName: string | undefined): string {
  const [, side, name] = /^(limits|requests)\.(cpu|memory)$/.exec(reference.resource) ?? [];
  if (!side || !name) throw new NotUnderstood(`resource ${reference.resource} is not understood by the rehearsal`);
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const wanted = reference.containerName ?? ownName;
  const container = containers.find(candidate => candidate.name === wanted);
  if (!container) throw new NotUnderstood(`resourceFieldRef names container ${wanted}, which the pod does not have`);
  const { limits, requests } = container.resources ?? {};
  const own = side === 'limits' ? limits?.[name] : (requests?.[name] ?? limits?.[name]);
  const amount = own !== undefined ? quantity(own) : side === 'requests' ? 0 : NODE[name as 'cpu' | 'memory'];
  return String(Math.ceil(amount / quantity(reference.divisor ?? 1)));
}
