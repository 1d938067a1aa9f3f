import type { Size } from 'cdk8s';
import type { PersistentVolumeAccessMode } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import type { RecoveryPoint } from '../backup/recovery-point';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { IVolumeSnapshotGroup } from './group/group';
import { VolumeFromSnapshot } from './volume-from-snapshot';

/** Options of several claims that are made from snapshots. */
export interface VolumesFromSnapshotsOptions {
  /** The size of each volume: at least that of the snapshotted one. */
  readonly size: Size;
  /**
   * Other sizes, by the claims that were snapshotted.
   * @default - none
   */
  readonly sizes?: { [claim: string]: Size };
  /**
   * New names, by the claims that were snapshotted: `{ 'data-db-0': 'data-trial-0' }`. A StatefulSet `trial` with a template `data`
   * finds `data-trial-0`.
   * @default - each has the name of the claim that was snapshotted, by which its StatefulSet finds it
   */
  readonly names?: { [claim: string]: string };
  /**
   * The StorageClass: one of the driver that took the snapshots.
   * @default - the cluster's default
   */
  readonly storageClassName?: string;
  /**
   * Who may mount them.
   * @default PersistentVolumeAccessMode.READ_WRITE_ONCE
   */
  readonly accessModes?: PersistentVolumeAccessMode[];
  /**
   * Further labels of the claims.
   * @default - none
   */
  readonly labels?: { [label: string]: string };
}

/** Props of the volumes of a group. */
export interface VolumesFromGroupProps extends VolumesFromSnapshotsOptions {
  /** The group. It has to be a coordinated one: only the cluster knows the names of a native group's snapshots. */
  readonly group: IVolumeSnapshotGroup;
  /** Which recovery point, by its id: `RecoveryPoint.id('20260801T023000Z-x7k2p')`. */
  readonly recoveryPoint: RecoveryPoint;
  /**
   * The claims of the group that are restored.
   * @default - all that are known by name
   */
  readonly claims?: string[];
}

/**
 * Claims that begin as the snapshots of one group, as manifests: for a restore that is in Git. An existing claim cannot get another source:
 * applying these over it fails without changing it.
 *
 * Prefer `group.addRestore()` otherwise. It reports an existing claim before it starts, knows sizes and classes by itself, and takes the
 * newest verified group. It also refuses a snapshot that was made again since it was cut; claims in Git take whatever has its name.
 */
export class VolumesFromGroup extends Construct {
  /** The claims, by the claims that were snapshotted. */
  public readonly names: { [claim: string]: string };

  /**
   * @throws InputError when a prop is invalid, or the group is native
   */
  constructor(scope: Construct, id: string, props: VolumesFromGroupProps) {
    super(...checkedConstruct('VolumesFromGroup', scope, id, props));
    const { group, claims = group._members.flatMap(member => member.claims) } = props;
    const point = props.recoveryPoint.bind(this, 'recoveryPoint');
    if (!/^\d{8}T/.test(point)) {
      const because = "a manifest cannot look into the cluster: write RecoveryPoint.id('<id>'), as in the labels of the group's snapshots";
      throw new InputError(this, { prop: 'recoveryPoint', got: point, because });
    }
    if (group._mode.name === 'native') {
      const because = 'only the cluster knows the names of the snapshots of a native group: use group.addRestore(), or VolumeFromSnapshot';
      throw new InputError(this, { prop: 'group', got: group.series, because });
    }
    if (claims.length === 0) {
      const because = 'the claims of this group are found by their labels: name those to restore';
      throw new InputError(this, { prop: 'claims', got: claims, because });
    }
    for (const claim of claims) group._checkClaim(this, 'claims', claim);
    this.names = volumesFromSnapshots(this, props, claims, claim => `${group.series}-${point.toLowerCase()}-${claim}`);
  }
}

/**
 * A claim for each snapshotted claim.
 *
 * @throws InputError when a size or a name is of a claim that is none of them
 * @internal
 */
export function volumesFromSnapshots(
  scope: Construct,
  options: VolumesFromSnapshotsOptions,
  claims: string[],
  snapshotOf: (claim: string) => string,
): { [claim: string]: string } {
  const { size, sizes = {}, names = {}, storageClassName, accessModes, labels } = options;
  for (const [prop, record] of Object.entries({ sizes, names })) {
    for (const claim of Object.keys(record)) {
      if (!claims.includes(claim))
        throw new InputError(scope, { prop, got: claim, because: `write one of the restored claims: ${claims.join(', ')}` });
    }
  }
  const made = claims.map(claim => {
    const volume = new VolumeFromSnapshot(scope, claim, {
      ...{
        name: names[claim] ?? claim,
        snapshotName: snapshotOf(claim),
        size: sizes[claim] ?? size,
        storageClassName,
        accessModes,
        labels,
      },
    });
    return [claim, volume.name];
  });
  return Object.fromEntries(made);
}
