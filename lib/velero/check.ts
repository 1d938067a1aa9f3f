import { type ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkWhole } from '../backup/database-backup';
import { checkedConstruct } from '../core/given';
import type { KubernetesJobOptions } from '../core/kubectl/kubectl';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import { veleroCronJob } from './job';
import type { VeleroSchedule } from './schedule';

/** Props of a check of Velero. */
export interface VeleroCheckProps extends KubernetesJobOptions {
  /** The schedule whose backups are looked at. */
  readonly veleroSchedule: VeleroSchedule;
  /**
   * When it is looked.
   * @default Schedule.daily({ at: '06:00', spread: Duration.minutes(30) })
   */
  readonly schedule?: Schedule;
  /**
   * How long ago the newest good backup may have been begun.
   * @default - the interval of its schedule, and six hours
   */
  readonly maximumAge?: Duration;
  /**
   * How many hooks have to have been run in it, at least: a quiesce has two in every pod.
   * @default 0
   */
  readonly expectedHooks?: number;
  /**
   * Whether Velero's node agent has to be there, on every node that it wants.
   * @default - when the schedule moves snapshots' data, or copies volumes file by file by default
   */
  readonly nodeAgent?: boolean;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** The operation, which is the script's name as well. */
const OPERATION = 'velero-check';

/**
 * Looks whether Velero can be relied upon: a CronJob `<schedule>-check` in Velero's namespace that fails, and says why, unless Velero
 * runs and is no older than 1.15.1, its store can be reached, its node agent is there where it is needed, and the newest backup of a
 * schedule is whole and of today, with its hooks run and none failed.
 *
 * It reads, and changes nothing. Velero itself is installed by whoever runs the cluster, before: with `velero install` or its Helm chart.
 */
export class VeleroCheck extends Construct {
  /** The CronJob. */
  public readonly cronJob: ApiObject;

  /**
   * @throws InputError when it is not in a chart of Velero's namespace, or a prop cannot stand
   */
  constructor(scope: Construct, id: string, props: VeleroCheckProps) {
    super(...checkedConstruct('VeleroCheck', scope, id, props));
    const { veleroSchedule, expectedHooks = 0, maximumAge } = props;
    const { name: series, namespace, props: template } = veleroSchedule;
    checkWhole(this, 'expectedHooks', expectedHooks, 0, 10_000);
    const nodeAgent = props.nodeAgent ?? (template.snapshotMoveData || template.defaultVolumesToFsBackup) ?? false;
    const seconds = maximumAge?.toSeconds() ?? veleroSchedule.interval.toSeconds() + Duration.hours(6).toSeconds();
    this.cronJob = veleroCronJob(this, {
      name: `${series}-check`,
      series,
      namespace,
      operation: OPERATION,
      schedule: props.schedule ?? Schedule.daily({ at: '06:00', spread: Duration.minutes(30) }),
      retries: 1,
      deadline: Duration.minutes(10),
      rules: [
        { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['velero'], verbs: ['get'] },
        ...(nodeAgent ? [{ apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['node-agent'], verbs: ['get'] }] : []),
        { apiGroups: ['velero.io'], resources: ['schedules'], resourceNames: [series], verbs: ['get'] },
        { apiGroups: ['velero.io'], resources: ['backups'], verbs: ['list'] },
        // Where the schedule names none, the default one is looked for.
        template.storageLocation === undefined
          ? { apiGroups: ['velero.io'], resources: ['backupstoragelocations'], verbs: ['get', 'list'] }
          : {
              ...{ apiGroups: ['velero.io'], resources: ['backupstoragelocations'] },
              ...{ resourceNames: [template.storageLocation], verbs: ['get'] },
            },
      ],
      kubectlImage: props.kubectlImage,
      apiPorts: props.apiPorts,
      pods: props.pods,
      environment: [
        { name: 'STORAGE_LOCATION', value: template.storageLocation ?? '' },
        { name: 'NODE_AGENT', value: nodeAgent ? 'yes' : 'no' },
        { name: 'MAXIMUM_AGE', value: String(seconds) },
        { name: 'EXPECTED_HOOKS', value: String(expectedHooks) },
      ],
    });
  }
}
