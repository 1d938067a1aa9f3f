import { App, Chart, Size } from 'cdk8s';
import { expect, test } from 'vitest';
import { SecretRef } from '../../lib';
import { warnings } from '../../lib/core/warning';
import {
  CsiDriver,
  GroupSnapshotVersion,
  LonghornSnapshotType,
  SnapshotDeletionPolicy,
  VolumeFromSnapshot,
  VolumeGroupSnapshotClass,
  VolumeSnapshot,
  VolumeSnapshotClass,
  VolumeSnapshotSource,
} from '../../lib/volumes';
import { chart, objects } from '../support/synth';

const ceph = { clusterId: 'b9127830', secret: SecretRef.named('csi-rbd'), secretNamespace: 'ceph' };

/** What a class of this driver says. */
function parameters(driver: CsiDriver): object {
  const platform = chart();
  new VolumeSnapshotClass(platform, 'class', { driver });
  return objects(platform)['VolumeSnapshotClass/class'].parameters;
}

test('a class belongs to the whole cluster, and says what becomes of the data', () => {
  const platform = chart('kube-system');
  new VolumeSnapshotClass(platform, 'fast', { driver: CsiDriver.openEbsZfs(), isDefault: true, usedByVelero: true });
  new VolumeSnapshotClass(platform, 'kept', {
    driver: CsiDriver.openEbsZfs(),
    name: 'zfs-kept',
    deletionPolicy: SnapshotDeletionPolicy.RETAIN,
  });
  expect(objects(platform)['VolumeSnapshotClass/fast']).toEqual({
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotClass',
    metadata: {
      name: 'fast',
      annotations: { 'snapshot.storage.kubernetes.io/is-default-class': 'true' },
      labels: {
        'app.kubernetes.io/managed-by': 'cdk8s-backup',
        'app.kubernetes.io/name': 'cdk8s-backup',
        'app.kubernetes.io/part-of': 'backup',
        'velero.io/csi-volumesnapshot-class': 'true',
      },
    },
    driver: 'zfs.csi.openebs.io',
    deletionPolicy: 'Delete',
  });
  expect(objects(platform)['VolumeSnapshotClass/zfs-kept'].deletionPolicy).toBe('Retain');
});

test('a class stands in a chart without a namespace as well', () => {
  const platform = new Chart(new App(), 'platform');
  new VolumeSnapshotClass(platform, 'fast', { driver: CsiDriver.openEbsZfs() });
  expect(objects(platform)['VolumeSnapshotClass/fast'].metadata).not.toHaveProperty('namespace');
});

test('every driver is told what it knows', () => {
  expect(parameters(CsiDriver.ebs({ tags: { team: 'shop', env: 'prod' }, fastRestoreZones: ['eu-central-1a', 'eu-central-1b'] }))).toEqual({
    tagSpecification_1: 'team=shop',
    tagSpecification_2: 'env=prod',
    fastSnapshotRestoreAvailabilityZones: 'eu-central-1a,eu-central-1b',
  });
  expect(parameters(CsiDriver.gcePersistentDisk({ storageLocation: 'eu', labels: { team: 'shop' } }))).toEqual({
    'storage-locations': 'eu',
    labels: 'team=shop',
  });
  expect(parameters(CsiDriver.azureDisk({ resourceGroup: 'backups', tags: { a: '1', b: '2' } }))).toEqual({
    resourceGroup: 'backups',
    incremental: 'true',
    tags: 'a=1,b=2',
  });
  expect(parameters(CsiDriver.cinder())).toEqual({ 'force-create': 'true' });
  expect(parameters(CsiDriver.cephRbd(ceph))).toEqual({
    clusterID: 'b9127830',
    'csi.storage.k8s.io/snapshotter-secret-name': 'csi-rbd',
    'csi.storage.k8s.io/snapshotter-secret-namespace': 'ceph',
  });
  expect(parameters(CsiDriver.longhorn({ type: LonghornSnapshotType.BACKUP, fullBackup: true }))).toEqual({
    type: 'bak',
    backupMode: 'full',
  });
  expect(parameters(CsiDriver.openEbsLvm({ snapSize: '50%' }))).toEqual({ snapSize: '50%' });
  expect(parameters(CsiDriver.hostPath())).toBeUndefined();
  expect(parameters(CsiDriver.of('csi.vsphere.vmware.com'))).toBeUndefined();
});

test('a class of group snapshots is of the version that the cluster serves', () => {
  const platform = chart('kube-system');
  new VolumeGroupSnapshotClass(platform, 'together', {
    driver: CsiDriver.cephRbd({ ...ceph, driverPrefix: 'rook-ceph', pool: 'replicapool' }),
  });
  new VolumeGroupSnapshotClass(platform, 'files', {
    driver: CsiDriver.cephFs({ ...ceph, fileSystem: 'shared' }),
    apiVersion: GroupSnapshotVersion.V1,
    isDefault: true,
    usedByVelero: true,
  });
  const made = objects(platform);
  expect(made['VolumeGroupSnapshotClass/together']).toMatchObject({
    apiVersion: 'groupsnapshot.storage.k8s.io/v1beta2',
    driver: 'rook-ceph.rbd.csi.ceph.com',
    parameters: {
      clusterID: 'b9127830',
      pool: 'replicapool',
      'csi.storage.k8s.io/group-snapshotter-secret-name': 'csi-rbd',
      'csi.storage.k8s.io/group-snapshotter-secret-namespace': 'ceph',
    },
  });
  expect(made['VolumeGroupSnapshotClass/files']).toMatchObject({
    apiVersion: 'groupsnapshot.storage.k8s.io/v1',
    metadata: {
      annotations: { 'groupsnapshot.storage.kubernetes.io/is-default-class': 'true' },
      labels: { 'velero.io/csi-volumegroupsnapshot-class': 'true' },
    },
    parameters: { fsName: 'shared' },
  });
  expect(made['VolumeGroupSnapshotClass/files'].metadata).not.toHaveProperty('namespace');
});

test('a snapshot is kept from deploy tools, which would delete its data', () => {
  const shop = chart();
  new VolumeSnapshot(shop, 'before-upgrade', { source: VolumeSnapshotSource.claim('data-db-0'), snapshotClassName: 'fast' });
  new VolumeSnapshot(shop, 'brought', { source: VolumeSnapshotSource.content('from-the-old-cluster') });
  expect(objects(shop)['VolumeSnapshot/before-upgrade']).toMatchObject({
    metadata: {
      namespace: 'shop',
      annotations: {
        'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
        'kustomize.toolkit.fluxcd.io/prune': 'disabled',
      },
    },
    spec: { source: { persistentVolumeClaimName: 'data-db-0' }, volumeSnapshotClassName: 'fast' },
  });
  expect(objects(shop)['VolumeSnapshot/brought'].spec).toEqual({ source: { volumeSnapshotContentName: 'from-the-old-cluster' } });
});

test('a claim begins with what a snapshot holds', () => {
  const shop = chart();
  new VolumeFromSnapshot(shop, 'data-db-0', {
    snapshotName: 'before-upgrade',
    size: Size.gibibytes(10),
    storageClassName: 'fast',
    labels: { app: 'db' },
  });
  expect(objects(shop)['PersistentVolumeClaim/data-db-0']).toMatchObject({
    metadata: { labels: { app: 'db' }, annotations: { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' } },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'fast',
      volumeMode: 'Filesystem',
      resources: { requests: { storage: '10Gi' } },
      dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'before-upgrade' },
    },
  });
});

test('what is invalid is refused', () => {
  const group = (driver: CsiDriver) => () => new VolumeGroupSnapshotClass(chart(), 'class', { driver });
  const source = VolumeSnapshotSource.claim('data');
  expect(group(CsiDriver.ebs())).toThrow(/^shop\/class: driver is "ebs.csi.aws.com": .*CsiDriver.of\('ebs.csi.aws.com', parameters\)/);
  expect(group(CsiDriver.cephRbd(ceph))).toThrow(/driver is "rbd.csi.ceph.com": group snapshots of Ceph need more options: set pool/);
  expect(() => parameters(CsiDriver.of('EBS'))).toThrow(/shop\/class: driver is "EBS": write the name/);
  expect(() => new VolumeSnapshotClass(chart(), 'A', { driver: CsiDriver.ebs() })).toThrow(/shop\/A: name is "A"/);
  expect(() => new VolumeSnapshot(chart(), 'A', { source })).toThrow(/shop\/A: name is "A"/);
  expect(() => new VolumeSnapshot(chart(), 'a', { source: VolumeSnapshotSource.claim('') })).toThrow(
    /shop\/a: source is "": write the name/,
  );
  expect(() => new VolumeSnapshot(chart(), 'a', { source, snapshotClassName: 'A' })).toThrow(/shop\/a: snapshotClassName is "A"/);
  const size = Size.gibibytes(1);
  expect(() => new VolumeFromSnapshot(chart(), 'a', { snapshotName: '', size })).toThrow(/shop\/a: snapshotName is ""/);
  expect(() => new VolumeFromSnapshot(chart(), 'a', { snapshotName: 'b', size, storageClassName: '?' })).toThrow(
    /storageClassName is "\?"/,
  );
});

test('a class of the driver for trials is warned of', () => {
  const storage = chart('kube-system');
  const driver = CsiDriver.hostPath();
  const classes = [new VolumeSnapshotClass(storage, 'trial', { driver }), new VolumeGroupSnapshotClass(storage, 'trials', { driver })];
  const because =
    'is a driver for trials: it makes snapshots by tar while the volume is written to: they are not from one point in time, and fail if files change';
  for (const each of classes) expect(warnings([each]).join('')).toContain(`hostpath.csi.k8s.io ${because}`);
  expect(warnings([new VolumeSnapshotClass(storage, 'disks', { driver: CsiDriver.ebs() })])).toEqual([]);
});
