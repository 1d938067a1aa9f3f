import { type ApiObject, type ApiObjectMetadata, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { jobDefaultsOf } from '../core/job-defaults';
import { podDefaultsOf } from '../core/pod-defaults';
import { mergedPodOptions, type PodOptions } from '../core/pod-options';
import { checkCpu, checkMemory, quantity } from '../core/quantity';
import type { ScheduleConfig } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import { warn } from '../core/warning';
import { SUSPENDED_ANNOTATIONS } from './deploy-tools';
import { kubernetesObject } from './kubernetes-object';
import { NOT_RESTRICTED_ANNOTATION, STANDARD_LABELS } from './labels';
import type { Request } from './request';
import { bindServiceAccount, skippedContainers } from './service-account';

/** Where the scripts are in every pod, as BACKUP_HOME. */
export const HOME = '/opt/backup';
/** The directory that the repository's container and the server's container share, as RELAY. */
const RELAY = '/relay';
/** The container that has the server. */
const WORKBENCH = 'workbench';
/** Where every container may write, as SCRATCH. */
export const SCRATCH = '/scratch';
/** Where init containers put tools that the main image lacks. */
export const TOOLS = '/tools';

/** @internal */
export interface OperationPod {
  readonly operation: string;
  readonly image: string;
  /** User and group of the containers, unless the cluster assigns them. They are numbers, since `runAsNonRoot` can only check a number. */
  readonly user: number;
  readonly environment: k8s.EnvVar[];
  /** ConfigMaps with scripts, by the folder below BACKUP_HOME in which they appear. */
  readonly scripts: { [folder: string]: string };
  readonly initContainers: ToolContainer[];
  /** Steps before the operation's own scripts, after these have prepared for them. */
  readonly steps: PodStep[];
  /** The node whose network the pod shares. */
  readonly node?: PodNode;
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly scratch: Scratch;
  /** What somebody may ask of the job when starting it. Its variables are among the environment. */
  readonly request?: Request;
  /** Labels of the database's own pods, which this one must not have. */
  readonly notLabels?: { [label: string]: string };
  /** Labels of pods on whose node this one has to be. */
  readonly beside?: { [label: string]: string };
  readonly labels: { [label: string]: string };
  /** The job's own pod options. */
  readonly options?: PodOptions;
  /** The pod options of all jobs of its backup. */
  readonly inherited?: PodOptions;
  /**
   * What runs for as long as the pod lives. If left out, the pod runs one operation to its end.
   */
  readonly lasting?: PodLasting;
  /** The service account whose token the pod has, for jobs that ask the Kubernetes API. If left out, it has none. */
  readonly serviceAccount?: string;
  /** Labels by which the store's cloud knows the pods that it gives an identity. Left out, they bring keys. */
  readonly identityLabels?: { [label: string]: string };
  readonly defaults: { readonly memoryRequest: Size; readonly memoryLimit: Size };
  /**
   * A second container, in which the engine's script runs without the repository's secrets and mounts of the first one.
   * `shell/workbench.sh` describes the two. If left out, the first container does everything.
   */
  readonly workbench?: PodWorkbench;
}

/** @internal */
export interface PodWorkbench {
  /** Its variables: none of the repository's, and none that lead to the production server. */
  readonly environment: k8s.EnvVar[];
  readonly volumeMounts: k8s.VolumeMount[];
  /** Where it may write. The first container has a scratch volume of its own. */
  readonly scratch: Scratch;
}

/** @internal */
export interface PodLasting {
  /** The script that runs. */
  readonly script: string;
  /** The folder of it, and of those that are named here, below BACKUP_HOME. @default 'shell' */
  readonly folder?: string;
  /** The script that says whether it is ready. */
  readonly health?: string;
  /** The script that says whether it lives. */
  readonly alive?: string;
  /** What it serves by HTTP: it is ready as soon as that answers. */
  readonly serves?: {
    readonly port: number;
    readonly path: string;
    /** The script that says whether it lives. */
    readonly alive: string;
  };
}

/** @internal */
export interface PodStep {
  readonly name: string;
  readonly image: string;
  readonly command: string[];
  readonly environment: k8s.EnvVar[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly runsBeside: boolean;
}

/** @internal */
export interface PodNode {
  readonly because: string;
  readonly nodeSelector: { [label: string]: string };
  readonly tolerations: k8s.Toleration[];
}

/** Fields of a container that cdk8s-plus-27 does not know: they came with Kubernetes 1.28. */
interface InitContainer extends k8s.Container {
  readonly restartPolicy?: 'Always';
}

/** A container that puts a tool into a job's pod, from the image that ships it. */
export interface ToolContainer {
  /** The container's name. */
  readonly name: string;
  /** The image that ships the tool. */
  readonly image: string;
  /** What to run; it copies to /tools. */
  readonly command: string[];
}

const RUN = `${HOME}/shell/run.sh`;
/** The step that comes before all others, by the engine's own scripts. */
const PREPARE = 'prepare';

/** What the scheduler sets aside where nobody says. */
const CPU_REQUEST = '100m';
const DISK_REQUEST = Size.gibibytes(1);

/** In mebibytes, the memory limit of a job's container that needs no larger one. */
const MEMORY_LIMIT = 512;

/** (Kubernetes documentation, "Images", "Image pull policy".) */
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

/**
 * What the kubelet keeps, in bytes: of one container's termination message; and of those of a whole pod, divided evenly among its
 * containers. (Kubernetes documentation, "Determine the Reason for Pod Failure".)
 */
const TERMINATION_MESSAGE = 4096;
const TERMINATION_MESSAGES = 12 * 1024;

/** The port of what a pod serves. */
export const SERVED = 'metrics';

/** Long enough for restic to release its lock and for a client to end its session. */
const GRACE_SECONDS = 60;

const CONTAINER_SECURITY: k8s.SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/**
 * The one place where pods are built. It writes the Kubernetes API itself, for two reasons. The cdk8s-plus Pod lacks what backups need
 * (termination messages, ephemeral volumes, no service links). Its defaults for batch work (a starting deadline of ten seconds, one CPU)
 * lose runs.
 *
 * Every pod passes the Pod Security Standard "restricted", except those that share their node's network: an annotation says why.
 *
 * @internal
 */
export function operationPod(scope: Construct, described: OperationPod): k8s.PodTemplateSpec {
  const pod = { ...described, options: effectiveOptions(scope, described) };
  const { options, node, workbench } = pod;
  checkPodOptions(scope, pod);
  const folders = Object.entries(pod.scripts);
  const pullPolicy = options.imagePullPolicy ? { imagePullPolicy: options.imagePullPolicy } : {};
  const tools = pod.initContainers.length > 0;
  const annotations: { [annotation: string]: string } = {
    ...options.annotations,
    ...(node && { [NOT_RESTRICTED_ANNOTATION]: node.because }),
  };
  const nodeSelector = { ...node?.nodeSelector, ...options.nodeSelector };
  const tolerations = [...(node?.tolerations ?? []), ...(options.tolerations ?? [])];
  // What serves the scratch server needs what was asked for; what reads the repository needs no more than a backup.
  const memoryLimit = options.memoryLimit ?? pod.defaults.memoryLimit;
  const memoryRequest = workbench
    ? lesserMemory(scope, Size.mebibytes(128), memoryLimit)
    : (options.memoryRequest ?? pod.defaults.memoryRequest);
  const containers = pod.initContainers.length + (pod.steps.length > 0 ? 1 : 0) + pod.steps.length + (workbench ? 2 : 1);
  const verdictBytes = Math.floor(TERMINATION_MESSAGES / containers);
  const scripted = (name: string, ...command: string[]): k8s.Container => ({
    name,
    image: pod.image,
    ...pullPolicy,
    command: ['sh', ...command],
    env: [
      { name: 'BACKUP_HOME', value: HOME },
      { name: 'SCRATCH', value: SCRATCH },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...(pod.scratch._outlivesPod ? [{ name: 'SCRATCH_OUTLIVES', value: 'yes' }] : []),
      ...pod.environment,
      ...(workbench ? [{ name: 'RELAY', value: RELAY }] : []),
      ...(verdictBytes < TERMINATION_MESSAGE ? [{ name: 'VERDICT_BYTES', value: String(verdictBytes) }] : []),
    ],
    ...environmentFrom(pod.request),
    securityContext: CONTAINER_SECURITY,
    resources: resources(options.cpuRequest ?? CPU_REQUEST, memoryRequest, memoryLimit, options.cpuLimit, diskOf(options, pod.scratch)),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'scratch', mountPath: SCRATCH },
      ...folders.map(([folder]) => ({ name: `scripts-${folder}`, mountPath: `${HOME}/${folder}`, readOnly: true })),
      ...(tools ? [{ name: 'tools', mountPath: TOOLS, readOnly: true }] : []),
      ...(pod.request?.volumeMounts ?? []),
      ...pod.volumeMounts,
      ...(workbench ? [{ name: 'relay', mountPath: RELAY }] : []),
    ],
  });
  const main: k8s.Container = pod.lasting
    ? {
        ...scripted(pod.operation, `${HOME}/${pod.lasting.folder ?? 'shell'}/${pod.lasting.script}`),
        ...probesOf(pod.lasting),
      }
    : scripted(pod.operation, RUN, pod.operation);
  const beside: k8s.Container[] = workbench ? [workbenchContainer(scripted(WORKBENCH, RUN, pod.operation, WORKBENCH), pod, workbench)] : [];
  const initContainers: InitContainer[] = [
    ...pod.initContainers.map(container => ({
      ...container,
      ...pullPolicy,
      securityContext: CONTAINER_SECURITY,
      resources: resources('10m', Size.mebibytes(32), Size.mebibytes(128), options.cpuLimit),
      volumeMounts: [{ name: 'tools', mountPath: TOOLS }],
    })),
    ...(pod.steps.length > 0 ? [scripted(PREPARE, RUN, pod.operation, PREPARE)] : []),
    ...pod.steps.map(step => stepContainer(step, pod)),
  ];
  const identity = identityOf(scope, pod);
  if (identity) {
    // Whoever has the repository: the pod's own container, and what prepares for it.
    const others = [...initContainers.filter(({ name }) => name !== PREPARE), ...beside].map(({ name }) => name);
    Object.assign(annotations, skippedContainers(others, options.annotations));
  }
  const serviceAccount = pod.serviceAccount ?? identity;
  return {
    metadata: {
      labels: { ...options.labels, ...pod.identityLabels, ...pod.labels },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: {
      ...(!pod.lasting && { restartPolicy: 'Never' }),
      // What breaks into a pod that has no business with the Kubernetes API finds no key to it.
      automountServiceAccountToken: pod.serviceAccount !== undefined,
      ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
      // Clients would read them as their settings.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      securityContext: {
        ...(pod.user > 0 && { runAsNonRoot: true }),
        ...(!options.assignedUser && { runAsUser: pod.user, runAsGroup: pod.user, fsGroup: pod.user }),
        // A repository of many files need not be walked and changed before every run.
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      // In the node's network, names of Services are asked for at the cluster's resolver only on request.
      ...(node && { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }),
      ...(tolerations.length > 0 && { tolerations }),
      ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
      ...((pod.beside || options.nodeAffinity) && {
        affinity: {
          ...(options.nodeAffinity && { nodeAffinity: options.nodeAffinity }),
          ...(pod.beside && {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { labelSelector: { matchLabels: pod.beside }, topologyKey: 'kubernetes.io/hostname' },
              ],
            },
          }),
        },
      }),
      ...(options.topologySpreadConstraints && { topologySpreadConstraints: options.topologySpreadConstraints }),
      ...(options.runtimeClassName && { runtimeClassName: options.runtimeClassName }),
      ...(options.priorityClassName && { priorityClassName: options.priorityClassName }),
      ...(options.imagePullSecrets && { imagePullSecrets: options.imagePullSecrets.map(name => ({ name })) }),
      ...(initContainers.length > 0 && { initContainers }),
      containers: [main, ...beside],
      volumes: [
        pod.scratch._toVolume('scratch'),
        ...(workbench
          ? [workbench.scratch._toVolume(WORKBENCH), { name: 'relay', emptyDir: { sizeLimit: k8s.Quantity.fromString('128Mi') } }]
          : []),
        // Where the scripts were pruned, the run fails at once and the next one has its own; a pod that waits for them for hours would
        // keep every run after it from starting.
        ...folders.map(([folder, configMap]) => ({
          name: `scripts-${folder}`,
          configMap: { name: configMap, defaultMode: 0o555, optional: true },
        })),
        ...(tools ? [{ name: 'tools', emptyDir: { sizeLimit: k8s.Quantity.fromString('256Mi') } }] : []),
        ...(pod.request?.volumes ?? []),
        ...pod.volumes,
      ],
    },
  };
}

/** The service account by which a store knows the pod: none of one that has no business with a repository, or an account of its own. */
function identityOf(scope: Construct, { options, scripts, serviceAccount, identityLabels }: EffectivePod): string | undefined {
  if (serviceAccount !== undefined || !('repository' in scripts)) return undefined;
  if (options.serviceAccount) return bindServiceAccount(scope, options.serviceAccount);
  if (!identityLabels) return undefined;
  const because =
    "the repository's location has no credentials, so these pods need an identity that the store accepts: write PodServiceAccount.annotated('backup', { ... }), or give the location its credentials";
  throw new InputError(scope, { prop: 'pods.serviceAccount', got: undefined, because });
}

/** No request may exceed its limit. */
const lesserMemory = (scope: Construct, request: Size, limit: Size) =>
  checkMemory(scope, 'pods.memoryLimit', limit) < checkMemory(scope, 'pods.memoryRequest', request) ? limit : request;

/** A pod with the merged options of the tree, of its backup and of its own. */
type EffectivePod = OperationPod & { readonly options: PodOptions };

function effectiveOptions(scope: Construct, { options = {}, inherited, defaults, node }: OperationPod): PodOptions {
  const { assignedUser, memoryLimit, nodeSelector, nodeAffinity, topologySpreadConstraints, runtimeClassName, ...far } = mergedPodOptions(
    podDefaultsOf(scope),
    inherited,
  );
  const mebibytes = (size: Size) => checkMemory(scope, 'pods.memoryLimit', size);
  const needs = mebibytes(defaults.memoryLimit);
  const lowers = memoryLimit !== undefined && needs > MEMORY_LIMIT && mebibytes(memoryLimit) < needs;
  const effective = mergedPodOptions(
    // What is said for many pods is not meant for those that work on the very node of a control plane: root there, and in no sandbox.
    {
      ...far,
      ...(!lowers && { memoryLimit }),
      ...(!node && { assignedUser, nodeSelector, nodeAffinity, topologySpreadConstraints, runtimeClassName }),
    },
    options,
  );
  // What is set aside for many pods may be more than one of them has by default.
  const asked = options.memoryRequest === undefined ? effective.memoryRequest : undefined;
  const isMore = asked !== undefined && effective.memoryLimit === undefined && mebibytes(asked) > needs;
  return { ...effective, ...(isMore && { memoryLimit: asked }) };
}

function checkPodOptions(scope: Construct, { options, defaults, labels, node, notLabels = {} }: EffectivePod): void {
  if (options.assignedUser && node) {
    const because = `these pods run as root on their node (${node.because}): leave it out`;
    throw new InputError(scope, { prop: 'pods.assignedUser', got: true, because });
  }
  const { cpuRequest = CPU_REQUEST, cpuLimit, memoryRequest = defaults.memoryRequest, memoryLimit = defaults.memoryLimit } = options;
  const cpu = checkCpu(scope, 'pods.cpuRequest', cpuRequest);
  if (cpuLimit !== undefined && checkCpu(scope, 'pods.cpuLimit', cpuLimit) < cpu) {
    const because = `it is below the request of ${cpuRequest}, so the API server would refuse the pods: raise it, or set cpuRequest too`;
    throw new InputError(scope, { prop: 'pods.cpuLimit', got: cpuLimit, because });
  }
  if (checkMemory(scope, 'pods.memoryLimit', memoryLimit) < checkMemory(scope, 'pods.memoryRequest', memoryRequest)) {
    const because = `it is below the request of ${memoryRequest.asString()}, so the API server would refuse the pods: raise it, or set memoryRequest too`;
    throw new InputError(scope, { prop: 'pods.memoryLimit', got: memoryLimit.asString(), because });
  }
  const { ephemeralStorageRequest: space, ephemeralStorageLimit: most } = options;
  if (space && most && most.toKibibytes() < space.toKibibytes()) {
    const because = `it is below the request of ${space.asString()}, so the API server would refuse the pods: raise it, or lower ephemeralStorageRequest`;
    throw new InputError(scope, { prop: 'pods.ephemeralStorageLimit', got: most.asString(), because });
  }
  const { imagePullPolicy = 'Always' } = options;
  if (!PULL_POLICIES.includes(imagePullPolicy)) {
    throw new InputError(scope, {
      prop: 'pods.imagePullPolicy',
      got: imagePullPolicy,
      because: `write one of ${PULL_POLICIES.join(', ')}`,
    });
  }
  for (const [label, value] of Object.entries(options.labels ?? {})) {
    if (label in labels || label in STANDARD_LABELS || label.startsWith('cdk8s-backup/')) {
      const because = 'policies and selectors of this library use that label: choose another one';
      throw new InputError(scope, { prop: `pods.labels['${label}']`, got: value, because });
    }
    if (notLabels[label] === value) {
      const because =
        "the database's own pods have it (podLabels), so selectors for them would also match the job's pods: choose another label";
      throw new InputError(scope, { prop: `pods.labels['${label}']`, got: value, because });
    }
  }
}

/** The same as the first container, without what that has of the repository. */
function workbenchContainer(like: k8s.Container, pod: EffectivePod, workbench: PodWorkbench): k8s.Container {
  const { options, defaults } = pod;
  const shared = ['scripts-shell', 'scripts-engine', 'scripts-assertions', 'tools'];
  return {
    ...like,
    env: [
      { name: 'BACKUP_HOME', value: HOME },
      { name: 'SCRATCH', value: SCRATCH },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...(workbench.scratch._outlivesPod ? [{ name: 'SCRATCH_OUTLIVES', value: 'yes' }] : []),
      ...workbench.environment,
      { name: 'REPOSITORY_FOLDER', value: 'shell' },
      { name: 'RELAY', value: RELAY },
    ],
    resources: resourcesOf(options, defaults, workbench.scratch),
    volumeMounts: [
      { name: WORKBENCH, mountPath: SCRATCH },
      ...(like.volumeMounts ?? []).filter(({ name }) => shared.includes(name)),
      ...workbench.volumeMounts,
      // What runs here must not be able to put something else in the place of the pipes.
      { name: 'relay', mountPath: RELAY, readOnly: true },
    ],
  };
}

/** A step with its own image has nothing else: no scripts, no tools, no variables that its program could take for settings. */
function stepContainer(step: PodStep, { options, defaults, request }: EffectivePod): InitContainer {
  return {
    name: step.name,
    image: step.image,
    command: step.command,
    workingDir: SCRATCH,
    ...(step.environment.length > 0 && { env: step.environment, ...environmentFrom(request) }),
    securityContext: CONTAINER_SECURITY,
    resources: resourcesOf(options, defaults),
    // A program that knows nothing of this library says only in its log why it failed.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: 'scratch', mountPath: SCRATCH }, ...step.volumeMounts],
    ...(options.imagePullPolicy && { imagePullPolicy: options.imagePullPolicy }),
    ...(step.runsBeside && { restartPolicy: 'Always' as const }),
  };
}

function probesOf({ folder = 'shell', health, alive, serves }: PodLasting): Partial<k8s.Container> {
  const asked = (script: string) => ({ exec: { command: ['sh', `${HOME}/${folder}/${script}`] }, periodSeconds: 30, timeoutSeconds: 5 });
  return {
    ...(health !== undefined && { readinessProbe: asked(health) }),
    ...(alive !== undefined && { livenessProbe: asked(alive) }),
    ...(serves && {
      ports: [{ name: SERVED, containerPort: serves.port, protocol: 'TCP' }],
      readinessProbe: {
        httpGet: { path: serves.path, port: k8s.IntOrString.fromString(SERVED) },
        periodSeconds: 10,
        timeoutSeconds: 5,
      },
      livenessProbe: asked(serves.alive),
    }),
  };
}

function environmentFrom(request?: Request): Pick<k8s.Container, 'envFrom'> {
  return request ? { envFrom: [{ configMapRef: { name: request.defaults } }] } : {};
}

function resourcesOf(options: PodOptions, defaults: OperationPod['defaults'], scratch?: Scratch): k8s.ResourceRequirements {
  const { cpuRequest = CPU_REQUEST, memoryRequest = defaults.memoryRequest, memoryLimit = defaults.memoryLimit, cpuLimit } = options;
  return resources(cpuRequest, memoryRequest, memoryLimit, cpuLimit, scratch && diskOf(options, scratch));
}

function resources(cpu: string, memory: Size, memoryLimit: Size, cpuLimit?: string, disk: Disk = {}): k8s.ResourceRequirements {
  return {
    requests: {
      ...{ cpu: k8s.Quantity.fromString(cpu), memory: quantity(memory) },
      ...(disk.request && { 'ephemeral-storage': quantity(disk.request) }),
    },
    limits: {
      memory: quantity(memoryLimit),
      ...(cpuLimit !== undefined && { cpu: k8s.Quantity.fromString(cpuLimit) }),
      ...(disk.limit && { 'ephemeral-storage': quantity(disk.limit) }),
    },
  };
}

/** What a container has of the node's disk. */
interface Disk {
  readonly request?: Size;
  readonly limit?: Size;
}

function diskOf({ ephemeralStorageRequest, ephemeralStorageLimit: limit }: PodOptions, { _onNode }: Scratch): Disk {
  const sizes = [DISK_REQUEST, limit, _onNode].filter(size => size !== undefined);
  const least = sizes.reduce((a, b) => (b.toKibibytes() < a.toKibibytes() ? b : a));
  const request = ephemeralStorageRequest ?? (_onNode && least);
  return { ...(request && { request }), ...(limit && { limit }) };
}

/** @internal */
export interface OperationJob {
  readonly pod: k8s.PodTemplateSpec;
  readonly operation: string;
  readonly retries: number;
  readonly deadline: Duration;
  /** How long a finished Job is kept; if left out, for good. A schedule of long intervals keeps it for longer. */
  readonly keepFinished?: Duration;
  /** It changes what it works on. So after a run that was cut short, somebody checks the result before it is run again. */
  readonly isRestore?: boolean;
}

/** The exit code of run.sh for what no retry can mend. */
const REFUSED = 78;

/** @internal */
export function operationJobSpec(job: OperationJob): k8s.JobSpec {
  return {
    backoffLimit: job.retries,
    activeDeadlineSeconds: job.deadline.toSeconds(),
    ...(job.keepFinished && { ttlSecondsAfterFinished: job.keepFinished.toSeconds() }),
    podFailurePolicy: {
      rules: [
        disruptionRule(job),
        ...[job.operation, ...(job.pod.spec?.initContainers ?? []).map(({ name }) => name).filter(name => name === PREPARE)].map(
          // cdk8s-plus-27 wants onPodConditions although nothing needs it; what is empty is not written.
          containerName => ({ action: 'FailJob', onExitCodes: { containerName, operator: 'In', values: [REFUSED] }, onPodConditions: [] }),
        ),
      ],
    },
    template: job.pod,
  };
}

/**
 * What happens to a Job whose pod was drained, preempted or evicted. The run did not fail, so it is run again and uses up no retry. A
 * restore is not run again by itself. This rule makes the Job say what has ended it, since its pod may be gone with its verdict.
 * (Kubernetes documentation, "Pod disruption conditions". A volume that is over its limit is no disruption.)
 */
function disruptionRule({ isRestore = false }: OperationJob): k8s.PodFailurePolicyRule {
  return { action: isRestore ? 'FailJob' : 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] };
}

/** @internal */
export function checkDeadline(scope: Construct, { activeDeadlineSeconds: seconds = 1 }: k8s.JobSpec): void {
  if (seconds >= 1) return;
  throw new InputError(scope, {
    prop: 'deadline',
    got: `${seconds} s`,
    because: 'a run needs time: write the longest time that it may take',
  });
}

/** @internal */
export interface OperationCronJob {
  readonly metadata: ApiObjectMetadata;
  /** When it runs. A CronJob that never fires is suspended as well. */
  readonly schedule: ScheduleConfig;
  /** How late a run may start when the cluster could not start it on time. Left out if somebody starts it. */
  readonly startingDeadline?: Duration;
  /** A pause would lose what is there: it goes on. */
  readonly isNeverPaused?: boolean;
  readonly job: k8s.JobSpec;
}

/**
 * The result of the last run stays until two more were due. But a volume of the pod's own costs as long as the pod is kept, and may hold
 * data of a killed run. It is kept until somebody has looked.
 */
function timeToKeep(job: k8s.JobSpec, seconds: number, { interval }: ScheduleConfig): number {
  return Math.min(Math.max(seconds, 2 * interval.toSeconds()), longestToKeep(job));
}

function longestToKeep({ template }: k8s.JobSpec): number {
  const hasVolume = template.spec?.volumes?.some(({ ephemeral }) => ephemeral) ?? false;
  return hasVolume ? Duration.hours(12).toSeconds() : Number.POSITIVE_INFINITY;
}

/** @internal */
export function cronJobObject(scope: Construct, id: string, cronJob: OperationCronJob): ApiObject {
  const { schedule, startingDeadline, job } = cronJob;
  checkDeadline(scope, job);
  // The controller looks every ten seconds: what may be no later than that is never started. (Documentation, "CronJob limitations".)
  if (startingDeadline && startingDeadline.toSeconds() < 10) {
    const because = 'the controller checks every ten seconds, and might never start a run in time: write ten seconds or more';
    throw new InputError(scope, { prop: 'startingDeadline', got: `${startingDeadline.toSeconds()} s`, because });
  }
  const metadata = schedule.isNever
    ? { ...cronJob.metadata, annotations: { ...cronJob.metadata.annotations, ...SUSPENDED_ANNOTATIONS } }
    : cronJob.metadata;
  const { ttlSecondsAfterFinished: ttl } = job;
  const { paused: isPaused = false, successfulJobsHistoryLimit = 3, failedJobsHistoryLimit, keepFinished } = jobDefaultsOf(scope);
  const paused = isPaused && !schedule.isNever && !cronJob.isNeverPaused;
  if (paused) warn(scope, `${cronJob.metadata.name} is paused: it does not run until JobDefaults resume it`);
  // Of frequent runs that fail, the first is the one that shows why, and somebody looks in the morning.
  const runsADay = Math.ceil(Duration.days(1).toSeconds() / schedule.interval.toSeconds());
  const kept = ttl === undefined || schedule.isNever ? ttl : timeToKeep(job, ttl, schedule);
  const ttlSecondsAfterFinished = keepFinished ? Math.min(keepFinished.toSeconds(), longestToKeep(job)) : kept;
  const spec: k8s.CronJobSpec = {
    schedule: schedule.cron,
    timeZone: schedule.timeZone,
    ...((schedule.isNever || paused) && { suspend: true }),
    // Two runs of one operation would only wait for each other.
    concurrencyPolicy: 'Forbid',
    ...(startingDeadline && { startingDeadlineSeconds: startingDeadline.toSeconds() }),
    successfulJobsHistoryLimit,
    failedJobsHistoryLimit: failedJobsHistoryLimit ?? Math.min(Math.max(3, runsADay), 10),
    jobTemplate: { spec: { ...job, ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }) } },
  };
  return kubernetesObject(scope, id, k8s.KubeCronJob.GVK, { metadata, spec });
}
