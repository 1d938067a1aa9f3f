import { type ApiObject, Duration, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { checkWhole } from '../backup/database-backup';
import { checkedConstruct } from '../core/given';
import type { ApiRule, KubernetesJobOptions } from '../core/kubectl/kubectl';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import { veleroCronJob } from './job';
import { VeleroProtection } from './protection';
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
   * How many hooks have to have been run in it, at least: a quiesce has two in every pod. Of pods that do not run, Velero runs none, and
   * does not complain.
   * @default - those of the pods of all VeleroProtections and VeleroDumps of the app that name its schedule as their backup: as many pods as
   * their workload has replicas. Where there are none, no hook is expected, and the verdict says so; 0 expects none without a word
   */
  readonly expectedHooks?: number;
  /**
   * How many volumes have to be in it, at least: snapshotted, moved or copied file by file. Velero leaves out what it cannot snapshot with a
   * warning at most, and calls the backup completed.
   * @default 0
   */
  readonly expectedVolumes?: number;
  /**
   * Whether Velero's node agent has to be there, on every node that it wants.
   * @default - when the schedule moves snapshots' data, or copies volumes file by file by default, or when a VeleroProtection or VeleroDump
   * that names the schedule as its backup has a volume that is copied file by file
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
    const { veleroSchedule, expectedHooks, expectedVolumes = 0, maximumAge } = props;
    const { name: series, namespace, props: template } = veleroSchedule;
    if (expectedHooks !== undefined) checkWhole(this, 'expectedHooks', expectedHooks, 0, 10_000);
    checkWhole(this, 'expectedVolumes', expectedVolumes, 0, 10_000);
    // Protections may come after the check.
    const protections = () =>
      this.node.root.node
        .findAll()
        .filter((one): one is VeleroProtection => one instanceof VeleroProtection && one._backup === veleroSchedule);
    const hooks = () => {
      if (expectedHooks !== undefined) return String(expectedHooks);
      const known = protections();
      return known.length === 0 ? undefined : String(known.reduce((sum, { _hooks }) => sum + _hooks, 0));
    };
    const nodeAgent = () =>
      props.nodeAgent ?? (template.snapshotMoveData || template.defaultVolumesToFsBackup || protections().some(one => one._copiesFiles));
    const seconds = maximumAge?.toSeconds() ?? veleroSchedule.interval.toSeconds() + Duration.hours(6).toSeconds();
    this.cronJob = veleroCronJob(this, {
      name: `${series}-check`,
      series,
      namespace,
      operation: OPERATION,
      schedule: props.schedule ?? Schedule.daily({ at: '06:00', spread: Duration.minutes(30) }),
      retries: 1,
      deadline: Duration.minutes(10),
      rules: Lazy.any({ produce: () => rules(veleroSchedule, nodeAgent(), expectedVolumes) }) as ApiRule[],
      kubectlImage: props.kubectlImage,
      apiPorts: props.apiPorts,
      pods: props.pods,
      environment: [
        { name: 'STORAGE_LOCATION', value: template.storageLocation ?? '' },
        { name: 'NODE_AGENT', value: Lazy.any({ produce: () => (nodeAgent() ? 'yes' : 'no') }) as string },
        { name: 'MAXIMUM_AGE', value: String(seconds) },
        { name: 'EXPECTED_HOOKS', value: Lazy.any({ produce: hooks }) as string },
        { name: 'EXPECTED_VOLUMES', value: String(expectedVolumes) },
        { name: 'MOVES_DATA', value: template.snapshotMoveData ? 'yes' : 'no' },
      ],
    });
  }
}

/** What its pod may read. */
function rules({ name, props: { storageLocation } }: VeleroSchedule, nodeAgent: boolean, expectedVolumes: number): ApiRule[] {
  const locations = { apiGroups: ['velero.io'], resources: ['backupstoragelocations'] };
  return [
    { apiGroups: ['apps'], resources: ['deployments'], resourceNames: ['velero'], verbs: ['get'] },
    ...(nodeAgent ? [{ apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['node-agent'], verbs: ['get'] }] : []),
    { apiGroups: ['velero.io'], resources: ['schedules'], resourceNames: [name], verbs: ['get'] },
    { apiGroups: ['velero.io'], resources: ['backups'], verbs: ['list'] },
    ...(expectedVolumes > 0 ? [{ apiGroups: ['velero.io'], resources: ['podvolumebackups'], verbs: ['list'] }] : []),
    // Where the schedule names none, the default one is looked for.
    storageLocation === undefined
      ? { ...locations, verbs: ['get', 'list'] }
      : { ...locations, resourceNames: [storageLocation], verbs: ['get'] },
  ];
}
