import { NotUnderstood } from './errors';

/**
 * The part of the Kubernetes API the rehearsal acts on, and the list of what it may pass over.
 *
 * The API server rejects unknown fields, and a kubelet acts on known ones; a rehearsal that skipped a field would report success for a pod
 * that behaves differently in a cluster. So every object is checked against its table before anything runs: `used` fields are acted on here,
 * fields with a sentence are accepted for that reason, everything else is an error.
 */

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  /** Of an object that the API has. */
  readonly uid?: string;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly [field: string]: unknown;
}

export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface FieldRef {
  readonly fieldPath: string;
}

export interface ResourceFieldRef {
  readonly resource: string;
  readonly containerName?: string;
  readonly divisor?: string | number;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: KeyRef;
    readonly configMapKeyRef?: KeyRef;
    readonly fieldRef?: FieldRef;
    readonly resourceFieldRef?: ResourceFieldRef;
  };
}

export interface EnvFrom {
  readonly prefix?: string;
  readonly secretRef?: { readonly name: string; readonly optional?: boolean };
  readonly configMapRef?: { readonly name: string; readonly optional?: boolean };
}

export interface Resources {
  readonly limits?: Record<string, string | number>;
  readonly requests?: Record<string, string | number>;
}

export interface SecurityContext {
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly runAsNonRoot?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly capabilities?: { readonly add?: string[]; readonly drop?: string[] };
  /** Of pods only. */
  readonly fsGroup?: number;
  readonly fsGroupChangePolicy?: 'Always' | 'OnRootMismatch';
  readonly supplementalGroups?: number[];
  readonly supplementalGroupsPolicy?: 'Merge' | 'Strict';
}

export interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly subPath?: string;
  readonly subPathExpr?: string;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: string[];
  readonly args?: string[];
  readonly workingDir?: string;
  readonly env?: EnvVar[];
  readonly envFrom?: EnvFrom[];
  readonly volumeMounts?: VolumeMount[];
  readonly securityContext?: SecurityContext;
  readonly resources?: Resources;
  readonly terminationMessagePath?: string;
  readonly terminationMessagePolicy?: 'File' | 'FallbackToLogsOnError';
  /** Of init containers only: a sidecar. */
  readonly restartPolicy?: 'Always';
}

export interface KeyToPath {
  readonly key: string;
  readonly path: string;
  readonly mode?: number;
}

export interface DownwardItem {
  readonly path: string;
  readonly mode?: number;
  readonly fieldRef?: FieldRef;
  readonly resourceFieldRef?: ResourceFieldRef;
}

/** A source of small files: on its own in a volume, or one of several in a projected volume. */
export interface FileSource {
  readonly name?: string;
  readonly secretName?: string;
  readonly items?: KeyToPath[];
  readonly optional?: boolean;
  readonly defaultMode?: number;
}

export interface ProjectedSource {
  readonly configMap?: FileSource;
  readonly secret?: FileSource;
  readonly downwardAPI?: { readonly items?: DownwardItem[] };
}

export interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string | number };
  readonly configMap?: FileSource;
  readonly secret?: FileSource;
  readonly downwardAPI?: { readonly items?: DownwardItem[]; readonly defaultMode?: number };
  readonly projected?: { readonly sources: ProjectedSource[]; readonly defaultMode?: number };
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
  readonly ephemeral?: { readonly volumeClaimTemplate: { readonly spec: { readonly resources?: Resources } } };
  readonly hostPath?: { readonly path: string; readonly type?: string };
}

export interface PodSpec {
  readonly containers: Container[];
  readonly initContainers?: Container[];
  readonly restartPolicy?: 'Never' | 'OnFailure' | 'Always';
  readonly volumes?: Volume[];
  readonly securityContext?: SecurityContext;
  readonly terminationGracePeriodSeconds?: number;
  readonly activeDeadlineSeconds?: number;
  readonly hostNetwork?: boolean;
  readonly dnsPolicy?: string;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly serviceAccountName?: string;
}

export interface PodTemplate {
  readonly metadata?: Partial<Metadata>;
  readonly spec: PodSpec;
}

export interface PodFailureRule {
  readonly action: 'FailJob' | 'Ignore' | 'Count';
  readonly onExitCodes?: { readonly containerName?: string; readonly operator: 'In' | 'NotIn'; readonly values: number[] };
  readonly onPodConditions?: { readonly type: string; readonly status?: string }[];
}

export interface JobSpec {
  readonly template: PodTemplate;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly podFailurePolicy?: { readonly rules: PodFailureRule[] };
  readonly suspend?: boolean;
}

type Check = (value: unknown) => string | undefined;
/** `used`, or why it may be passed over, or a check of the value that returns what is wrong with it, or the table of the object within. */
type Fields = { readonly [field: string]: 'used' | string | Check | Fields | [Fields] };

const only =
  (...allowed: unknown[]): Check =>
  value =>
    allowed.includes(value) ? undefined : `can only be ${allowed.map(entry => JSON.stringify(entry)).join(' or ')} in a rehearsal`;

const SCHEDULING = 'scheduling: there is one node and no other pod on it';
const AFTERWARDS = 'what happens to the object after it has finished';

const KEY_REF: Fields = { name: 'used', key: 'used', optional: 'used' };
const FIELD_REF: Fields = { fieldPath: 'used', apiVersion: only('v1') };
const RESOURCE_FIELD_REF: Fields = { resource: 'used', containerName: 'used', divisor: 'used' };
const NAMED: Fields = { name: 'used', optional: 'used' };
const QUANTITIES: Fields = {
  cpu: 'used',
  memory: 'used',
  'ephemeral-storage': 'eviction for using too much of the node disk is not rehearsed',
};
const RESOURCES: Fields = { limits: QUANTITIES, requests: QUANTITIES };
const SECCOMP: Fields = { type: only('RuntimeDefault', 'Unconfined') }; // accepted, not enforced
const APPARMOR: Fields = { type: only('RuntimeDefault', 'Unconfined') }; // accepted, not enforced
const ITEMS: [Fields] = [{ key: 'used', path: 'used', mode: 'used' }];
const DOWNWARD_ITEMS: [Fields] = [{ path: 'used', mode: 'used', fieldRef: FIELD_REF, resourceFieldRef: RESOURCE_FIELD_REF }];

const CONTAINER: Fields = {
  name: 'used',
  image: 'used',
  command: 'used',
  args: 'used',
  workingDir: 'used',
  env: [
    {
      name: 'used',
      value: 'used',
      valueFrom: { secretKeyRef: KEY_REF, configMapKeyRef: KEY_REF, fieldRef: FIELD_REF, resourceFieldRef: RESOURCE_FIELD_REF },
    },
  ],
  envFrom: [{ prefix: 'used', secretRef: NAMED, configMapRef: NAMED }],
  volumeMounts: [
    { name: 'used', mountPath: 'used', readOnly: 'used', subPath: 'used', subPathExpr: 'used', mountPropagation: only('None') },
  ],
  resources: RESOURCES,
  terminationMessagePath: 'used',
  terminationMessagePolicy: only('File', 'FallbackToLogsOnError'),
  imagePullPolicy: 'images are declared, never pulled',
  ports: 'informational: a port not listed is as reachable as one listed',
  readinessProbe: 'who is ready only matters to Services and to people: the probe is not asked',
  livenessProbe: 'a container that hangs is not ended: the probe is not asked',
  stdin: only(false),
  stdinOnce: only(false),
  tty: only(false),
  securityContext: {
    runAsUser: 'used',
    runAsGroup: 'used',
    runAsNonRoot: 'used',
    readOnlyRootFilesystem: 'used',
    capabilities: { add: 'used', drop: 'used' },
    allowPrivilegeEscalation: 'no_new_privs is always set: stricter than a kubelet when this is true',
    privileged: only(false),
    procMount: only('Default'),
    seccompProfile: SECCOMP,
    appArmorProfile: APPARMOR,
  },
};

const VOLUME: Fields = {
  name: 'used',
  emptyDir: { medium: only('', 'Memory'), sizeLimit: 'used' },
  configMap: { name: 'used', items: ITEMS, optional: 'used', defaultMode: 'used' },
  secret: { secretName: 'used', items: ITEMS, optional: 'used', defaultMode: 'used' },
  downwardAPI: { items: DOWNWARD_ITEMS, defaultMode: 'used' },
  projected: {
    sources: [
      {
        configMap: { name: 'used', items: ITEMS, optional: 'used' },
        secret: { name: 'used', items: ITEMS, optional: 'used' },
        downwardAPI: { items: DOWNWARD_ITEMS },
      },
    ],
    defaultMode: 'used',
  },
  persistentVolumeClaim: { claimName: 'used', readOnly: 'used' },
  ephemeral: {
    volumeClaimTemplate: {
      metadata: 'labels of the claim',
      spec: {
        resources: { requests: { storage: 'used' }, limits: { storage: 'the request is what is provisioned' } },
        accessModes: SCHEDULING,
        storageClassName: 'every class is a directory, or a tmpfs of the requested size',
        volumeMode: only('Filesystem'),
      },
    },
  },
  hostPath: { path: 'used', type: 'used' },
};

const POD: Fields = {
  containers: [CONTAINER],
  initContainers: [{ ...CONTAINER, restartPolicy: only('Always') }],
  restartPolicy: only('Never', 'OnFailure', 'Always'),
  volumes: [VOLUME],
  securityContext: {
    runAsUser: 'used',
    runAsGroup: 'used',
    runAsNonRoot: 'used',
    fsGroup: 'used',
    fsGroupChangePolicy: only('Always', 'OnRootMismatch'),
    supplementalGroups: 'used',
    supplementalGroupsPolicy: only('Merge', 'Strict'),
    seccompProfile: SECCOMP,
    appArmorProfile: APPARMOR,
  },
  terminationGracePeriodSeconds: 'used',
  activeDeadlineSeconds: 'used',
  enableServiceLinks: 'used',
  automountServiceAccountToken: 'used',
  serviceAccountName: 'used',
  serviceAccount: 'the deprecated double of serviceAccountName',
  shareProcessNamespace: only(false),
  hostNetwork: 'used',
  hostPID: only(false),
  hostIPC: only(false),
  hostUsers: 'user namespaces change no id the container can see',
  dnsPolicy: only('ClusterFirst', 'ClusterFirstWithHostNet'),
  affinity: SCHEDULING,
  nodeSelector: SCHEDULING,
  tolerations: SCHEDULING,
  topologySpreadConstraints: SCHEDULING,
  priorityClassName: SCHEDULING,
  priority: SCHEDULING,
  preemptionPolicy: SCHEDULING,
  schedulerName: SCHEDULING,
  imagePullSecrets: 'images are declared, never pulled',
};

const TEMPLATE: Fields = { metadata: 'used', spec: POD };

const JOB: Fields = {
  template: TEMPLATE,
  backoffLimit: 'used',
  activeDeadlineSeconds: 'used',
  podFailurePolicy: {
    rules: [
      {
        action: only('FailJob', 'Ignore', 'Count'),
        onExitCodes: { containerName: 'used', operator: only('In', 'NotIn'), values: 'used' },
        onPodConditions: [{ type: 'used', status: 'used' }],
      },
    ],
  },
  suspend: 'used',
  selector: "the server's own: it refuses another",
  completions: only(1),
  parallelism: only(1),
  completionMode: only('NonIndexed'),
  podReplacementPolicy: 'a failed pod is always gone before the next one starts',
  ttlSecondsAfterFinished: AFTERWARDS,
};

const CRON_JOB: Fields = {
  jobTemplate: { metadata: 'labels of the job', spec: JOB },
  schedule: 'runs are started by hand, as by kubectl create job --from',
  timeZone: 'see schedule',
  startingDeadlineSeconds: 'see schedule',
  concurrencyPolicy: 'see schedule',
  suspend: 'see schedule',
  successfulJobsHistoryLimit: AFTERWARDS,
  failedJobsHistoryLimit: AFTERWARDS,
};

const DEPLOYMENT: Fields = {
  replicas: only(1),
  strategy: { type: only('Recreate') },
  selector: 'used',
  template: TEMPLATE,
  revisionHistoryLimit: AFTERWARDS,
};

const STATEFUL_SET: Fields = {
  replicas: 'used',
  serviceName: 'names of single pods are declared with Cluster.service, like all names',
  selector: 'used',
  template: TEMPLATE,
  volumeClaimTemplates: 'used',
  podManagementPolicy: 'pods are started by hand, one by one',
  updateStrategy: 'see podManagementPolicy',
  persistentVolumeClaimRetentionPolicy: 'claims stay until the rehearsal ends',
  revisionHistoryLimit: AFTERWARDS,
};

/** The pod template of a Deployment, every field of which is understood. */
export function deploymentTemplateOf(object: KubernetesObject): PodTemplate {
  return lastingTemplateOf(object, DEPLOYMENT);
}

/** A pod of a StatefulSet, every field of which is understood: its template, with claims of its own. */
export function statefulSetTemplateOf(object: KubernetesObject, pod: string): PodTemplate {
  const claims = claimTemplates(object).map(name => ({ name, persistentVolumeClaim: { claimName: `${name}-${pod}` } }));
  return lastingTemplateOf(object, STATEFUL_SET, claims);
}

/** The names of a StatefulSet's claim templates. */
export function claimTemplates(object: KubernetesObject): string[] {
  const { volumeClaimTemplates = [] } = object.spec as { volumeClaimTemplates?: { metadata: { name: string } }[] };
  return volumeClaimTemplates.map(({ metadata: { name } }) => name);
}

function lastingTemplateOf(object: KubernetesObject, fields: Fields, claims: Volume[] = []): PodTemplate {
  const where = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
  if (object.apiVersion !== 'apps/v1') throw new NotUnderstood(`${where}: apiVersion is ${object.apiVersion}, not apps/v1`);
  check(`${where}: spec`, object.spec, fields);
  const { template, selector } = object.spec as { template: PodTemplate; selector: { matchLabels: Record<string, string> } };
  for (const [label, value] of Object.entries(selector.matchLabels)) {
    if (template.metadata?.labels?.[label] !== value)
      throw new NotUnderstood(`${where}: selector ${label}=${value} does not match the template`);
  }
  const { restartPolicy = 'Always' } = template.spec;
  if (restartPolicy !== 'Always')
    throw new NotUnderstood(`${where}: restartPolicy is ${restartPolicy}: a ${object.kind} knows Always only`);
  const always = { ...template, spec: { ...template.spec, restartPolicy, volumes: [...(template.spec.volumes ?? []), ...claims] } };
  const [problem] = podProblems(always.spec);
  if (problem) throw new NotUnderstood(`${where}: ${problem}`);
  return always;
}

/** The job spec of a Job or CronJob, every field of which is understood. */
export function jobSpecOf(object: KubernetesObject): JobSpec {
  const where = `${object.kind} ${object.metadata.namespace}/${object.metadata.name}`;
  const expected = 'batch/v1';
  // A CronJob's own jobs get eleven characters more (Kubernetes docs: "CronJob"); a Job's name becomes a label of its pods.
  const longest = object.kind === 'CronJob' ? 52 : 63;
  if (object.metadata.name.length > longest) throw new NotUnderstood(`${where}: the name is longer than ${longest} characters`);
  if (object.apiVersion !== expected) throw new NotUnderstood(`${where}: apiVersion is ${object.apiVersion}, not ${expected}`);
  check(`${where}: spec`, object.spec, object.kind === 'CronJob' ? CRON_JOB : JOB);
  const spec = object.kind === 'CronJob' ? (object.spec as { jobTemplate: { spec: JobSpec } }).jobTemplate.spec : (object.spec as JobSpec);
  admit(where, spec);
  return spec;
}

/** Refuses every field that the table does not know, by its path. */
function check(where: string, value: unknown, fields: Fields): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NotUnderstood(`${where} is not an object`);
  for (const [name, inner] of Object.entries(value)) {
    if (inner === null || inner === undefined) continue; // the API server drops nulls
    const path = `${where}.${name}`;
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (known === undefined) throw new NotUnderstood(`${path} is not understood by the rehearsal: teach it (pod-spec.ts) or leave it out`);
    if (typeof known === 'string') continue;
    if (typeof known === 'function') {
      const wrong = known(inner);
      if (wrong) throw new NotUnderstood(`${path} is ${JSON.stringify(inner)}: ${wrong}`);
    } else if (Array.isArray(known)) {
      if (!Array.isArray(inner)) throw new NotUnderstood(`${path} is not a list`);
      for (const [index, entry] of inner.entries()) check(`${path}[${index}]`, entry, known[0]);
    } else {
      check(path, inner, known as Fields);
    }
  }
}

/** What the API server would refuse at admission, as far as a generator is likely to get it wrong. */
function admit(where: string, job: JobSpec): void {
  const [problem] = problemsOf(job);
  if (problem) throw new NotUnderstood(`${where}: ${problem}`);
}

function* problemsOf(job: JobSpec): Generator<string> {
  const pod = job.template?.spec;
  if (!pod?.containers?.length) return yield 'spec.template.spec.containers is missing';
  if (pod.restartPolicy !== 'Never' && pod.restartPolicy !== 'OnFailure')
    yield `restartPolicy is ${pod.restartPolicy ?? 'missing'}: a Job must say Never or OnFailure`;
  if (job.podFailurePolicy && pod.restartPolicy !== 'Never') yield 'podFailurePolicy needs restartPolicy Never';
  yield* podProblems(pod);
}

function* podProblems(pod: PodSpec): Generator<string> {
  const containers = [...(pod.initContainers ?? []), ...pod.containers];
  for (const name of twice(containers.map(container => container.name))) yield `two containers are called ${name}`;
  for (const name of twice((pod.volumes ?? []).map(volume => volume.name))) yield `two volumes are called ${name}`;
  for (const volume of pod.volumes ?? []) {
    const sources = Object.keys(volume).filter(field => field !== 'name');
    if (sources.length !== 1) yield `volume ${volume.name} has ${sources.length} sources, not one`;
  }
  for (const container of containers) {
    const mounts = container.volumeMounts ?? [];
    if (!container.image) yield `container ${container.name} has no image`;
    for (const path of twice(mounts.map(mount => mount.mountPath))) yield `${container.name} mounts two volumes at ${path}`;
    for (const mount of mounts) {
      if (!pod.volumes?.some(volume => volume.name === mount.name))
        yield `${container.name} mounts ${mount.name}, which is no volume of the pod`;
      if (!mount.mountPath.startsWith('/')) yield `${container.name}: mountPath ${mount.mountPath} is not absolute`;
      if (/(^|\/)\.\.(\/|$)/.test(mount.subPath ?? '')) yield `${container.name}: subPath ${mount.subPath} leaves the volume`;
    }
    const words: unknown[] = [
      ...(container.command ?? []),
      ...(container.args ?? []),
      ...(container.env ?? []).map(entry => entry.value ?? ''),
    ];
    for (const word of words) if (typeof word !== 'string') yield `${container.name}: ${JSON.stringify(word)} must be a string: quote it`;
  }
}

/** The entries that occur again. */
function twice(names: string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
