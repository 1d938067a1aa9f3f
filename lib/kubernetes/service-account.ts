import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import type { PodServiceAccount } from '../core/pod-service-account';
import { kubernetesObject } from './kubernetes-object';
import { STANDARD_LABELS } from './labels';

const PROP = 'pods.serviceAccount';

/**
 * The service account of pods; made when the first of its namespace asks for it, where it is this library's.
 *
 * @returns its name
 * @throws InputError when it has no name, is every pod's, or has other annotations elsewhere in the namespace
 * @internal
 */
export function bindServiceAccount(scope: Construct, { _name: name, _annotations: annotations }: PodServiceAccount): string {
  checkObjectName(scope, PROP, name);
  if (!annotations) return name;
  if (name === 'default') {
    const because = 'all pods of the namespace that name no account use this one, and would get its rights: choose another name';
    throw new InputError(scope, { prop: PROP, got: name, because });
  }
  const made = namespaces(scope.node.root as Construct);
  const key = `${Chart.of(scope).namespace ?? ''}/${name}`;
  const known = made.get(key);
  if (!known) {
    made.set(key, { by: scope.node.path, annotations });
    kubernetesObject(scope, `ServiceAccount-${name}`, k8s.KubeServiceAccount.GVK, {
      metadata: { name, labels: { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'service-account' }, annotations },
      automountServiceAccountToken: false,
    });
  } else if (text(known.annotations) !== text(annotations)) {
    const because = `${name} has different annotations in this namespace, set by ${known.by}: ${text(known.annotations)}. Write the same, or choose another name`;
    throw new InputError(scope, { prop: PROP, got: annotations, because });
  }
  return name;
}

/**
 * What tells the webhooks of clouds to which containers of a pod they give no identity. (aws/amazon-eks-pod-identity-webhook, README.md,
 * and getContainersToSkip, which does not trim; "Service Account Labels and Annotations" of Azure Workload Identity.)
 *
 * @param containers those that have nothing of the repository
 * @param said what is said of the pods already, such as containers that others put in
 * @internal
 */
export function skippedContainers(containers: string[], said: { [annotation: string]: string } = {}): { [annotation: string]: string } {
  const annotations = Object.entries(SKIP_CONTAINERS).map(([annotation, separator]) => {
    const others = (said[annotation] ?? '').split(separator).map(name => name.trim());
    return [annotation, [...new Set([...others.filter(Boolean), ...containers])].join(separator)];
  });
  return containers.length > 0 ? Object.fromEntries(annotations) : {};
}

const SKIP_CONTAINERS = { 'eks.amazonaws.com/skip-containers': ',', 'azure.workload.identity/skip-containers': ';' };

interface Made {
  readonly by: string;
  readonly annotations: { [annotation: string]: string };
}

function text(annotations: { [annotation: string]: string }): string {
  return JSON.stringify(Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Which accounts an app has, by namespace: charts that share a namespace share them. */
const apps = new WeakMap<Construct, Map<string, Made>>();

function namespaces(app: Construct): Map<string, Made> {
  const known = apps.get(app) ?? new Map<string, Made>();
  apps.set(app, known);
  return known;
}
