import type { Api } from '../api/api';

export const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';
export const GROUP_SNAPSHOT_GROUP = 'groupsnapshot.storage.k8s.io';

export type Kinds = ReturnType<typeof kindsOf>;

/** The kinds that controllers work on. */
export function kindsOf(api: Api) {
  const of = (group: string, kind: string) => api.resource(group, { kind });
  return {
    claim: of('', 'PersistentVolumeClaim'),
    event: of('', 'Event'),
    namespace: of('', 'Namespace'),
    pod: of('', 'Pod'),
    serviceAccount: of('', 'ServiceAccount'),
    volume: of('', 'PersistentVolume'),
    deployment: of('apps', 'Deployment'),
    statefulSet: of('apps', 'StatefulSet'),
    cronJob: of('batch', 'CronJob'),
    job: of('batch', 'Job'),
    storageClass: of('storage.k8s.io', 'StorageClass'),
    snapshot: of(SNAPSHOT_GROUP, 'VolumeSnapshot'),
    snapshotClass: of(SNAPSHOT_GROUP, 'VolumeSnapshotClass'),
    snapshotContent: of(SNAPSHOT_GROUP, 'VolumeSnapshotContent'),
    group: of(GROUP_SNAPSHOT_GROUP, 'VolumeGroupSnapshot'),
    groupClass: of(GROUP_SNAPSHOT_GROUP, 'VolumeGroupSnapshotClass'),
    groupContent: of(GROUP_SNAPSHOT_GROUP, 'VolumeGroupSnapshotContent'),
  };
}
