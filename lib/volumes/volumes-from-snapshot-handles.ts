import { ApiObject, Chart, JsonPatch } from 'cdk8s';
import { PersistentVolumeMode } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import * as snapshot from '../../imports/snapshot.storage.k8s.io';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { KEEP_NOTED_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { STANDARD_LABELS } from '../kubernetes/labels';
import type { CsiDriver } from './csi-driver';
import { VolumeSnapshot, VolumeSnapshotSource } from './volume-snapshot';
import { type VolumesFromSnapshotsOptions, volumesFromSnapshots } from './volumes-from-group';

/** Props of volumes that are made from snapshots in the storage system. */
export interface VolumesFromSnapshotHandlesProps extends VolumesFromSnapshotsOptions {
  /** The driver that took the snapshots. */
  readonly driver: CsiDriver;
  /** The snapshots' names in the storage system, by the claims that were snapshotted: `{ 'data-db-0': 'snap-0a1b2c3d' }`. */
  readonly handles: { [claim: string]: string };
}

/**
 * Claims in this namespace that begin as snapshots taken in another namespace, or in another cluster with the same storage.
 *
 * A VolumeSnapshot belongs to its namespace. Namespaces share the snapshot in the storage system: a VolumeSnapshotContent of its own brings
 * in that snapshot's handle, and a VolumeSnapshot refers to it. (Kubernetes documentation, "Volume Snapshots", "Pre-provisioned".) These
 * objects say Retain, so deleting them never deletes the snapshot. The snapshot is deleted with its group: the group has to stay until the
 * claims are bound.
 *
 * The snapshot controller notes the VolumeSnapshot's uid in the VolumeSnapshotContent, in a field that is one whole (`volumeSnapshotRef`).
 * So a second `kubectl apply --server-side` is a conflict there. Apply them client-side, or with `--force-conflicts`, after which the
 * controller notes it once more. Annotations tell Argo CD and Flux. If you delete a VolumeSnapshot, delete its VolumeSnapshotContent too
 * before both are made again: it belongs to the old one.
 *
 * The handles of a group in namespace `shop`, by its recovery point:
 *
 * ```sh
 * kubectl get volumesnapshotcontents -o go-template='{{range .items}}{{.spec.volumeSnapshotRef.namespace}} {{.spec.volumeSnapshotRef.name}} {{.status.snapshotHandle}}{{"\n"}}{{end}}' |
 *   grep '^shop shop-20260801t023000z-x7k2p-'
 * ```
 */
export class VolumesFromSnapshotHandles extends Construct {
  /** The claims, by the claims that were snapshotted. */
  public readonly names: { [claim: string]: string };

  /**
   * @throws InputError when a prop is invalid, or the chart has no namespace
   */
  constructor(scope: Construct, id: string, props: VolumesFromSnapshotHandlesProps) {
    super(...checkedConstruct('VolumesFromSnapshotHandles', scope, id, props));
    const { namespace } = Chart.of(this);
    if (namespace === undefined) {
      const because = 'the snapshot contents have to name their namespace: give the chart a namespace';
      throw new InputError(this, { prop: 'namespace', got: undefined, because });
    }
    const claims = Object.keys(props.handles);
    if (claims.length === 0) {
      throw new InputError(this, { prop: 'handles', got: {}, because: "name a snapshot, for example { 'data-db-0': 'snap-0a1b2c3d' }" });
    }
    // The driver's name is checked as that of a class would be.
    props.driver._snapshotParameters(this);
    for (const claim of claims) this.bringIn(namespace, claim, props);
    this.names = volumesFromSnapshots(this, props, claims, claim => this.nameOf(claim));
  }

  private bringIn(namespace: string, claim: string, { driver, handles }: VolumesFromSnapshotHandlesProps): void {
    const handle = handles[claim] ?? '';
    if (handle.trim() === '') {
      throw new InputError(this, {
        prop: `handles.${claim}`,
        got: handle,
        because: 'write the name of the snapshot in the storage system',
      });
    }
    const name = this.nameOf(claim);
    // Contents belong to the cluster: the namespace keeps them apart.
    const contentName = `${namespace}-${name}`;
    const content = new snapshot.VolumeSnapshotContent(this, `${claim}-content`, {
      metadata: { name: contentName, labels: { ...STANDARD_LABELS }, annotations: { ...KEEP_NOTED_ANNOTATIONS } },
      spec: {
        deletionPolicy: snapshot.VolumeSnapshotContentSpecDeletionPolicy.RETAIN,
        driver: driver.name,
        source: { snapshotHandle: handle },
        sourceVolumeMode: PersistentVolumeMode.FILE_SYSTEM,
        volumeSnapshotRef: { name, namespace },
      },
    });
    ApiObject.of(content).addJsonPatch(JsonPatch.remove('/metadata/namespace'));
    new VolumeSnapshot(this, `${claim}-snapshot`, { name, source: VolumeSnapshotSource.content(contentName) });
  }

  private nameOf(claim: string): string {
    return `${this.node.id}-${claim}`;
  }
}
