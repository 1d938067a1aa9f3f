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
   * The volumes, and the servers that are held still while their snapshots are taken. Servers are held in this order, so put those that
   * write to others first.
   */
  readonly members: VolumeSnapshotMember[];
  /** Which groups are kept. Older ones are removed after the next good one. */
  readonly retention: Retention;
  /**
   * The name under which groups are kept. It names their objects. Renaming it begins a new series, which does not know the groups of the
   * old one.
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
   * How the snapshots become one group.
   * @default SnapshotMode.coordinated()
   */
  readonly mode?: SnapshotMode;
  /**
   * The VolumeSnapshotClass of a coordinated group's snapshots. A native group names a VolumeGroupSnapshotClass in its mode.
   * @default - the default of each volume's driver
   */
  readonly snapshotClassName?: string;
  /**
   * The longest that servers may be held: from the first that is held until every snapshot is cut. Then they are released, and the run has
   * failed. Every quiesce has a limit of its own, after which it releases its server by itself. That limit has to be at least as long.
   *
   * The snapshot controller and the driver's csi-snapshotter make five requests a second, unless they are started with `--kube-api-qps`. A
   * snapshot takes some eight requests, so five volumes hold servers for eight seconds. With fifty requests a second for both, it is two
   * seconds.
   * @default - a minute, or the shortest limit of the members' quiesces
   */
  readonly cutTimeout?: Duration;
  /**
   * The longest to wait until every snapshot can be used, with nothing held any more. Some drivers first upload it.
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

/** A group of volume snapshots, as its add-ons see it. Make one by `new VolumeSnapshotGroup(...)`. */
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
