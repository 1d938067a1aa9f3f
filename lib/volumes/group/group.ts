import type { ApiObject, Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import type { PodOptions } from '../../core/pod-options';
import type { Retention } from '../../core/retention';
import type { Schedule } from '../../core/schedule';
import type { KubernetesJobOptions } from '../../kubernetes/kubectl/kubectl';
import type { SnapshotMemberConfig, VolumeSnapshotMember } from './snapshot-member';
import type { SnapshotMode, SnapshotModeConfig } from './snapshot-mode';

/** Props of a group of volume snapshots. */
export interface VolumeSnapshotGroupProps extends KubernetesJobOptions {
  /**
   * The volumes, and the servers that are held still while their snapshots are taken: in this order, so those that write to others
   * come first.
   */
  readonly members: VolumeSnapshotMember[];
  /** Which groups are kept. Older ones go after the next good one. */
  readonly retention: Retention;
  /**
   * The name under which groups are kept, by which their objects are named. Renaming it begins a new series, which knows nothing of the
   * old one's groups.
   * @default - the construct's id
   */
  readonly series?: string;
  /**
   * When groups are made.
   * @default Schedule.daily({ at: '02:00', spread: Duration.hours(1) }) - between 02:00 and 03:00 UTC
   */
  readonly schedule?: Schedule;
  /**
   * How late a run may start when the cluster could not start it on time.
   * @default - four hours, or the schedule's interval if that is shorter
   */
  readonly startingDeadline?: Duration;
  /**
   * How the snapshots become one.
   * @default SnapshotMode.coordinated()
   */
  readonly mode?: SnapshotMode;
  /**
   * The VolumeSnapshotClass by which a coordinated group is taken. A native one names a VolumeGroupSnapshotClass in its mode.
   * @default - the default of each volume's driver
   */
  readonly snapshotClassName?: string;
  /**
   * The longest that servers may be held: from the first that is held until every snapshot is cut. Then they are let go, and the run
   * has failed. Every quiesce has a limit of its own, after which it lets go by itself; that has to be as long or longer.
   *
   * The snapshot controller and the driver's csi-snapshotter make five requests a second unless they are started with `--kube-api-qps`,
   * and a snapshot takes some eight: five volumes hold servers for eight seconds then, and for two where both may make fifty.
   * @default - a minute, or the shortest limit of the members' quiesces
   */
  readonly cutTimeout?: Duration;
  /**
   * The longest to wait, with nothing held any more, until every snapshot can be used: for some drivers, until it is uploaded.
   * @default Duration.hours(1)
   */
  readonly readyTimeout?: Duration;
  /**
   * How often a failed run is tried again.
   * @default 2
   */
  readonly retries?: number;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** A group of volume snapshots, as what hangs on it sees it. Make one by `new VolumeSnapshotGroup(...)`. */
export interface IVolumeSnapshotGroup extends IConstruct {
  /** The name under which groups are kept. */
  readonly series: string;
  /** The CronJob that makes groups. */
  readonly cronJob: ApiObject;
  /** The longest expected time between two runs. */
  readonly interval: Duration;
  /** What the group was made with. */
  readonly props: VolumeSnapshotGroupProps;
  /** @internal */
  readonly _members: SnapshotMemberConfig[];
  /** @internal */
  readonly _mode: SnapshotModeConfig;
  /** @internal */
  _checkClaim(scope: IConstruct, prop: string, claim: string): string;
  /** @internal */
  _verifiedBy(): void;
}
