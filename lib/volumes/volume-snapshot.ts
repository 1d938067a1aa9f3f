import { Construct } from 'constructs';
import * as snapshot from '../../imports/snapshot.storage.k8s.io';
import { checkedConstruct } from '../core/given';
import { checkObjectName } from '../core/names';
import { KEEP_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { STANDARD_LABELS } from '../kubernetes/labels';

/** The source of a snapshot. */
export class VolumeSnapshotSource {
  /**
   * A claim, whose volume is snapshotted when the object is applied.
   *
   * @param name the claim's, in the snapshot's namespace
   */
  public static claim(name: string): VolumeSnapshotSource {
    return new VolumeSnapshotSource('persistentVolumeClaimName', name);
  }

  /**
   * An existing VolumeSnapshotContent: a snapshot that the storage system has, brought into this namespace.
   *
   * @param name the content's
   */
  public static content(name: string): VolumeSnapshotSource {
    return new VolumeSnapshotSource('volumeSnapshotContentName', name);
  }

  private constructor(
    private readonly field: 'persistentVolumeClaimName' | 'volumeSnapshotContentName',
    private readonly name: string,
  ) {}

  /** @internal */
  public _toSpec(scope: Construct): snapshot.VolumeSnapshotSpecSource {
    return { [this.field]: checkObjectName(scope, 'source', this.name) };
  }
}

/** Props of a VolumeSnapshot. */
export interface VolumeSnapshotProps {
  /** What it is made of. */
  readonly source: VolumeSnapshotSource;
  /**
   * Its name.
   * @default - the construct's id
   */
  readonly name?: string;
  /**
   * The VolumeSnapshotClass that takes it.
   * @default - the default of the volume's driver; for existing content, the content's
   */
  readonly snapshotClassName?: string;
}

/**
 * One snapshot of one volume, taken when the object is first applied and never again. Its source cannot be changed, and applying it a
 * second time does nothing. For repeated snapshots that are consistent with each other, use `VolumeSnapshotGroup`.
 *
 * Deleting the object deletes the data, if its class says Delete. So deploy tools are told to leave it alone, even when it is no longer in
 * Git; delete it by hand.
 *
 * It is in the same storage as the volume: what destroys one may destroy the other. It is not an off-site copy.
 */
export class VolumeSnapshot extends Construct {
  /** Its name. */
  public readonly name: string;

  /**
   * @throws InputError when a name is invalid
   */
  constructor(scope: Construct, id: string, props: VolumeSnapshotProps) {
    super(...checkedConstruct('VolumeSnapshot', scope, id, props));
    this.name = checkObjectName(this, 'name', props.name ?? id);
    new snapshot.VolumeSnapshot(this, 'Snapshot', {
      metadata: { name: this.name, labels: { ...STANDARD_LABELS }, annotations: { ...KEEP_ANNOTATIONS } },
      spec: {
        source: props.source._toSpec(this),
        ...(props.snapshotClassName !== undefined && {
          volumeSnapshotClassName: checkObjectName(this, 'snapshotClassName', props.snapshotClassName),
        }),
      },
    });
  }
}
