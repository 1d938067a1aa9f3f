// What objects of Kubernetes refer to by name: read from the manifests as they are written, so that it is true of constructs of anybody.

/** A manifest, in which anything may be missing. */
export interface Manifest {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** One place in which an object refers to another. */
export interface Reference {
  readonly kind: string;
  readonly name: string;
  /** Undefined for a kind without namespaces, and for a manifest that names none. */
  readonly namespace?: string;
  /** The key of a Secret or ConfigMap; undefined for all its keys. */
  readonly key?: string;
  /** What the key, or every key, becomes in the pod: a variable, or a file. */
  readonly as?: 'variable' | 'file';
  /** The name of that variable or file. */
  readonly called?: string;
  /** The Secret holds credentials of a registry. */
  readonly pullsImages?: boolean;
  /** Pods mount the claim. */
  readonly isMounted?: boolean;
  /** Pods start without it. */
  readonly isOptional: boolean;
  /** The object that refers to it: `CronJob orders-backup`. */
  readonly by: string;
}

/** The kinds without namespaces, among those that are referred to. */
const CLUSTER_WIDE = new Set([
  'ClusterRole',
  'CustomResourceDefinition',
  'IngressClass',
  'Namespace',
  'PersistentVolume',
  'PriorityClass',
  'RuntimeClass',
  'StorageClass',
  'VolumeGroupSnapshotClass',
  'VolumeGroupSnapshotContent',
  'VolumeSnapshotClass',
  'VolumeSnapshotContent',
]);

export const isClusterWide = (kind: string) => CLUSTER_WIDE.has(kind);

/** The groups of Kubernetes' own API, which no CustomResourceDefinition brings. (Kubernetes documentation, "API Overview".) */
const OWN_GROUPS = new Set([
  ...['', 'apps', 'autoscaling', 'batch', 'extensions', 'policy'],
  ...['admissionregistration', 'apiextensions', 'apiregistration', 'authentication', 'authorization', 'certificates'].map(ofKubernetes),
  ...['coordination', 'discovery', 'events', 'flowcontrol.apiserver', 'internal.apiserver', 'networking', 'node'].map(ofKubernetes),
  ...['rbac.authorization', 'resource', 'scheduling', 'storage', 'storagemigration'].map(ofKubernetes),
  // Asked for its numbers, and served without a CustomResourceDefinition (kubernetes-sigs/metrics-server).
  'metrics.k8s.io',
]);

function ofKubernetes(group: string): string {
  return `${group}.k8s.io`;
}

/** What is in every cluster. */
const EVERYWHERE = new Set([
  ...['Namespace default', 'Namespace kube-system', 'Namespace kube-public', 'Namespace kube-node-lease'],
  ...['ServiceAccount default', 'ConfigMap kube-root-ca.crt'],
  ...['PriorityClass system-cluster-critical', 'PriorityClass system-node-critical'],
  ...['ClusterRole cluster-admin', 'ClusterRole admin', 'ClusterRole edit', 'ClusterRole view'],
]);

type Fields = { readonly [field: string]: unknown };
type Found = Omit<Reference, 'by' | 'namespace' | 'isOptional'> & { readonly namespace?: string; readonly isOptional?: boolean };

/** All references of an object, except to what is in every cluster. */
export function referencesOf(manifest: Manifest): Reference[] {
  const { kind: own = '', metadata } = manifest;
  const by = `${own} ${metadata?.name}`;
  const found = [...ofAnyObject(manifest), ...podsOf(manifest).flatMap(ofPod), ...(OF_KIND[own]?.(manifest) ?? [])];
  return found
    .filter(reference => reference.name && !reference.name.includes('${') && !EVERYWHERE.has(`${reference.kind} ${reference.name}`))
    .map(({ kind, name, namespace = metadata?.namespace, key, as, called, pullsImages, isMounted, isOptional = false }) => ({
      kind,
      name,
      namespace: isClusterWide(kind) ? undefined : namespace,
      key,
      as,
      called,
      pullsImages,
      ...(isMounted && { isMounted }),
      isOptional,
      by,
    }));
}

function ofAnyObject({ apiVersion = '', kind = '', metadata }: Manifest): Found[] {
  const group = groupOf(apiVersion);
  return [
    ...(metadata?.namespace === undefined ? [] : [{ kind: 'Namespace', name: metadata.namespace }]),
    ...(isOwnGroup(group) ? [] : [{ kind: 'CustomResourceDefinition', name: definitionOf(kind, group) }]),
  ];
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

const isOwnGroup = (group: string) => OWN_GROUPS.has(group);

/** A kind's plural as kubectl guesses it, which is right for all regular ones. (k8s.io/apimachinery, meta.UnsafeGuessKindToResource.) */
export function definitionOf(kind: string, group: string): string {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith('s') ? `${singular}es` : singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  return `${plural}.${group}`;
}

/** Everything that has containers: for Kubernetes' own kinds in the known places, for other kinds anywhere. */
function podsOf({ apiVersion = '', kind = '', spec }: Manifest): Fields[] {
  if (!isOwnGroup(groupOf(apiVersion))) return podsIn(spec);
  const { template, jobTemplate } = map(spec);
  const pod = kind === 'Pod' ? spec : map(template ?? map(map(jobTemplate).spec).template).spec;
  return pod === undefined ? [] : [map(pod)];
}

function podsIn(value: unknown): Fields[] {
  if (typeof value !== 'object' || value === null) return [];
  const fields = value as Fields;
  return [...(Array.isArray(fields.containers) ? [fields] : []), ...Object.values(fields).flatMap(podsIn)];
}

function ofPod(pod: Fields): Found[] {
  const containers = [pod.initContainers, pod.containers, pod.ephemeralContainers].flatMap(list);
  // What somebody may ask of a job is made on the day, and not before (`requestOf`).
  const requests = containers.flatMap(({ env }) => list(env).filter(({ name }) => name === 'REQUEST_NAME')).map(({ value }) => value);
  return [
    ...containers.flatMap(ofContainer),
    ...list(pod.volumes).flatMap(ofVolume),
    ...list(pod.imagePullSecrets).map(({ name }) => ({ kind: 'Secret', name: text(name), pullsImages: true })),
    { kind: 'ServiceAccount', name: text(pod.serviceAccountName) },
    { kind: 'PriorityClass', name: text(pod.priorityClassName) },
    { kind: 'RuntimeClass', name: text(pod.runtimeClassName) },
  ].filter(({ kind, name }) => kind !== 'ConfigMap' || !requests.includes(name));
}

function ofContainer({ env, envFrom }: Fields): Found[] {
  const single = list(env).flatMap(({ name, valueFrom }): Found[] => {
    if (valueFrom === undefined) return [];
    const { secretKeyRef, configMapKeyRef } = map(valueFrom);
    const [kind, of] = secretKeyRef ? ['Secret', map(secretKeyRef)] : ['ConfigMap', map(configMapKeyRef)];
    return [{ kind, name: text(of.name), key: text(of.key), as: 'variable', called: text(name), isOptional: of.optional === true }];
  });
  const whole = list(envFrom).flatMap(({ secretRef, configMapRef }): Found[] => {
    const [kind, of] = secretRef ? ['Secret', map(secretRef)] : ['ConfigMap', map(configMapRef)];
    return [{ kind, name: text(of.name), as: 'variable', isOptional: of.optional === true }];
  });
  return [...single, ...whole];
}

function ofVolume({ secret, configMap, projected, persistentVolumeClaim, ephemeral, csi }: Fields): Found[] {
  if (configMap !== undefined) return ofFiles('ConfigMap', map(configMap), 'name');
  if (secret !== undefined) return ofFiles('Secret', map(secret), 'secretName');
  if (persistentVolumeClaim !== undefined) {
    return [{ kind: 'PersistentVolumeClaim', name: text(map(persistentVolumeClaim).claimName), isMounted: true }];
  }
  if (ephemeral !== undefined) return ofClaim(map(map(ephemeral).volumeClaimTemplate));
  if (csi !== undefined) return [{ kind: 'Secret', name: text(map(map(csi).nodePublishSecretRef).name) }];
  return list(map(projected).sources).flatMap(source => [
    ...ofFiles('Secret', map(source.secret), 'name'),
    ...ofFiles('ConfigMap', map(source.configMap), 'name'),
  ]);
}

function ofFiles(kind: string, source: Fields, called: string): Found[] {
  const of = { kind, name: text(source[called]), as: 'file' as const, isOptional: source.optional === true };
  const items = list(source.items);
  return items.length === 0 ? [of] : items.map(({ key, path }) => ({ ...of, key: text(key), called: text(path) }));
}

function ofClaim({ spec }: Fields): Found[] {
  const { storageClassName, volumeName, dataSource, dataSourceRef } = map(spec);
  return [
    { kind: 'StorageClass', name: text(storageClassName) },
    { kind: 'PersistentVolume', name: text(volumeName) },
    ...[map(dataSource), map(dataSourceRef)].map(({ kind, name, namespace }) => ({
      kind: text(kind),
      name: text(name),
      namespace: typeof namespace === 'string' ? namespace : undefined,
    })),
  ];
}

/** Kinds that refer to something other than by their pods. */
const OF_KIND: { readonly [kind: string]: (manifest: Manifest) => Found[] } = {
  PersistentVolumeClaim: ofClaim,
  StatefulSet: ({ spec }) => list(map(spec).volumeClaimTemplates).flatMap(ofClaim),
  VolumeSnapshot: ({ spec }) => {
    const { volumeSnapshotClassName, source } = map(spec);
    const { persistentVolumeClaimName, volumeSnapshotContentName } = map(source);
    return [
      { kind: 'VolumeSnapshotClass', name: text(volumeSnapshotClassName) },
      { kind: 'PersistentVolumeClaim', name: text(persistentVolumeClaimName) },
      { kind: 'VolumeSnapshotContent', name: text(volumeSnapshotContentName) },
    ];
  },
  VolumeSnapshotContent: ({ spec }) => [{ kind: 'VolumeSnapshotClass', name: text(map(spec).volumeSnapshotClassName) }],
  VolumeGroupSnapshot: ({ spec }) => [{ kind: 'VolumeGroupSnapshotClass', name: text(map(spec).volumeGroupSnapshotClassName) }],
  VolumeSnapshotClass: ofParameters,
  VolumeGroupSnapshotClass: ofParameters,
  StorageClass: ofParameters,
  Ingress: ({ spec }) => list(map(spec).tls).map(({ secretName }) => ({ kind: 'Secret', name: text(secretName), as: 'file' as const })),
  ServiceAccount: ({ imagePullSecrets }) =>
    list(imagePullSecrets).map(({ name }) => ({ kind: 'Secret', name: text(name), pullsImages: true })),
  Role: ofRules,
  ClusterRole: ofRules,
  RoleBinding: ofBinding,
  ClusterRoleBinding: ofBinding,
  BackupStorageLocation: ofLocation,
  VolumeSnapshotLocation: ofLocation,
  Backup: ({ apiVersion, spec }) => ofVeleroBackup(apiVersion, map(spec)),
  Schedule: ({ apiVersion, spec }) => ofVeleroBackup(apiVersion, map(map(spec).template)),
};

/** The Secrets of a CSI driver. (Kubernetes CSI documentation, "Secrets & Credentials".) */
function ofParameters({ parameters }: Manifest): Found[] {
  return Object.entries(map(parameters)).flatMap(([parameter, name]) => {
    const [, which] = /^csi\.storage\.k8s\.io\/(.*)-secret-name$/.exec(parameter) ?? [];
    if (which === undefined) return [];
    return [{ kind: 'Secret', name: text(name), namespace: text(map(parameters)[`csi.storage.k8s.io/${which}-secret-namespace`]) }];
  });
}

/** The API server has to serve what a pod may ask it for. */
function ofRules({ rules }: Manifest): Found[] {
  return list(rules).flatMap(({ apiGroups, resources }) =>
    texts(apiGroups)
      .filter(group => group !== '*' && !isOwnGroup(group))
      .flatMap(group =>
        texts(resources)
          .filter(resource => resource !== '*')
          .map(resource => ({ kind: 'CustomResourceDefinition', name: `${resource.split('/')[0]}.${group}` })),
      ),
  );
}

function ofBinding({ roleRef, subjects }: Manifest): Found[] {
  const { kind, name } = map(roleRef);
  const accounts = list(subjects).filter(subject => subject.kind === 'ServiceAccount');
  return [
    { kind: text(kind), name: text(name) },
    ...accounts.map(({ name: account, namespace }) => ({
      kind: 'ServiceAccount',
      name: text(account),
      namespace: typeof namespace === 'string' ? namespace : undefined,
    })),
  ];
}

function ofLocation({ spec }: Manifest): Found[] {
  const { name, key } = map(map(spec).credential);
  return [{ kind: 'Secret', name: text(name), key: text(key), as: 'file' }];
}

function ofVeleroBackup(apiVersion: string | undefined, spec: Fields): Found[] {
  if (groupOf(apiVersion ?? '') !== 'velero.io') return [];
  return [
    { kind: 'BackupStorageLocation', name: text(spec.storageLocation) },
    ...texts(spec.volumeSnapshotLocations).map(name => ({ kind: 'VolumeSnapshotLocation', name })),
    { kind: 'ConfigMap', name: text(map(spec.resourcePolicy).name) },
  ];
}

function map(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(map) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(each => typeof each === 'string') : [];
}

/** A missing value names nothing, and is left out. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
