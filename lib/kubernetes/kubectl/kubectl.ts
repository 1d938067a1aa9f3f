import { Chart, Lazy, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { PodOptions } from '../../core/pod-options';
import { Scratch } from '../../core/scratch';
import { asKept, kubernetesObject } from '../kubernetes-object';
import { STANDARD_LABELS } from '../labels';
import { dnsRule } from '../network';
import { operationPod } from '../pod';
import type { Request } from '../request';
import { ScriptFolder } from '../script-folder';
import { SHELL } from '../shell-scripts';

/**
 * kubectl with a shell. The project's own `registry.k8s.io/kubectl` has none (kubernetes/kubernetes#116672). The earlier image with a
 * shell, `bitnami/kubectl`, no longer has versions (bitnami/containers#83267). This one has busybox and kubectl, nothing else: no jq, no
 * bash.
 */
const KUBECTL_IMAGE = 'alpine/kubectl:1.34.2';

/** nobody: kubectl needs no user of its own. */
export const NOBODY = 65534;

/** Options of every job that asks the Kubernetes API. */
export interface KubernetesJobOptions {
  /**
   * An image with kubectl and a POSIX shell.
   * @default - alpine/kubectl, unless an ImageCatalog says otherwise for 'kubectl:1'
   */
  readonly kubectlImage?: string;
  /**
   * The ports on which pods reach the API server, for the NetworkPolicy. Give the ports of its endpoints, since network policies match what
   * is behind a Service. `kubectl get endpointslices -l kubernetes.io/service-name=kubernetes` shows them.
   * @default [443, 6443]
   */
  readonly apiPorts?: number[];
}

/** What a service account may do in its namespace. */
export interface ApiRule {
  /** API groups; '' is the core's. */
  readonly apiGroups: string[];
  /** Resources, in the plural, with their subresource: 'pods/exec'. */
  readonly resources: string[];
  /** Verbs, such as 'get'. */
  readonly verbs: string[];
  /**
   * The only objects that the rule allows.
   * @default - all
   */
  readonly resourceNames?: string[];
}

/** @internal */
export interface KubectlPod {
  /** What the pod does: `<scripts>/<operation>.sh` is run, and the pod is labelled with it. */
  readonly operation: string;
  /** The folder with that script and what it needs; it is there as BACKUP_HOME/kubectl. */
  readonly scripts: ScriptFolder;
  readonly environment: k8s.EnvVar[];
  /** What somebody may ask of the job when starting it. */
  readonly request?: Request;
  /** The name of every object of the pod. */
  readonly name: string;
  /** What the pod may do in its own namespace, and no more than that. */
  readonly rules: ApiRule[];
  readonly labels: { [label: string]: string };
  /** The user's image with kubectl and a shell, and the prop that names it. */
  readonly image?: string;
  readonly options?: PodOptions;
}

/** The image with kubectl and a shell, the user's or this library's. */
export function kubectlImage(scope: Construct, image?: string): string {
  return ImageCatalog.of(scope).image(scope, { key: 'kubectl:1', prop: 'kubectlImage', image, defaultImage: KUBECTL_IMAGE });
}

/** What scripts that ask the API source, as BACKUP_HOME/api. */
export const API = ScriptFolder.at('api', __dirname);

/**
 * A service account with these rights in its namespace, and no others.
 *
 * @internal
 */
export function apiAccount(scope: Construct, name: string, rules: ApiRule[], labels: { [label: string]: string }): void {
  const metadata = { name, labels: { ...STANDARD_LABELS, ...labels } };
  // The pods say themselves whether they want its token.
  kubernetesObject(scope, 'ServiceAccount', k8s.KubeServiceAccount.GVK, { metadata, automountServiceAccountToken: false });
  kubernetesObject(scope, 'Role', k8s.KubeRole.GVK, { metadata, rules });
  kubernetesObject(scope, 'RoleBinding', k8s.KubeRoleBinding.GVK, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name }],
  });
}

/**
 * A pod that asks the Kubernetes API, with a service account of its own and the rights that `rules` lists.
 *
 * Its script sources `shell/lib.sh` and `api/api.sh`, finds kubectl in its image, and gives the result line of every job.
 *
 * @internal
 */
export function kubectlPod(scope: Construct, pod: KubectlPod): k8s.PodTemplateSpec {
  const { name, operation, labels } = pod;
  const { namespace } = Chart.of(scope);
  apiAccount(scope, name, pod.rules, labels);
  return operationPod(scope, {
    operation,
    image: kubectlImage(scope, pod.image),
    user: NOBODY,
    environment: [
      { name: 'OPERATION_FOLDER', value: 'kubectl' },
      { name: 'REPOSITORY_FOLDER', value: 'none' },
      { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      // A copy of it, in another namespace, is refused: see shell/origin.sh.
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      ...(namespace === undefined ? [] : [{ name: 'MADE_FOR_NAMESPACE', value: namespace }]),
      // kubectl keeps what it learns of the API there.
      { name: 'KUBECACHEDIR', value: '/scratch/kube' },
      ...pod.environment,
      ...(pod.request?.environment ?? []),
    ],
    request: pod.request,
    scripts: { shell: SHELL.bind(scope), api: API.bind(scope), kubectl: pod.scripts.bind(scope) },
    initContainers: [],
    steps: [],
    volumes: [],
    volumeMounts: [],
    scratch: Scratch.emptyDir(Size.mebibytes(64)),
    labels,
    serviceAccount: name,
    options: pod.options,
    defaults: { memoryRequest: Size.mebibytes(64), memoryLimit: Size.mebibytes(256) },
  });
}

/**
 * Lets pods reach the Kubernetes API, and nothing else but what is named; nothing reaches them. No selector knows the API server's
 * addresses, so it is allowed by its ports.
 *
 * @param more what else they reach; asked when the policy is written
 * @throws InputError when a port is invalid
 * @internal
 */
export function kubectlNetworkPolicy(
  scope: Construct,
  name: string,
  labels: { [label: string]: string },
  selects: { [label: string]: string },
  apiPorts: number[] = [443, 6443],
  more?: () => k8s.NetworkPolicyEgressRule[],
): void {
  const wrong = apiPorts.find(each => !Number.isInteger(each) || each < 1 || each > 65535);
  if (wrong !== undefined || apiPorts.length === 0) {
    throw new InputError(scope, { prop: 'apiPorts', got: wrong ?? [], because: 'write the ports of the API server, for example [6443]' });
  }
  const own = [dnsRule(scope), { ports: apiPorts.map(each => ({ port: k8s.IntOrString.fromNumber(each), protocol: 'TCP' })) }];
  kubernetesObject(scope, 'NetworkPolicy', k8s.KubeNetworkPolicy.GVK, {
    metadata: { name, labels: { ...STANDARD_LABELS, ...labels, 'app.kubernetes.io/component': 'network-policy' } },
    spec: {
      podSelector: { matchLabels: selects },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: more ? (Lazy.any({ produce: () => asKept([...own, ...more()]) }) as k8s.NetworkPolicyEgressRule[]) : own,
    },
  });
}
