import type { Duration } from 'cdk8s';
import type { VeleroResourceModifiers } from './resource-modifiers';
import type { VeleroFilter } from './selector';

/** What a restore does with objects that are there already. */
export enum VeleroExistingResourcePolicy {
  /** It leaves them as they are. */
  NONE = 'none',
  /** It makes them as they were, where that can be done to an object that is there. Data of volumes that exist is not touched. */
  UPDATE = 'update',
}

/** What is restored, and how. */
export interface VeleroRestoreTemplate extends VeleroFilter {
  /**
   * The Backup that is restored.
   * @default - the newest of a schedule
   */
  readonly backupName?: string;
  /**
   * The Schedule whose newest Backup is restored that was completed. Instead of backupName.
   * @default - none
   */
  readonly scheduleName?: string;
  /**
   * Into which namespaces those of the backup go: the original name to the new one.
   * @default - each into its own
   */
  readonly namespaceMapping?: { [original: string]: string };
  /**
   * What is done with objects that are there already.
   * @default VeleroExistingResourcePolicy.NONE
   */
  readonly existingResourcePolicy?: VeleroExistingResourcePolicy;
  /**
   * Changes objects on their way.
   * @default - none
   */
  readonly resourceModifiers?: VeleroResourceModifiers;
  /**
   * Whether the jobs of this library come back at rest: CronJobs and Jobs suspended, log archives scaled to none. A copy that is not at rest
   * would go on with production's series. Into the namespace that was backed up they come back as they were, as nobody is told of
   * backups that stay suspended: where databases are empty until their own restores have run, say it, and start them afterwards with
   * `kubectl patch cronjob <name> --type merge -p '{"spec":{"suspend":false}}'`.
   * @default - where a namespace is mapped to another one
   */
  readonly backupsAtRest?: boolean;
  /**
   * Whether volumes come back with their data.
   * @default - yes, where there are snapshots
   */
  readonly restoreVolumes?: boolean;
  /**
   * Resources that get the status back that they had. Others begin without.
   * @default - none
   */
  readonly restoreStatusOf?: string[];
  /**
   * Whether Services keep their node ports.
   * @default - no
   */
  readonly preserveNodePorts?: boolean;
  /**
   * How many files are downloaded at once.
   * @default - Velero's own
   */
  readonly parallelFilesDownload?: number;
  /**
   * Whether blocks of zeros in files take no room on the volume.
   * @default false
   */
  readonly writeSparseFiles?: boolean;
  /**
   * How long to wait for what goes on after the objects are there, such as moving data back.
   * @default - Velero's own, four hours
   */
  readonly itemOperationTimeout?: Duration;
}
