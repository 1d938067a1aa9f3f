import type { Duration } from 'cdk8s';
import type { VeleroResourceModifiers } from './resource-modifiers';
import type { VeleroFilter } from './selector';

/** What a restore does with objects that are there already. */
export enum VeleroExistingResourcePolicy {
  /** It leaves them as they are. */
  NONE = 'none',
  /** It changes them to what they were, if an existing object allows that. Data of existing volumes is not touched. */
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
   * The Schedule whose newest completed Backup is restored. Use it instead of backupName.
   * @default - none
   */
  readonly scheduleName?: string;
  /**
   * New names of the backup's namespaces: from the original name to the new one.
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
   * Whether the jobs of this library come back at rest: CronJobs and Jobs suspended, log archives scaled to zero. A copy that is not at
   * rest would continue production's series. In the namespace that was backed up, jobs come back as they were, since nobody would notice
   * backups that stay suspended. Set it there if databases are empty until their own restores have run. Start the jobs afterwards with
   * `kubectl patch cronjob <name> --type merge -p '{"spec":{"suspend":false}}'`.
   * @default - if a namespace is mapped to another one
   */
  readonly backupsAtRest?: boolean;
  /**
   * Whether volumes come back with their data.
   * @default - yes, if there are snapshots
   */
  readonly restoreVolumes?: boolean;
  /**
   * Resources that get back their old status. Others begin without.
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
   * Whether blocks of zeros in files take no space on the volume.
   * @default false
   */
  readonly writeSparseFiles?: boolean;
  /**
   * How long to wait for what continues after the objects are there, such as moving data back.
   * @default - Velero's own, four hours
   */
  readonly itemOperationTimeout?: Duration;
}
