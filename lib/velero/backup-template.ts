import { Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { STANDARD_LABELS } from '../kubernetes/labels';
import { checkLabelKey, checkLabels } from './labels';
import type { VeleroOrderedResources } from './ordered-resources';
import type { VeleroResourcePolicies } from './resource-policies';
import { checkLists, filterSpec, type VeleroFilter } from './selector';
import { veleroDuration } from './timeout';

/** A backup of Velero's, or what makes it. A protection asks it for its limits. */
export interface IVeleroBackup {
  /** How long it waits for a snapshot to be taken. */
  readonly csiSnapshotTimeout: Duration;
  /** How long it waits for what continues after that, such as moving the data. */
  readonly itemOperationTimeout: Duration;
  /** Whether every volume is copied file by file, except excluded ones. */
  readonly defaultVolumesToFsBackup: boolean;
  /** The label by which it groups claims. */
  readonly volumeGroupSnapshotLabelKey: string;
}

/** What is backed up, and how: the same for a Backup and a Schedule. */
export interface VeleroBackupTemplate extends VeleroFilter {
  /**
   * The only resources of namespaces. This list and the next three replace includedResources, excludedResources and
   * includeClusterResources; Velero does not take both kinds.
   * @default - all
   */
  readonly includedNamespaceScopedResources?: string[];
  /**
   * Resources of namespaces that are left out.
   * @default - none
   */
  readonly excludedNamespaceScopedResources?: string[];
  /**
   * The only resources without a namespace.
   * @default - those that the included resources need
   */
  readonly includedClusterScopedResources?: string[];
  /**
   * Resources without a namespace that are left out.
   * @default - none
   */
  readonly excludedClusterScopedResources?: string[];
  /**
   * How long a backup is kept. After that Velero deletes it with its snapshots.
   * @default - Velero's own setting, 30 days
   */
  readonly ttl?: Duration;
  /**
   * The BackupStorageLocation.
   * @default - the default one
   */
  readonly storageLocation?: string;
  /**
   * The VolumeSnapshotLocations, one for each provider. CSI snapshots need none.
   * @default - the default ones
   */
  readonly volumeSnapshotLocations?: string[];
  /**
   * Whether volumes are snapshotted.
   * @default - yes, if something can
   */
  readonly snapshotVolumes?: boolean;
  /**
   * Moves the data of CSI snapshots into the storage location, so that they outlive the storage system; the snapshots themselves are
   * deleted. It needs Velero's node agent, and a VolumeSnapshotClass with the label `velero.io/csi-volumesnapshot-class: "true"`.
   * @default false
   */
  readonly snapshotMoveData?: boolean;
  /**
   * What moves the data.
   * @default - Velero itself
   */
  readonly dataMover?: string;
  /**
   * Copies every volume file by file, except excluded ones. The copy of a running database is torn, so a protection that is given this
   * backup refuses it.
   * @default false
   */
  readonly defaultVolumesToFsBackup?: boolean;
  /**
   * How many files are uploaded at once, for a copy file by file or moved data.
   * @default - Velero's own
   */
  readonly parallelFilesUpload?: number;
  /**
   * How long to wait for a CSI snapshot to be taken.
   * @default Duration.minutes(10)
   */
  readonly csiSnapshotTimeout?: Duration;
  /**
   * How long to wait for what continues after that, such as moving the data.
   * @default Duration.hours(4)
   */
  readonly itemOperationTimeout?: Duration;
  /**
   * What is backed up first. A restore follows the server's own order.
   * @default - Velero's own order
   */
  readonly orderedResources?: VeleroOrderedResources;
  /**
   * Which volumes are snapshotted, copied or skipped.
   * @default - by the pods' annotations
   */
  readonly resourcePolicies?: VeleroResourcePolicies;
  /**
   * The label by which claims are grouped: claims with the same value are snapshotted at once.
   * @default 'velero.io/volume-group'
   */
  readonly volumeGroupSnapshotLabelKey?: string;
  /**
   * Labels of the Backups.
   * @default - as in everything this library emits
   */
  readonly backupLabels?: { [label: string]: string };
}

/** The limits of a template, with Velero's own defaults. @internal */
export function backupLimits(template: VeleroBackupTemplate): IVeleroBackup {
  return {
    csiSnapshotTimeout: template.csiSnapshotTimeout ?? Duration.minutes(10),
    itemOperationTimeout: template.itemOperationTimeout ?? Duration.hours(4),
    defaultVolumesToFsBackup: template.defaultVolumesToFsBackup ?? false,
    volumeGroupSnapshotLabelKey: template.volumeGroupSnapshotLabelKey ?? 'velero.io/volume-group',
  };
}

/** The spec of a Backup. The CRD checks neither durations nor what does not go together. @internal */
export function backupSpec(scope: IConstruct, template: VeleroBackupTemplate): object {
  const limits = backupLimits(template);
  const { ttl, storageLocation, volumeSnapshotLocations, snapshotVolumes, snapshotMoveData, dataMover } = template;
  const { parallelFilesUpload, orderedResources, resourcePolicies, defaultVolumesToFsBackup } = template;
  checkFilterKinds(scope, template);
  checkDataMover(scope, template);
  if (parallelFilesUpload !== undefined && !(Number.isInteger(parallelFilesUpload) && parallelFilesUpload >= 1)) {
    throw new InputError(scope, { prop: 'parallelFilesUpload', got: parallelFilesUpload, because: 'write a whole number, at least 1' });
  }
  checkLabelKey(scope, 'volumeGroupSnapshotLabelKey', limits.volumeGroupSnapshotLabelKey);
  for (const name of [...(storageLocation === undefined ? [] : [storageLocation]), ...(volumeSnapshotLocations ?? [])]) {
    checkObjectName(scope, storageLocation === name ? 'storageLocation' : 'volumeSnapshotLocations', name);
  }
  return {
    // Always: without labels here, Backups get those of their Schedule, and what prunes by these in a cluster deletes the Backups
    // with them (vmware-tanzu/velero#2975).
    metadata: { labels: { ...STANDARD_LABELS, ...checkLabels(scope, 'backupLabels', template.backupLabels ?? {}) } },
    ...filterSpec(scope, template),
    ...scopedFilters(scope, template),
    ttl: ttl && veleroDuration(scope, 'ttl', ttl),
    storageLocation,
    volumeSnapshotLocations,
    snapshotVolumes,
    snapshotMoveData,
    datamover: dataMover,
    defaultVolumesToFsBackup,
    ...(parallelFilesUpload !== undefined && { uploaderConfig: { parallelFilesUpload } }),
    csiSnapshotTimeout: veleroDuration(scope, 'csiSnapshotTimeout', limits.csiSnapshotTimeout),
    itemOperationTimeout: veleroDuration(scope, 'itemOperationTimeout', limits.itemOperationTimeout),
    orderedResources: orderedResources?._bind(scope, 'orderedResources'),
    resourcePolicy: resourcePolicies && { kind: 'configmap', name: resourcePolicies.name },
    volumeGroupSnapshotLabelKey: template.volumeGroupSnapshotLabelKey,
  };
}

function scopedFilters(scope: IConstruct, template: VeleroBackupTemplate): object {
  const { includedNamespaceScopedResources, excludedNamespaceScopedResources } = template;
  const { includedClusterScopedResources, excludedClusterScopedResources } = template;
  checkLists(scope, 'NamespaceScopedResources', includedNamespaceScopedResources, excludedNamespaceScopedResources);
  checkLists(scope, 'ClusterScopedResources', includedClusterScopedResources, excludedClusterScopedResources);
  return {
    includedNamespaceScopedResources,
    excludedNamespaceScopedResources,
    includedClusterScopedResources,
    excludedClusterScopedResources,
  };
}

/** Velero refuses a Backup that has both, when it runs. */
function checkFilterKinds(scope: IConstruct, template: VeleroBackupTemplate): void {
  const given = (props: (keyof VeleroBackupTemplate)[]) => props.find(prop => template[prop] !== undefined);
  const old = given(['includedResources', 'excludedResources', 'includeClusterResources']);
  const scoped = given([
    'includedNamespaceScopedResources',
    'excludedNamespaceScopedResources',
    'includedClusterScopedResources',
    'excludedClusterScopedResources',
  ]);
  const other = scoped ?? (template.resourcePolicies?.filtersResources ? 'resourcePolicies' : undefined);
  if (old && other) {
    throw new InputError(scope, {
      prop: old,
      got: template[old],
      because: `Velero does not accept it together with ${other}: use the lists of namespace-scoped and cluster-scoped resources instead`,
    });
  }
}

function checkDataMover(scope: IConstruct, { snapshotVolumes, snapshotMoveData, dataMover }: VeleroBackupTemplate): void {
  if (dataMover !== undefined && !snapshotMoveData) {
    const because = 'no data is moved: write snapshotMoveData: true, or leave it out';
    throw new InputError(scope, { prop: 'dataMover', got: dataMover, because });
  }
  if (snapshotMoveData && snapshotVolumes === false) {
    const because = 'only snapshots can be moved, and none are taken: leave snapshotVolumes out';
    throw new InputError(scope, { prop: 'snapshotMoveData', got: true, because });
  }
}
