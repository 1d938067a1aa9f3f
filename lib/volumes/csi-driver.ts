import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import type { SecretRef } from '../core/secret-ref';
import { warn } from '../core/warning';

/** Options of the EBS CSI driver for snapshots. */
export interface EbsSnapshotOptions {
  /**
   * Tags of the snapshots in AWS. (aws-ebs-csi-driver, docs/tagging.md.)
   * @default - those of the driver
   */
  readonly tags?: { [key: string]: string };
  /**
   * Availability zones in which volumes made from the snapshots are fast from their first read; AWS bills each zone by the hour.
   * (aws-ebs-csi-driver, docs/fast-snapshot-restores.md.)
   * @default - none: a restored volume reads from S3 on first touch
   */
  readonly fastRestoreZones?: string[];
}

/** Options of the Compute Engine persistent disk CSI driver for snapshots. */
export interface GcePersistentDiskSnapshotOptions {
  /**
   * The region or multi-region where the snapshots are stored, such as 'eu' or 'europe-west3'.
   * @default - the multi-region nearest to the disk
   */
  readonly storageLocation?: string;
  /**
   * Labels of the snapshots in Google Cloud.
   * @default - none
   */
  readonly labels?: { [key: string]: string };
}

/** Options of the Azure disk CSI driver for snapshots. */
export interface AzureDiskSnapshotOptions {
  /**
   * The resource group that keeps the snapshots.
   * @default - as in the disk
   */
  readonly resourceGroup?: string;
  /**
   * Whether only what has changed since the snapshot before is stored.
   * @default true
   */
  readonly incremental?: boolean;
  /**
   * Tags of the snapshots in Azure.
   * @default - none
   */
  readonly tags?: { [key: string]: string };
}

/** Options of the Cinder CSI driver for snapshots. */
export interface CinderSnapshotOptions {
  /**
   * Takes snapshots of volumes that are in use, such as a running server's; otherwise Cinder refuses them.
   * @default true - unlike the driver's own default
   */
  readonly forceCreate?: boolean;
}

/** Options of both CSI drivers of Ceph. */
export interface CephSnapshotOptions {
  /** The Ceph cluster, by its id in the driver's configuration. */
  readonly clusterId: string;
  /** The Secret with the credentials of a Ceph user that may snapshot. */
  readonly secret: SecretRef;
  /** The namespace of that Secret. */
  readonly secretNamespace: string;
  /**
   * The prefix of the driver's name, if it was installed with one. Rook uses the namespace of its operator, 'rook-ceph'. (Rook's
   * documentation, "Ceph CSI Snapshots".)
   * @default - none
   */
  readonly driverPrefix?: string;
}

/** Options of the RBD CSI driver. */
export interface CephRbdSnapshotOptions extends CephSnapshotOptions {
  /**
   * The pool of the images, which group snapshots need.
   * @default - none: no group snapshots
   */
  readonly pool?: string;
}

/** Options of the CephFS CSI driver. */
export interface CephFsSnapshotOptions extends CephSnapshotOptions {
  /**
   * The file system, which group snapshots need.
   * @default - none: no group snapshots
   */
  readonly fileSystem?: string;
}

/** Where Longhorn keeps a snapshot. */
export enum LonghornSnapshotType {
  /** It stays in the cluster, on the nodes of the volume, and is lost with them. */
  SNAPSHOT = 'snap',
  /** It is copied to the backup target outside the cluster. */
  BACKUP = 'bak',
}

/** Options of Longhorn's CSI driver for snapshots. */
export interface LonghornSnapshotOptions {
  /**
   * Where the snapshot is kept.
   * @default LonghornSnapshotType.SNAPSHOT
   */
  readonly type?: LonghornSnapshotType;
  /**
   * Whether a backup copies everything, instead of what has changed since the one before.
   * @default false
   */
  readonly fullBackup?: boolean;
}

/** Options of OpenEBS's LVM CSI driver for snapshots. */
export interface OpenEbsLvmSnapshotOptions {
  /**
   * The space set aside for what changes after the snapshot, as a percentage of the volume ('50%') or a size ('10G'). A snapshot that
   * outgrows it is lost.
   * @default - as much as the volume for a thick one; a thin volume needs none
   */
  readonly snapSize?: string;
}

/**
 * A CSI driver and the parameters of its snapshots.
 *
 * A driver ignores a parameter that it does not know, or fails on it, and only when the snapshot is taken. So each factory offers only what
 * its driver's own documentation or source lists. For other drivers, and for newer parameters, use `CsiDriver.of()`.
 */
export class CsiDriver {
  /**
   * Amazon EBS, `ebs.csi.aws.com`. (kubernetes-sigs/aws-ebs-csi-driver, docs/tagging.md and docs/fast-snapshot-restores.md.)
   */
  public static ebs(options: EbsSnapshotOptions = {}): CsiDriver {
    const tags = Object.entries(options.tags ?? {}).map(([key, value], index) => [`tagSpecification_${index + 1}`, `${key}=${value}`]);
    return new CsiDriver('ebs.csi.aws.com', {
      ...Object.fromEntries(tags),
      ...(options.fastRestoreZones && { fastSnapshotRestoreAvailabilityZones: options.fastRestoreZones.join(',') }),
    });
  }

  /**
   * Compute Engine persistent disks, `pd.csi.storage.gke.io`. (kubernetes-sigs/gcp-compute-persistent-disk-csi-driver,
   * pkg/parameters/parameters.go: it refuses any other parameter.)
   */
  public static gcePersistentDisk(options: GcePersistentDiskSnapshotOptions = {}): CsiDriver {
    return new CsiDriver('pd.csi.storage.gke.io', {
      ...(options.storageLocation && { 'storage-locations': options.storageLocation }),
      ...(options.labels && { labels: pairs(options.labels) }),
    });
  }

  /** Azure disks, `disk.csi.azure.com`. (kubernetes-sigs/azuredisk-csi-driver, docs/driver-parameters.md, "VolumeSnapshotClass".) */
  public static azureDisk(options: AzureDiskSnapshotOptions = {}): CsiDriver {
    return new CsiDriver('disk.csi.azure.com', {
      ...(options.resourceGroup && { resourceGroup: options.resourceGroup }),
      incremental: String(options.incremental ?? true),
      ...(options.tags && { tags: pairs(options.tags) }),
    });
  }

  /**
   * OpenStack Cinder, `cinder.csi.openstack.org`.
   * (kubernetes/cloud-provider-openstack, docs/cinder-csi-plugin/using-cinder-csi-plugin.md, "Supported Parameters".)
   */
  public static cinder(options: CinderSnapshotOptions = {}): CsiDriver {
    return new CsiDriver('cinder.csi.openstack.org', { 'force-create': String(options.forceCreate ?? true) });
  }

  /** Ceph block devices, `rbd.csi.ceph.com`. (ceph/ceph-csi, examples/rbd/snapshotclass.yaml and groupsnapshotclass.yaml.) */
  public static cephRbd(options: CephRbdSnapshotOptions): CsiDriver {
    return ceph('rbd.csi.ceph.com', options, options.pool === undefined ? undefined : { pool: options.pool });
  }

  /** CephFS, `cephfs.csi.ceph.com`. (ceph/ceph-csi, examples/cephfs/snapshotclass.yaml and groupsnapshotclass.yaml.) */
  public static cephFs(options: CephFsSnapshotOptions): CsiDriver {
    return ceph('cephfs.csi.ceph.com', options, options.fileSystem === undefined ? undefined : { fsName: options.fileSystem });
  }

  /**
   * Longhorn, `driver.longhorn.io`.
   * (Longhorn's documentation, "CSI VolumeSnapshot Associated with Longhorn Snapshot" and "... with Longhorn Backup".)
   */
  public static longhorn(options: LonghornSnapshotOptions = {}): CsiDriver {
    return new CsiDriver('driver.longhorn.io', {
      type: options.type ?? LonghornSnapshotType.SNAPSHOT,
      ...(options.fullBackup && { backupMode: 'full' }),
    });
  }

  /** ZFS volumes of OpenEBS, `zfs.csi.openebs.io`; its snapshots have no parameters. (openebs/zfs-localpv, docs/snapshot.md.) */
  public static openEbsZfs(): CsiDriver {
    return new CsiDriver('zfs.csi.openebs.io', {});
  }

  /** LVM volumes of OpenEBS, `local.csi.openebs.io`. (openebs/lvm-localpv, docs/snapshot.md.) */
  public static openEbsLvm(options: OpenEbsLvmSnapshotOptions = {}): CsiDriver {
    return new CsiDriver('local.csi.openebs.io', { ...(options.snapSize && { snapSize: options.snapSize }) });
  }

  /**
   * A directory of one node, `hostpath.csi.k8s.io`: for trials. tar makes its snapshots while the volume is written to. So they do not show
   * one moment, and a file that changes meanwhile fails them ("file changed as we read it"). Synthesis warns of a class of it.
   * (kubernetes-csi/csi-driver-host-path.)
   */
  public static hostPath(): CsiDriver {
    const because =
      'it makes snapshots by tar while the volume is written to: they are not from one point in time, and fail if files change';
    return new CsiDriver('hostpath.csi.k8s.io', {}, {}, because);
  }

  /**
   * Any driver.
   *
   * @param name its name, as `kubectl get csidrivers` has it
   * @param parameters of its snapshots, or of its group snapshots where it is given to a VolumeGroupSnapshotClass
   */
  public static of(name: string, parameters: { [key: string]: string } = {}): CsiDriver {
    return new CsiDriver(name, parameters, parameters);
  }

  /** @internal */
  public constructor(
    /** The driver's name. */
    public readonly name: string,
    private readonly snapshotParameters: { [key: string]: string },
    private readonly groupParameters?: { [key: string]: string },
    private readonly unfit?: string,
  ) {}

  /**
   * Checks the driver and gives the parameters of a VolumeSnapshotClass.
   *
   * @throws InputError when the name is invalid
   * @internal
   */
  public _snapshotParameters(scope: IConstruct): { [key: string]: string } {
    checkObjectName(scope, 'driver', this.name);
    this.warnOf(scope);
    return this.snapshotParameters;
  }

  /**
   * The same for a VolumeGroupSnapshotClass.
   *
   * @throws InputError when the name is invalid, or the driver's group snapshots are not known, or lack an option
   * @internal
   */
  public _groupParameters(scope: IConstruct): { [key: string]: string } {
    checkObjectName(scope, 'driver', this.name);
    this.warnOf(scope);
    if (!this.groupParameters) {
      const because = this.name.endsWith('.csi.ceph.com')
        ? 'group snapshots of Ceph need more options: set pool (RBD) or fileSystem (CephFS)'
        : `its documentation has no group snapshots; if your release has them, write CsiDriver.of('${this.name}', parameters)`;
      throw new InputError(scope, { prop: 'driver', got: this.name, because });
    }
    return this.groupParameters;
  }

  private warnOf(scope: IConstruct): void {
    if (this.unfit) warn(scope, `${this.name} is a driver for trials: ${this.unfit}`);
  }
}

function ceph(name: string, options: CephSnapshotOptions, group?: { [key: string]: string }): CsiDriver {
  const secret = (of: string) => ({
    [`csi.storage.k8s.io/${of}-secret-name`]: options.secret.name,
    [`csi.storage.k8s.io/${of}-secret-namespace`]: options.secretNamespace,
  });
  return new CsiDriver(
    [options.driverPrefix, name].filter(Boolean).join('.'),
    { clusterID: options.clusterId, ...secret('snapshotter') },
    group && { clusterID: options.clusterId, ...group, ...secret('group-snapshotter') },
  );
}

/** `key1=value1,key2=value2`, as both clouds want it. */
function pairs(of: { [key: string]: string }): string {
  return Object.entries(of)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
