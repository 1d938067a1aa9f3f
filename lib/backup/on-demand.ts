import { type ApiObject, Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkCronJobName } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import type { IDatabaseBackup } from './backup';
import type { OperationPodProps } from './operation';

/** Options of a job that somebody starts: `kubectl create job --from=cronjob/<name> <name>-1`. */
export interface OnDemandOptions {
  /**
   * The longest that the job may take.
   * @default Duration.hours(24)
   */
  readonly deadline?: Duration;
  /**
   * How the pods are placed and what they may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
}

/**
 * A suspended CronJob `<series>-<operation>` that works on the repository and on nothing else, with its NetworkPolicy.
 *
 * @internal
 */
export function onDemandJob(
  scope: Construct,
  backup: IDatabaseBackup,
  pod: Omit<OperationPodProps, 'job'>,
  options: OnDemandOptions,
): ApiObject {
  const operation = backup._operation;
  const name = checkCronJobName(scope, `${backup.series}-${pod.operation}`);
  const repository = operation.bindRepository(scope, pod.access, pod.repository);
  operation.networkPolicy(scope, name, repository.destinations);
  return cronJobObject(scope, 'CronJob', {
    metadata: { name, labels: operation.labels(pod.operation) },
    schedule: Schedule.never().bind(scope, 'schedule'),
    job: operationJobSpec({
      pod: operation.pod(scope, { ...pod, job: name, pods: options.pods }),
      operation: pod.operation,
      retries: 0,
      deadline: options.deadline ?? Duration.hours(24),
      keepFinished: Duration.days(30),
    }),
  });
}
