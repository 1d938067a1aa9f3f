import { type ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import { STANDARD_LABELS } from '../kubernetes/labels';
import { requestOf } from '../kubernetes/request';
import { modifiersOf } from './at-rest';
import { deploymentOf, type VeleroJobOptions, veleroCronJob } from './job';
import { VELERO_NAMESPACE } from './object';
import { restoreSpec } from './restore';
import type { VeleroRestoreTemplate } from './restore-template';

/** Props of a restore that somebody starts. */
export interface VeleroRestoreJobProps extends VeleroRestoreTemplate, VeleroJobOptions {
  /**
   * The name of the CronJob, and of the Restores that it makes.
   * @default - the construct's id
   */
  readonly name?: string;
  /**
   * The namespace in which Velero runs. The chart has to have the same.
   * @default 'velero'
   */
  readonly namespace?: string;
  /**
   * How long the job waits for the restore. Velero continues after that with what it has begun.
   * @default Duration.hours(12)
   */
  readonly deadline?: Duration;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** The operation, and the script's name. */
const OPERATION = 'velero-restore';

/** Velero begins a Restore at once, if it runs and does no other. */
const BEGINS_WITHIN = Duration.minutes(15);

/**
 * Restores by Velero when somebody asks: a CronJob `<name>` in Velero's namespace that never runs by itself. You can keep it in Git, unlike
 * a Restore. Start it with `kubectl -n velero create job --from=cronjob/<name> <name>-1`. The job ends as the restore does, and says why.
 * For a single run, a ConfigMap, which is not emitted, may name another Backup:
 * `kubectl -n velero create configmap <name>-request --from-literal=backup=<Backup>`.
 *
 * If Velero does not begin within 15 minutes, and restores nothing else meanwhile, the job fails and deletes its Restore. So none is left
 * that Velero would begin on another day. It does the same when it is stopped before Velero has begun.
 */
export class VeleroRestoreJob extends Construct {
  /** The CronJob. */
  public readonly cronJob: ApiObject;

  /**
   * @throws InputError when it is not in a chart of Velero's namespace, or a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroRestoreJobProps) {
    super(...checkedConstruct('VeleroRestoreJob', scope, id, props));
    const { name = id, backupName = '', scheduleName = '', deadline = Duration.hours(12) } = props;
    const { kubectlImage, pods, namespace = VELERO_NAMESPACE } = props;
    const deployment = deploymentOf(this, props);
    // Never empty: the script puts the source in front.
    const {
      backupName: _,
      scheduleName: __,
      ...spec
    } = restoreSpec(this, {
      ...props,
      resourceModifiers: modifiersOf(this, props, name, namespace),
      itemOperationTimeout: props.itemOperationTimeout ?? Duration.hours(4),
    }) as { backupName?: string; scheduleName?: string };
    this.cronJob = veleroCronJob(this, {
      name,
      series: name,
      namespace,
      operation: OPERATION,
      schedule: Schedule.never(),
      retries: 0,
      isRestore: true,
      deadline,
      kubectlImage,
      apiPorts: props.apiPorts,
      pods,
      rules: [
        // To get: somebody may name another one. To list: which is the newest of a schedule.
        { apiGroups: ['velero.io'], resources: ['backups'], verbs: ['get', ...(scheduleName === '' ? [] : ['list'])] },
        // To list: whether Velero is at another one. To delete: what it has not begun.
        { apiGroups: ['velero.io'], resources: ['restores'], verbs: ['get', 'list', 'create', 'delete'] },
        { apiGroups: ['apps'], resources: ['deployments'], resourceNames: [deployment], verbs: ['get'] },
        // Which of them are the schedule's own: those of its location, or of the default one.
        ...(scheduleName === ''
          ? []
          : [
              { apiGroups: ['velero.io'], resources: ['schedules'], resourceNames: [scheduleName], verbs: ['get'] },
              { apiGroups: ['velero.io'], resources: ['backupstoragelocations'], verbs: ['list'] },
            ]),
      ],
      environment: [
        { name: 'VELERO_DEPLOYMENT', value: deployment },
        { name: 'SCHEDULE', value: scheduleName },
        { name: 'SPEC', value: JSON.stringify(spec) },
        { name: 'VELERO_WAIT', value: String(BEGINS_WITHIN.toSeconds()) },
      ],
      request: requestOf(this, name, [{ key: 'backup', variable: 'BACKUP', value: backupName }], STANDARD_LABELS),
    });
  }
}
