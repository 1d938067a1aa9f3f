import { type Chart, Size } from 'cdk8s';
import { RecoveryPoint } from 'cdk8s-backup';
import { VolumeFromSnapshot, VolumeSnapshot, type VolumeSnapshotGroup, VolumeSnapshotSource, VolumesFromGroup } from 'cdk8s-backup/volumes';
import type { Storage } from '../storage/storage';

/** A recovery point of the group beside the application, to look into: other claims, in Git. */
export function lookInto(chart: Chart, group: VolumeSnapshotGroup): void {
  new VolumesFromGroup(chart, 'gallery-look', {
    group,
    recoveryPoint: RecoveryPoint.id('20261101T040000Z-x7k2p'),
    names: { 'data-gallery-db-0': 'data-gallery-look-0', pictures: 'pictures-look' },
    size: Size.gibibytes(100),
    sizes: { 'data-gallery-db-0': Size.gibibytes(20) },
    storageClassName: 'ceph-block',
  });
}

/** One volume by itself, as it was before an import, and another one made of that, to try the import on. */
export function beforeImport(chart: Chart, storage: Storage): void {
  new VolumeSnapshot(chart, 'pictures-before-import', {
    source: VolumeSnapshotSource.claim('pictures'),
    snapshotClassName: storage.single.name,
  });
  new VolumeFromSnapshot(chart, 'pictures-trial', {
    snapshotName: 'pictures-before-import',
    size: Size.gibibytes(100),
    storageClassName: 'ceph-block',
  });
}
