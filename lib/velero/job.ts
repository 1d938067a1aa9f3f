import { type ApiObject, Chart, Duration } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkCronJobName, checkObjectName } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import type { Schedule } from '../core/schedule';
import { type ApiRule, type KubernetesJobOptions, kubectlNetworkPolicy, kubectlPod } from '../kubernetes/kubectl/kubectl';
import { OPERATION_LABEL, SERIES_LABEL, STANDARD_LABELS } from '../kubernetes/labels';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import type { Request } from '../kubernetes/request';
import { ScriptFolder } from '../kubernetes/script-folder';

const SCRIPTS = ScriptFolder.at('velero', __dirname);

/** Options of a job that asks Velero. */
export interface VeleroJobOptions extends KubernetesJobOptions {
  /**
   * The name of Velero's Deployment. Its Helm chart names it after a release whose name contains `velero`, and `<release>-velero`
   * otherwise.
   * @default 'velero'
   */
  readonly veleroDeployment?: string;
}

/**
 * The name of Velero's Deployment.
 *
 * @throws InputError when nothing can have that name
 * @internal
 */
export function deploymentOf(scope: Construct, { veleroDeployment = 'velero' }: VeleroJobOptions): string {
  return checkObjectName(scope, 'veleroDeployment', veleroDeployment);
}

/** A job that asks Velero. @internal */
export interface VeleroJob {
  readonly name: string;
  /** What its result is about. */
  readonly series: string;
  /** Velero's. */
  readonly namespace: string;
  readonly operation: string;
  readonly schedule: Schedule;
  readonly retries: number;
  readonly deadline: Duration;
  /** See OperationJob. */
  readonly isRestore?: boolean;
  readonly rules: ApiRule[];
  readonly environment: k8s.EnvVar[];
  /** What somebody may ask of the job when starting it. */
  readonly request?: Request;
  readonly kubectlImage?: string;
  readonly apiPorts?: number[];
  readonly pods?: PodOptions;
}

/**
 * A CronJob that asks Velero, with its NetworkPolicy.
 *
 * @throws InputError when it is not in a chart of Velero's namespace
 * @internal
 */
export function veleroCronJob(scope: Construct, job: VeleroJob): ApiObject {
  const { series, operation, retries, deadline, namespace, isRestore } = job;
  if (Chart.of(scope).namespace !== namespace) {
    throw new InputError(scope, {
      prop: 'scope',
      got: `a chart of namespace ${Chart.of(scope).namespace}`,
      because: `its job has to run in Velero's namespace: create it in a Chart with namespace: '${namespace}'`,
    });
  }
  const name = checkCronJobName(scope, job.name);
  const selects = { [SERIES_LABEL]: series, [OPERATION_LABEL]: operation };
  const labels = { ...STANDARD_LABELS, 'app.kubernetes.io/component': operation, ...selects };
  const pod = kubectlPod(scope, {
    operation,
    scripts: SCRIPTS,
    name,
    labels,
    rules: job.rules,
    image: job.kubectlImage,
    options: job.pods,
    environment: [{ name: 'SERIES', value: series }, ...job.environment],
    request: job.request,
  });
  const schedule = job.schedule.bind(scope, 'schedule');
  kubectlNetworkPolicy(scope, name, labels, selects, job.apiPorts);
  return cronJobObject(scope, 'CronJob', {
    metadata: { name, labels },
    schedule,
    ...(!schedule.isNever && { startingDeadline: schedule.intervalUpTo(Duration.hours(4)) }),
    job: operationJobSpec({ pod, operation, retries, deadline, isRestore, keepFinished: Duration.days(schedule.isNever ? 30 : 7) }),
  });
}
