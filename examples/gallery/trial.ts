import { Chart, Size } from 'cdk8s';
import { VolumesFromSnapshotHandles } from 'cdk8s-backup/volumes';
import type { Construct } from 'constructs';
import type { Storage } from '../storage/storage';

/** A group of the gallery in a namespace of its own, by the handles that the storage has for its snapshots: to look into it, or to try a new version on it. */
export class GalleryTrial extends Chart {
  public constructor(scope: Construct, storage: Storage) {
    super(scope, 'gallery-trial', { namespace: 'gallery-trial' });
    new VolumesFromSnapshotHandles(this, 'gallery', {
      driver: storage.ceph,
      handles: {
        'data-gallery-db-0': '0001-0009-rook-ceph-0000000000000002-5f3c4a52-0001-11f0-9a1e-0242ac110003',
        pictures: '0001-0009-rook-ceph-0000000000000002-5f3c4a53-0001-11f0-9a1e-0242ac110003',
      },
      size: Size.gibibytes(100),
      sizes: { 'data-gallery-db-0': Size.gibibytes(20) },
      storageClassName: 'ceph-block',
    });
  }
}
