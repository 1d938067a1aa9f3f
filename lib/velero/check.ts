import { type ApiObject, Duration, Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { checkWhole } from '../core/checks';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import type { ApiRule } from '../kubernetes/kubectl/kubectl';
import { deploymentOf, type VeleroJobOptions, veleroCronJob } from './job';
import { VeleroProtection } from './protection';
import type { VeleroSchedule } from './schedule';

/** Props of a check of Velero. */
export interface VeleroCheckProps extends VeleroJobOptions {
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
   * @default - as many as the pods of all VeleroProtections and VeleroDumps of the app have that name its schedule as their backup: as many
   * pods as their workload has replicas, and one where their number is the cluster's affair. Where there are none, no hook is expected,
   * and the verdict says so; 0 expects none without a word
   */
  readonly expectedHooks?: number;
  /**
   * How many volumes have to be in it, at least: snapshotted, moved or copied file by file. Velero leaves out what it cannot snapshot with a
   * warning at most, and calls the backup completed.
   * @default - as many as the same protections and dumps name: one for each claim, and for each pod where it is no claim. Which these are is
   * not looked at: others that are in the backup count, too. Where there are none, no volume is expected, and the verdict says so; 0
   * expects none without a word
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
   * @throws InputError when it is not in a chart of Velero's namespace, or a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroCheckProps) {
    super(...checkedConstruct('VeleroCheck', scope, id, props));
    const { veleroSchedule, expectedHooks, expectedVolumes, maximumAge } = props;
    const deployment = deploymentOf(this, props);
    const { name: series, namespace, props: template } = veleroSchedule;
    if (expectedHooks !== undefined) checkWhole(this, 'expectedHooks', expectedHooks, 0, 10_000);
    if (expectedVolumes !== undefined) checkWhole(this, 'expectedVolumes', expectedVolumes, 0, 10_000);
    // Protections may come after the check.
    const protections = () => VeleroProtection._of(veleroSchedule);
    const expected = (told: number | undefined, count: (known: VeleroProtection[]) => number) =>
      told ?? (protections().length === 0 ? undefined : count(protections()));
    const hooks = () => expected(expectedHooks, known => known.reduce((sum, { _hooks }) => sum + _hooks, 0))?.toString();
    const volumes = () => expected(expectedVolumes, known => new Set(known.flatMap(({ _volumes }) => _volumes)).size);
    const nodeAgent = () =>
      props.nodeAgent ?? (template.snapshotMoveData || template.defaultVolumesToFsBackup || protections().some(one => one._copiesFiles));
    const interval = veleroSchedule.interval.toSeconds();
    const seconds = maximumAge?.toSeconds({ integral: false }) ?? interval + Duration.hours(6).toSeconds();
    if (!Number.isInteger(seconds) || seconds < interval) {
      const because = `write whole seconds, and no fewer than from one backup to the next (${Duration.seconds(interval).toHumanString()}), or it fails every day`;
      throw new InputError(this, { prop: 'maximumAge', got: maximumAge?.toHumanString(), because });
    }
    this.cronJob = veleroCronJob(this, {
      name: `${series}-check`,
      series,
      namespace,
      operation: OPERATION,
      schedule: props.schedule ?? Schedule.daily({ at: '06:00', spread: Duration.minutes(30) }),
      retries: 1,
      deadline: Duration.minutes(10),
      rules: Lazy.any({ produce: () => rules(veleroSchedule, deployment, nodeAgent(), (volumes() ?? 0) > 0) }) as ApiRule[],
      kubectlImage: props.kubectlImage,
      apiPorts: props.apiPorts,
      pods: props.pods,
      environment: [
        { name: 'VELERO_DEPLOYMENT', value: deployment },
        { name: 'STORAGE_LOCATION', value: template.storageLocation ?? '' },
        { name: 'NODE_AGENT', value: Lazy.any({ produce: () => (nodeAgent() ? 'yes' : 'no') }) as string },
        { name: 'MAXIMUM_AGE', value: String(seconds) },
        { name: 'EXPECTED_HOOKS', value: Lazy.any({ produce: hooks }) as string },
        { name: 'EXPECTED_VOLUMES', value: Lazy.any({ produce: () => volumes()?.toString() }) as string },
        { name: 'MOVES_DATA', value: template.snapshotMoveData ? 'yes' : 'no' },
      ],
    });
  }
}

/** What its pod may read. */
function rules(
  { name, props: { storageLocation } }: VeleroSchedule,
  deployment: string,
  nodeAgent: boolean,
  countsVolumes: boolean,
): ApiRule[] {
  const locations = { apiGroups: ['velero.io'], resources: ['backupstoragelocations'] };
  return [
    { apiGroups: ['apps'], resources: ['deployments'], resourceNames: [deployment], verbs: ['get'] },
    ...(nodeAgent ? [{ apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['node-agent'], verbs: ['get'] }] : []),
    { apiGroups: ['velero.io'], resources: ['schedules'], resourceNames: [name], verbs: ['get'] },
    { apiGroups: ['velero.io'], resources: ['backups'], verbs: ['list'] },
    ...(countsVolumes ? [{ apiGroups: ['velero.io'], resources: ['podvolumebackups'], verbs: ['list'] }] : []),
    // Where the schedule names none, the default one is looked for.
    storageLocation === undefined
      ? { ...locations, verbs: ['get', 'list'] }
      : { ...locations, resourceNames: [storageLocation], verbs: ['get'] },
  ];
}
