import { Chart, Duration } from 'cdk8s';
import { Schedule, SecretRef } from 'cdk8s-backup';
import {
  VeleroBackupStorageLocation,
  VeleroCheck,
  VeleroOrderedResources,
  VeleroProtection,
  VeleroResourcePolicies,
  VeleroRestoreJob,
  VeleroSchedule,
  VeleroVolume,
  VeleroVolumePolicy,
  VeleroVolumeSnapshotLocation,
} from 'cdk8s-backup/velero';
import type { Construct } from 'constructs';
import type { Gallery } from '../gallery/gallery';
import type { Store } from '../store/store';
import { catalogDump } from './dump';

/** Velero backs up the gallery's objects with its volumes, off the cluster. It is installed by whoever runs the cluster. */
export class Velero extends Chart {
  public readonly galleryDaily: VeleroSchedule;

  public constructor(scope: Construct, { gallery, store }: { readonly gallery: Gallery; readonly store: Store }) {
    super(scope, 'velero', { namespace: 'velero' });
    const bucket = new VeleroBackupStorageLocation(this, 'offsite', {
      provider: 'aws',
      bucket: 'acme-velero',
      prefix: 'production',
      config: { region: 'eu-west-1' },
      credentials: SecretRef.named('cloud-credentials').key('cloud'),
      isDefault: true,
    });
    const disks = new VeleroVolumeSnapshotLocation(this, 'disks', { provider: 'aws', config: { region: 'eu-west-1' } });
    this.galleryDaily = new VeleroSchedule(this, 'gallery-daily', {
      schedule: Schedule.daily({ at: '21:30', timeZone: 'Europe/Berlin' }),
      includedNamespaces: ['gallery'],
      storageLocation: bucket.name,
      volumeSnapshotLocations: [disks.name],
      snapshotMoveData: true,
      ttl: Duration.days(14),
      orderedResources: VeleroOrderedResources.none().pods('gallery/gallery-db-0', 'gallery/thumbnails-0'),
      resourcePolicies: new VeleroResourcePolicies(this, 'gallery-volumes', {
        volumePolicies: [VeleroVolumePolicy.skip({ claimLabels: { 'gallery.example/scratch': 'yes' } })],
      }),
    });
    VeleroProtection.of(gallery.database, {
      quiesce: gallery.quiesce,
      volumes: [VeleroVolume.snapshot('data')],
      backup: this.galleryDaily,
    });

    // A quiesce has two hooks, and each of the thumbnails' pods one.
    new VeleroCheck(this, 'gallery-check', { veleroSchedule: this.galleryDaily, expectedHooks: 4 });

    // The same namespace beside itself, when somebody asks: kubectl -n velero create job --from=cronjob/gallery-copy gallery-copy-1
    new VeleroRestoreJob(this, 'gallery-copy', {
      scheduleName: this.galleryDaily.name,
      includedNamespaces: ['gallery'],
      namespaceMapping: { gallery: 'gallery-copy' },
    });

    catalogDump(this, store);
  }
}
