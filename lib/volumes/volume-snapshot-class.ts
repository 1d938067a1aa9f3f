import { ApiObject, JsonPatch } from 'cdk8s';
import { Construct } from 'constructs';
import * as group from '../../imports/groupsnapshot.storage.k8s.io';
import * as snapshot from '../../imports/snapshot.storage.k8s.io';
import { checkedConstruct } from '../core/given';
import { checkObjectName } from '../core/names';
import { STANDARD_LABELS } from '../kubernetes/labels';
import type { CsiDriver } from './csi-driver';
import { GroupSnapshotVersion } from './group/snapshot-mode';

/** What happens to a snapshot's data when its object is deleted. */
export enum SnapshotDeletionPolicy {
  /** It is deleted with the object. */
  DELETE = 'Delete',
  /** It stays in the storage system, and costs, until somebody deletes it there. */
  RETAIN = 'Retain',
}

/** Options of both classes of snapshots. */
export interface SnapshotClassOptions {
  /** The CSI driver of the volumes, with its parameters. */
  readonly driver: CsiDriver;
  /**
   * The name that snapshots refer to.
   * @default - the construct's id
   */
  readonly name?: string;
  /**
   * What happens to a snapshot when its object is deleted.
   *
   * Retention deletes objects. With RETAIN that frees nothing, and pruned snapshots pile up in the storage system where no cluster knows of
   * them. Use RETAIN if somebody who can delete objects must not be able to delete data.
   * @default SnapshotDeletionPolicy.DELETE
   */
  readonly deletionPolicy?: SnapshotDeletionPolicy;
  /**
   * Whether snapshots of this driver's volumes use it when they name no class. With two defaults of one driver, these snapshots fail.
   * (Kubernetes documentation, "Volume Snapshot Classes".)
   * @default false
   */
  readonly isDefault?: boolean;
  /**
   * Whether Velero uses it for volumes of this driver. (Velero's documentation, "Container Storage Interface Snapshot Support".)
   * @default false
   */
  readonly usedByVelero?: boolean;
}

/** Props of a VolumeSnapshotClass. */
export interface VolumeSnapshotClassProps extends SnapshotClassOptions {}

/**
 * How snapshots of a CSI driver's volumes are taken: a VolumeSnapshotClass, for the whole cluster. It cannot be changed once it is applied;
 * give a changed one another name.
 */
export class VolumeSnapshotClass extends Construct {
  /** The name that snapshots refer to. */
  public readonly name: string;

  /**
   * @throws InputError when the name or the driver is invalid
   */
  constructor(scope: Construct, id: string, props: VolumeSnapshotClassProps) {
    super(...checkedConstruct('VolumeSnapshotClass', scope, id, props));
    this.name = checkObjectName(this, 'name', props.name ?? id);
    const parameters = props.driver._snapshotParameters(this);
    const { DELETE, RETAIN } = snapshot.VolumeSnapshotClassDeletionPolicy;
    const object = new snapshot.VolumeSnapshotClass(this, 'Class', {
      metadata: metadata(this.name, props, 'snapshot.storage.kubernetes.io', 'velero.io/csi-volumesnapshot-class'),
      driver: props.driver.name,
      deletionPolicy: props.deletionPolicy === SnapshotDeletionPolicy.RETAIN ? RETAIN : DELETE,
      ...(Object.keys(parameters).length > 0 && { parameters }),
    });
    clusterScoped(object);
  }
}

/** Props of a VolumeGroupSnapshotClass. */
export interface VolumeGroupSnapshotClassProps extends SnapshotClassOptions {
  /**
   * The version of the API that the cluster's snapshot controller serves.
   * @default GroupSnapshotVersion.V1BETA2
   */
  readonly apiVersion?: GroupSnapshotVersion;
}

/**
 * How a CSI driver takes snapshots of several volumes at one moment: a VolumeGroupSnapshotClass, for the whole cluster. It cannot be
 * changed once it is applied; give a changed one another name.
 */
export class VolumeGroupSnapshotClass extends Construct {
  /** The name that group snapshots refer to. */
  public readonly name: string;

  /**
   * @throws InputError when the name is invalid, or the driver's group snapshots are not known
   */
  constructor(scope: Construct, id: string, props: VolumeGroupSnapshotClassProps) {
    super(...checkedConstruct('VolumeGroupSnapshotClass', scope, id, props));
    this.name = checkObjectName(this, 'name', props.name ?? id);
    const parameters = props.driver._groupParameters(this);
    const version = props.apiVersion ?? GroupSnapshotVersion.V1BETA2;
    const { DELETE, RETAIN } = group.VolumeGroupSnapshotClassDeletionPolicy;
    const manifest = group.VolumeGroupSnapshotClass.manifest({
      metadata: metadata(this.name, props, 'groupsnapshot.storage.kubernetes.io', 'velero.io/csi-volumegroupsnapshot-class'),
      driver: props.driver.name,
      deletionPolicy: props.deletionPolicy === SnapshotDeletionPolicy.RETAIN ? RETAIN : DELETE,
      ...(Object.keys(parameters).length > 0 && { parameters }),
    });
    // The three versions differ in nothing but their name.
    clusterScoped(new ApiObject(this, 'Class', { ...manifest, apiVersion: `groupsnapshot.storage.k8s.io/${version}` }));
  }
}

function metadata(name: string, props: SnapshotClassOptions, group: string, velero: string) {
  return {
    name,
    labels: { ...STANDARD_LABELS, ...(props.usedByVelero && { [velero]: 'true' }) },
    ...(props.isDefault && { annotations: { [`${group}/is-default-class`]: 'true' } }),
  };
}

/** A chart stamps its namespace on everything. */
function clusterScoped(object: ApiObject): void {
  object.addJsonPatch(JsonPatch.add('/metadata/namespace', ''), JsonPatch.remove('/metadata/namespace'));
}
