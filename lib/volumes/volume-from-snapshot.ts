import type { Size } from 'cdk8s';
import { k8s, PersistentVolumeAccessMode, PersistentVolumeMode } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { checkObjectName } from '../core/names';
import { KEEP_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { STANDARD_LABELS } from '../kubernetes/labels';

/** Props of a volume from a snapshot. */
export interface VolumeFromSnapshotProps {
  /** The VolumeSnapshot, in the claim's namespace. */
  readonly snapshotName: string;
  /** The volume's size: at least the snapshot's `status.restoreSize`, or the driver makes no volume. */
  readonly size: Size;
  /**
   * The claim's name.
   * @default - the construct's id
   */
  readonly name?: string;
  /**
   * The StorageClass: one of the driver that took the snapshot.
   * @default - the cluster's default
   */
  readonly storageClassName?: string;
  /**
   * Who may mount it.
   * @default PersistentVolumeAccessMode.READ_WRITE_ONCE
   */
  readonly accessModes?: PersistentVolumeAccessMode[];
  /**
   * Whether it is a file system or a block device. It has to be what the snapshotted volume was. Another one needs the annotation
   * `snapshot.storage.kubernetes.io/allow-volume-mode-change` on the snapshot's content. (Kubernetes documentation, "Volume Snapshots",
   * "Converting the volume mode of a Snapshot".)
   * @default PersistentVolumeMode.FILE_SYSTEM
   */
  readonly volumeMode?: PersistentVolumeMode;
  /**
   * Further labels of the claim.
   * @default - none
   */
  readonly labels?: { [label: string]: string };
}

/**
 * A claim whose new volume begins with the contents of a snapshot. The snapshot stays as it is, and must stay until the claim is bound.
 * With a StorageClass that waits for the first consumer, that is when the first pod mounts it.
 *
 * Deploy tools are told to leave the claim alone: it is somebody's data from then on.
 */
export class VolumeFromSnapshot extends Construct {
  /** The claim's name. */
  public readonly name: string;

  /**
   * @throws InputError when a name is invalid
   */
  constructor(scope: Construct, id: string, props: VolumeFromSnapshotProps) {
    super(...checkedConstruct('VolumeFromSnapshot', scope, id, props));
    this.name = checkObjectName(this, 'name', props.name ?? id);
    kubernetesObject(this, 'Claim', k8s.KubePersistentVolumeClaim.GVK, {
      metadata: { name: this.name, labels: { ...STANDARD_LABELS, ...props.labels }, annotations: { ...KEEP_ANNOTATIONS } },
      spec: {
        accessModes: props.accessModes ?? [PersistentVolumeAccessMode.READ_WRITE_ONCE],
        ...(props.storageClassName !== undefined && {
          storageClassName: checkObjectName(this, 'storageClassName', props.storageClassName),
        }),
        volumeMode: props.volumeMode ?? PersistentVolumeMode.FILE_SYSTEM,
        resources: { requests: { storage: k8s.Quantity.fromString(props.size.asString()) } },
        dataSource: {
          apiGroup: 'snapshot.storage.k8s.io',
          kind: 'VolumeSnapshot',
          name: checkObjectName(this, 'snapshotName', props.snapshotName),
        },
      },
    });
  }
}
