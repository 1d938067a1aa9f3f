import type { Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { PodServiceAccount } from './pod-service-account';
import { said } from './said';

/** What you can say about the pods of a job without knowing what they run. */
export interface PodOptions {
  /**
   * CPU that the scheduler sets aside, as a Kubernetes quantity.
   * @default '100m'
   */
  readonly cpuRequest?: string;
  /**
   * Memory that the scheduler sets aside.
   * @default Size.mebibytes(128) (512 for the server of a verification, 256 for a restore and a mirror)
   */
  readonly memoryRequest?: Size;
  /**
   * The CPU limit of every container of the pod, as a Kubernetes quantity. Give one where a ResourceQuota on `limits.cpu` refuses pods
   * without it (Kubernetes documentation, "Resource Quotas"). A throttled backup holds its snapshot, and the database's dead rows, for
   * longer.
   * @default - none
   */
  readonly cpuLimit?: string;
  /**
   * Memory at which the container is killed. Some jobs need more than 512 MiB by default. A limit for their backup, plan or app does not
   * lower that; only the job's own `pods` do.
   * @default Size.mebibytes(512) (two gibibytes for each of the two containers of a verification, one for a restore and a mirror)
   */
  readonly memoryLimit?: Size;
  /**
   * Whether the cluster chooses the pods' user and the group of their volumes, as OpenShift does in every namespace. OpenShift's constraint
   * `restricted-v2` refuses pods that name a user outside the namespace's range. So `runAsUser`, `runAsGroup` and `fsGroup` are left out.
   * On other clusters, pods without them run as the user of the image, and do not start if that is root. If jobs share a data volume with a
   * server, the server has to run as the same user, which it does in the same namespace. (OpenShift documentation, "Managing security
   * context constraints".)
   * @default false: pods name the user that the engine's image has
   */
  readonly assignedUser?: boolean;
  /**
   * Labels that nodes must have.
   * @default - any node
   */
  readonly nodeSelector?: { [label: string]: string };
  /**
   * Tolerations, for taints that are not to keep the pods away.
   * @default - none
   */
  readonly tolerations?: k8s.Toleration[];
  /**
   * Which nodes the pods must or should run on, where `nodeSelector` cannot say it.
   * @default - any node
   */
  readonly nodeAffinity?: k8s.NodeAffinity;
  /**
   * How pods that run at one time are spread over nodes or zones. Their `labelSelector` names labels of the pods, such as those of
   * `labels`. (Kubernetes documentation, "Pod Topology Spread Constraints".)
   * @default - the cluster's default
   */
  readonly topologySpreadConstraints?: k8s.TopologySpreadConstraint[];
  /**
   * Space on the node's disk that the scheduler sets aside for each container that writes there. Where disks are full, the kubelet evicts
   * pods first that use more than they asked for. (Kubernetes documentation, "Node-pressure Eviction".)
   * @default - Size.gibibytes(1), or the limit of the scratch volume where that is less; none where the scratch volume is not the node's
   */
  readonly ephemeralStorageRequest?: Size;
  /**
   * Space on the node's disk above which the pod is evicted: its scratch volume, its tools and its logs together. The limit of the
   * scratch volume counts beside it.
   * @default - none
   */
  readonly ephemeralStorageLimit?: Size;
  /**
   * The RuntimeClass of the pods.
   * @default - the cluster's default
   */
  readonly runtimeClassName?: string;
  /**
   * The PriorityClass of the pods.
   * @default - the cluster's default
   */
  readonly priorityClassName?: string;
  /**
   * Names of Secrets with credentials of image registries.
   * @default - as in the namespace's default service account
   */
  readonly imagePullSecrets?: string[];
  /**
   * When images are pulled: 'Always', 'IfNotPresent' or 'Never'.
   * @default - as the cluster does, which is 'IfNotPresent' for images with a version
   */
  readonly imagePullPolicy?: string;
  /**
   * Further labels of the pods. Labels of the database's own pods are refused: its Service would send clients to the job.
   * @default - none
   */
  readonly labels?: { [label: string]: string };
  /**
   * Further annotations of the pods.
   * @default - none
   */
  readonly annotations?: { [annotation: string]: string };
  /**
   * The service account of pods that use a repository, by which the store may know them. It is none of jobs that ask the Kubernetes API,
   * which have accounts of their own, of quiesce's agents, and of checks of volumes, which have no business with a repository.
   *
   * Verifications, and restores that replay a log, run code of the data's owner in a container of its own. On AWS and Azure that one gets
   * no identity: the pods have the annotations `eks.amazonaws.com/skip-containers` and `azure.workload.identity/skip-containers`. GKE's
   * metadata server answers every container of a pod, so there that code could ask for the identity, too. Give the identity no right to
   * delete anything but locks, or the bucket object versions or soft delete; or give the location `credentials`, which it never sees.
   * (https://github.com/aws/amazon-eks-pod-identity-webhook, README; https://azure.github.io/azure-workload-identity/docs,
   * "Service Account Labels and Annotations"; https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity)
   * @default - the namespace's default service account
   */
  readonly serviceAccount?: PodServiceAccount;
}

/**
 * Merges options, the last one nearest to the pods: it takes precedence. Labels, annotations and the node selector are merged key by key;
 * pull secrets and tolerations are added.
 *
 * @internal
 */
export function mergedPodOptions(...all: (PodOptions | undefined)[]): PodOptions {
  return all.reduce<PodOptions>((far, near) => (near ? merged(far, near) : far), {});
}

/** Leaves out what is there already. */
function added<T>(far: T[], near: T[]): T[] {
  const known = new Set(far.map(each => JSON.stringify(each)));
  return [...far, ...near.filter(each => !known.has(JSON.stringify(each)))];
}

function merged(far: PodOptions, near: PodOptions): PodOptions {
  return {
    ...far,
    ...said(near),
    ...(far.nodeSelector && { nodeSelector: { ...far.nodeSelector, ...near.nodeSelector } }),
    ...(far.labels && { labels: { ...far.labels, ...near.labels } }),
    ...(far.annotations && { annotations: { ...far.annotations, ...near.annotations } }),
    ...(far.imagePullSecrets && { imagePullSecrets: [...new Set([...far.imagePullSecrets, ...(near.imagePullSecrets ?? [])])] }),
    ...(far.tolerations && { tolerations: added(far.tolerations, near.tolerations ?? []) }),
  };
}
