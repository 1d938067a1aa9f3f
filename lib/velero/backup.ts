import type { ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { backupLimits, backupSpec, type IVeleroBackup, type VeleroBackupTemplate } from './backup-template';
import { type VeleroObjectOptions, veleroObject } from './object';

/** Props of one backup by Velero. */
export interface VeleroBackupProps extends VeleroBackupTemplate, VeleroObjectOptions {}

/**
 * One backup by Velero, made when the object is created: before a migration, say. For repeated backups, use a `VeleroSchedule`. Deleting
 * the object deletes no data, but Velero makes the backup again when it is applied again.
 */
export class VeleroBackup extends Construct implements IVeleroBackup {
  /** The Backup's name. */
  public readonly name: string;
  /** The Backup. */
  public readonly resource: ApiObject;
  public readonly csiSnapshotTimeout: Duration;
  public readonly itemOperationTimeout: Duration;
  public readonly defaultVolumesToFsBackup: boolean;
  public readonly volumeGroupSnapshotLabelKey: string;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroBackupProps) {
    super(...checkedConstruct('VeleroBackup', scope, id, props));
    const limits = backupLimits(props);
    this.csiSnapshotTimeout = limits.csiSnapshotTimeout;
    this.itemOperationTimeout = limits.itemOperationTimeout;
    this.defaultVolumesToFsBackup = limits.defaultVolumesToFsBackup;
    this.volumeGroupSnapshotLabelKey = limits.volumeGroupSnapshotLabelKey;
    const { metadata, ...spec } = backupSpec(this, props) as { metadata: { labels: { [label: string]: string } } };
    this.resource = veleroObject(this, 'Backup', props, spec);
    for (const [label, value] of Object.entries(metadata.labels)) this.resource.metadata.addLabel(label, value);
    this.name = this.resource.name;
  }
}
