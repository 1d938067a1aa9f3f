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
  /** The schedule whose backups are checked. */
  readonly veleroSchedule: VeleroSchedule;
  /**
   * When the check runs.
   * @default Schedule.daily({ at: '06:00', spread: Duration.minutes(30) })
   */
  readonly schedule?: Schedule;
  /**
   * How long ago the newest good backup may have begun.
   * @default - the interval of its schedule, and six hours
   */
  readonly maximumAge?: Duration;
  /**
   * The least number of hooks that have to have run in it; a quiesce has two in every pod. Velero runs none in pods that do not run, and
   * does not complain.
   * @default - as many as the pods of all VeleroProtections and VeleroDumps of the app have that name its schedule as their backup. A
   *   workload counts with its replicas, or with one pod if the cluster decides their number. Without any, no hook is expected, and the
   *   verdict says so; 0 expects none silently
   */
  readonly expectedHooks?: number;
  /**
   * The least number of volumes that have to be in it: snapshotted, moved or copied file by file. Velero leaves out what it cannot snapshot
   * with a warning at most, and calls the backup completed.
   * @default - as many as the same protections and dumps name: one for each claim, or for each pod if it is no claim. Only their number
   *   counts: other volumes in the backup count, too. Without any, no volume is expected, and the verdict says so; 0 expects none silently
   */
  readonly expectedVolumes?: number;
  /**
   * Whether Velero's node agent has to run, on every node where it belongs.
   * @default - when the schedule moves snapshots' data, or copies volumes file by file by default. Also when a VeleroProtection or
   *   VeleroDump that names the schedule as its backup has a volume that is copied file by file
   */
  readonly nodeAgent?: boolean;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** The operation, and the script's name. */
const OPERATION = 'velero-check';

/**
 * Checks whether you can rely on Velero: a CronJob `<schedule>-check` in Velero's namespace. It fails, and says why, unless all of this
 * holds:
 *
 * - Velero runs, and is no older than 1.15.1.
 * - Its store can be reached.
 * - Its node agent runs where it is needed.
 * - The newest backup of a schedule is whole and no older than `maximumAge`. Its hooks have run, and none has failed.
 *
 * It reads, and changes nothing. Whoever runs the cluster installs Velero itself before, with `velero install` or its Helm chart.
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
      const because = `write whole seconds, at least the time between two backups (${Duration.seconds(interval).toHumanString()}), or the check fails every day`;
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
