import type { ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { Schedule } from '../core/schedule';
import { backupLimits, backupSpec, type IVeleroBackup, type VeleroBackupTemplate } from './backup-template';
import { type VeleroObjectOptions, veleroObject } from './object';

/** Props of a schedule of Velero. */
export interface VeleroScheduleProps extends VeleroBackupTemplate, VeleroObjectOptions {
  /** When backups are made. `Schedule.never()` pauses it: somebody makes them, with `velero backup create --from-schedule`. */
  readonly schedule: Schedule;
}

/**
 * Repeated backups by Velero: a Schedule, whose Backups are called `<name>-YYYYMMDDhhmmss`.
 *
 * You can keep it in Git. Its Backups have labels of their own and no owner, so nothing that prunes or replaces the Schedule deletes them.
 */
export class VeleroSchedule extends Construct implements IVeleroBackup {
  /** The Schedule's name. */
  public readonly name: string;
  /** The namespace in which Velero runs. */
  public readonly namespace: string;
  /** The Schedule. */
  public readonly resource: ApiObject;
  /** The longest expected time between two backups. */
  public readonly interval: Duration;
  public readonly csiSnapshotTimeout: Duration;
  public readonly itemOperationTimeout: Duration;
  public readonly defaultVolumesToFsBackup: boolean;
  public readonly volumeGroupSnapshotLabelKey: string;
  /** The props that it was made with. */
  public readonly props: VeleroScheduleProps;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroScheduleProps) {
    super(...checkedConstruct('VeleroSchedule', scope, id, props));
    this.props = props;
    const schedule = props.schedule.bind(this, 'schedule');
    const limits = backupLimits(props);
    this.interval = schedule.interval;
    this.csiSnapshotTimeout = limits.csiSnapshotTimeout;
    this.itemOperationTimeout = limits.itemOperationTimeout;
    this.defaultVolumesToFsBackup = limits.defaultVolumesToFsBackup;
    this.volumeGroupSnapshotLabelKey = limits.volumeGroupSnapshotLabelKey;
    if (props.ttl && !schedule.isNever && props.ttl.toSeconds({ integral: false }) < schedule.interval.toSeconds()) {
      throw new InputError(this, {
        prop: 'ttl',
        got: props.ttl.toHumanString(),
        because: `a backup would be deleted before the next one is made: write at least ${schedule.interval.toHumanString()}, better several times that`,
      });
    }
    // `skipImmediately` is not said: the server sets it back, and what compares with Git would see a difference for ever.
    this.resource = veleroObject(this, 'Schedule', props, {
      schedule: schedule.toVelero(),
      ...(schedule.isNever && { paused: true }),
      // Backups that belong to a Schedule are deleted with it.
      useOwnerReferencesInBackup: false,
      template: backupSpec(this, props),
    });
    this.name = this.resource.name;
    this.namespace = this.resource.metadata.namespace ?? '';
  }
}
