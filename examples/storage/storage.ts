import { Chart } from 'cdk8s';
import { SecretRef } from 'cdk8s-backup';
import { CsiDriver, VolumeGroupSnapshotClass, VolumeSnapshotClass } from 'cdk8s-backup/volumes';
import type { Construct } from 'constructs';

/** What the cluster's storage can do: snapshots, and snapshots of several volumes at one instant. */
export class Storage extends Chart {
  public readonly ceph: CsiDriver;
  public readonly single: VolumeSnapshotClass;
  public readonly together: VolumeGroupSnapshotClass;

  public constructor(scope: Construct) {
    super(scope, 'storage');
    this.ceph = CsiDriver.cephRbd({
      clusterId: 'rook-ceph',
      secret: SecretRef.named('rook-csi-rbd-provisioner'),
      secretNamespace: 'rook-ceph',
      driverPrefix: 'rook-ceph',
      pool: 'replicapool',
    });
    this.single = new VolumeSnapshotClass(this, 'ceph-block', { driver: this.ceph, isDefault: true, usedByVelero: true });
    this.together = new VolumeGroupSnapshotClass(this, 'ceph-block-group', { driver: this.ceph, usedByVelero: true });
  }
}
