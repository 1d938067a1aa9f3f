import type { ApiObject } from './object';
import { flag, list, record, type Schema, text, words } from './schema';

/** A kind of object, as the API serves it. */
export interface Resource {
  readonly group: string;
  /** The preferred one first; what is stored is the same in all. */
  readonly versions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  /** Beside the object itself: `status`, `scale`, `exec`. With `status`, the object's own requests leave the status alone. */
  readonly subresources: readonly string[];
  /** Without one, what clients send is stored as it is. */
  readonly schema?: Schema;
  /** Served from a CustomResourceDefinition: no strategic merge patch, unknown fields are pruned. */
  readonly custom: boolean;
  /** A deleted one stays until somebody has ended what it stands for, and deletes it without grace. */
  readonly graceful?: boolean;
}

function builtIn(group: string, kind: string, plural: string, options: Partial<Resource> = {}): Resource {
  const singular = kind.toLowerCase();
  return { group, versions: ['v1'], kind, plural, singular, shortNames: [], namespaced: true, subresources: [], custom: false, ...options };
}

const CLUSTER = { namespaced: false };
const RBAC = 'rbac.authorization.k8s.io';
const quantities = { type: 'object', additionalProperties: { 'x-kubernetes-int-or-string': true } };
const dataSource = record({ apiGroup: text, kind: text, name: text, namespace: text }, 'kind', 'name');

const configMap = record({ data: words, binaryData: words, immutable: flag });
const claim = record({
  spec: record({
    accessModes: list(text),
    dataSource,
    dataSourceRef: dataSource,
    resources: record({ requests: quantities, limits: quantities }),
    selector: record({ matchLabels: words, matchExpressions: list({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }) }),
    storageClassName: text,
    volumeAttributesClassName: text,
    volumeMode: text,
    volumeName: text,
  }),
  status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
});

export const RESOURCES: readonly Resource[] = [
  builtIn('', 'Namespace', 'namespaces', { ...CLUSTER, shortNames: ['ns'], subresources: ['status'] }),
  builtIn('', 'Node', 'nodes', { ...CLUSTER, shortNames: ['no'], subresources: ['status'] }),
  builtIn('', 'PersistentVolume', 'persistentvolumes', { ...CLUSTER, shortNames: ['pv'], subresources: ['status'] }),
  builtIn('', 'ConfigMap', 'configmaps', { shortNames: ['cm'], schema: configMap }),
  builtIn('', 'Event', 'events', { shortNames: ['ev'] }),
  builtIn('', 'PersistentVolumeClaim', 'persistentvolumeclaims', { shortNames: ['pvc'], subresources: ['status'], schema: claim }),
  builtIn('', 'Pod', 'pods', { shortNames: ['po'], subresources: ['status', 'exec', 'log'], graceful: true }),
  builtIn('', 'Secret', 'secrets'),
  builtIn('', 'Service', 'services', { shortNames: ['svc'], subresources: ['status'] }),
  builtIn('', 'ServiceAccount', 'serviceaccounts', { shortNames: ['sa'] }),
  builtIn('apps', 'DaemonSet', 'daemonsets', { shortNames: ['ds'], subresources: ['status'] }),
  builtIn('apps', 'Deployment', 'deployments', { shortNames: ['deploy'], subresources: ['status', 'scale'] }),
  builtIn('apps', 'StatefulSet', 'statefulsets', { shortNames: ['sts'], subresources: ['status', 'scale'] }),
  builtIn('authorization.k8s.io', 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', CLUSTER),
  builtIn('batch', 'CronJob', 'cronjobs', { shortNames: ['cj'], subresources: ['status'] }),
  builtIn('batch', 'Job', 'jobs', { subresources: ['status'] }),
  builtIn('coordination.k8s.io', 'Lease', 'leases'),
  builtIn('networking.k8s.io', 'NetworkPolicy', 'networkpolicies', { shortNames: ['netpol'] }),
  builtIn(RBAC, 'ClusterRole', 'clusterroles', CLUSTER),
  builtIn(RBAC, 'ClusterRoleBinding', 'clusterrolebindings', CLUSTER),
  builtIn(RBAC, 'Role', 'roles'),
  builtIn(RBAC, 'RoleBinding', 'rolebindings'),
  builtIn('storage.k8s.io', 'StorageClass', 'storageclasses', { ...CLUSTER, shortNames: ['sc'] }),
];

/** What a CustomResourceDefinition adds to the API. */
export function customResource({ spec }: ApiObject): Resource {
  const served = spec.versions.filter((version: { served: boolean }) => version.served);
  const stored = spec.versions.find((version: { storage: boolean }) => version.storage);
  const { kind, plural, singular = kind.toLowerCase(), shortNames = [] } = spec.names;
  return {
    group: spec.group,
    versions: served.map((version: { name: string }) => version.name),
    ...{ kind, plural, singular, shortNames, namespaced: spec.scope === 'Namespaced' },
    subresources: Object.keys(stored.subresources ?? {}),
    schema: stored.schema.openAPIV3Schema,
    custom: true,
  };
}
