import { type ApiObject, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { makesObject } from '../../core/needs';
import type { PodOptions } from '../../core/pod-options';
import { Schedule } from '../../core/schedule';
import { kubernetesObject } from '../../kubernetes/kubernetes-object';
import { OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../../kubernetes/pod';
import type { VolumeCheck } from './volume-check';

/** @internal */
export interface CheckCronJob {
  readonly name: string;
  readonly series: string;
  readonly check: VolumeCheck;
  /** The check's name in errors. */
  readonly prop: string;
  /** The claim that it mounts and writes to. The claim is thrown away after it. */
  readonly claimName: string;
  readonly deadline: Duration;
  readonly options?: PodOptions;
  /** Options of the pods of the group. */
  readonly inherited?: PodOptions;
  readonly kubectlImage?: string;
}

/**
 * A CronJob that never runs by itself. Somebody makes a Job from it, which checks one volume. Its pods know no server, have no token for
 * the Kubernetes API, and reach nothing once `checkNetworkPolicy` is applied.
 *
 * @throws InputError when the check is invalid
 * @internal
 */
export function checkCronJob(scope: Construct, id: string, job: CheckCronJob): ApiObject {
  const { name, series, deadline } = job;
  const labels = checkLabels(series);
  const pod = job.check._pod(scope, { ...job, labels });
  // A verification makes it, and takes it away again.
  makesObject(scope, 'PersistentVolumeClaim', job.claimName);
  return cronJobObject(scope, id, {
    metadata: { name, labels },
    schedule: Schedule.never().bind(scope, 'schedule'),
    // What is damaged does not mend, and a second look is at files that the first one has changed.
    job: operationJobSpec({ pod, operation: 'check', retries: 0, deadline, keepFinished: Duration.days(1) }),
  });
}

/**
 * The pods that check volumes reach nothing, and nothing reaches them.
 *
 * @internal
 */
export function checkNetworkPolicy(scope: Construct, name: string, series: string): void {
  kubernetesObject(scope, 'CheckNetworkPolicy', k8s.KubeNetworkPolicy.GVK, {
    metadata: { name, labels: { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'network-policy', [SERIES_LABEL]: series } },
    spec: {
      podSelector: { matchLabels: { [SERIES_LABEL]: series, [OPERATION_LABEL]: 'check' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [],
      egress: [],
    },
  });
}

function checkLabels(series: string): { [label: string]: string } {
  return { ...STANDARD_LABELS, 'app.kubernetes.io/component': 'check', [SERIES_LABEL]: series, [OPERATION_LABEL]: 'check' };
}
