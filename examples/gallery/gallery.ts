import { Chart, Duration } from 'cdk8s';
import { Assertion, Engine, MariadbVersion, Retention, Schedule, SecretRef } from 'cdk8s-backup';
import { RecoveryOrder } from 'cdk8s-backup/velero';
import { type IQuiesce, Quiesce, SnapshotMode, VolumeCheck, VolumeSnapshotGroup, VolumeSnapshotMember } from 'cdk8s-backup/volumes';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { Storage } from '../storage/storage';
import { galleryDatabase } from './database';
import { beforeImport, lookInto } from './pictures';
import { thumbnailCache } from './thumbnails';

/** A gallery: its pictures and what its database says of them belong together. */
export class Gallery extends Chart {
  public readonly database: k8s.KubeStatefulSet;
  public readonly quiesce: IQuiesce;

  public constructor(scope: Construct, storage: Storage) {
    super(scope, 'gallery', { namespace: 'gallery' });
    this.database = galleryDatabase(this);
    this.quiesce = Quiesce.mariadb({ version: MariadbVersion.V10_11, credentials: SecretRef.named('gallery-quiesce') });
    const galleryVolumes = new VolumeSnapshotGroup(this, 'gallery', {
      members: [VolumeSnapshotMember.workload(this.database, { quiesce: this.quiesce }), VolumeSnapshotMember.claims(['pictures'])],
      schedule: Schedule.every(Duration.hours(4)),
      retention: Retention.keep({ last: 6, daily: 3 }),
      snapshotClassName: storage.single.name,
    });
    // Proven every night: a server starts on a volume of the snapshot; the pictures can be read.
    galleryVolumes.addVerification({
      schedule: Schedule.daily({ at: '05:30' }),
      checks: [
        VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), {
          claims: ['data-gallery-db-0'],
          assertions: [Assertion.atLeast('select count(*) from albums', 1, { database: 'gallery' })],
        }),
      ],
    });
    galleryVolumes.addRestore();
    lookInto(this, galleryVolumes);
    // The same by the driver, at one instant, of whatever has the label.
    new VolumeSnapshotGroup(this, 'gallery-instant', {
      members: [VolumeSnapshotMember.selecting({ app: 'gallery' })],
      mode: SnapshotMode.native({ selector: { app: 'gallery' }, groupClassName: storage.together.name }),
      schedule: Schedule.daily({ at: '23:00' }),
      retention: Retention.keep({ daily: 2 }),
    }).addVerification({
      checks: [VolumeCheck.engine(Engine.mariadbPhysical({ version: MariadbVersion.V10_11 }), { claims: ['data-gallery-db-0'] })],
    });
    beforeImport(this, storage);
    const thumbnails = thumbnailCache(this);
    RecoveryOrder.of(this.database, { priority: 10 });
    RecoveryOrder.of(thumbnails, { dependsOn: [this.database] });
  }
}
