import type { ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { modifiersOf } from './at-rest';
import { type VeleroObjectOptions, veleroObject } from './object';
import type { VeleroResourceModifiers } from './resource-modifiers';
import { filterSpec, type VeleroFilter } from './selector';
import { veleroDuration } from './timeout';

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

/** Props of a restore by Velero. */
export interface VeleroRestoreProps extends VeleroRestoreTemplate, VeleroObjectOptions {}

/**
 * One restore by Velero, done when the object is created. Keep it out of what is applied again and again: where it is kept in Git, it is
 * done anew after it was deleted, or in every new cluster. Keep a `VeleroRestoreJob` there instead, which restores when somebody asks.
 */
export class VeleroRestore extends Construct {
  /** The Restore. */
  public readonly resource: ApiObject;

  /**
   * @throws InputError when a prop cannot stand
   */
  constructor(scope: Construct, id: string, props: VeleroRestoreProps) {
    super(...checkedConstruct('VeleroRestore', scope, id, props));
    const modifiers = modifiersOf(this, props, props.name ?? id, props.namespace);
    this.resource = veleroObject(this, 'Restore', props, restoreSpec(this, { ...props, resourceModifiers: modifiers }));
  }
}

/** The spec of a Restore. The CRD wants neither source, and takes both. @internal */
export function restoreSpec(scope: Construct, template: VeleroRestoreTemplate): object {
  const { backupName, scheduleName, namespaceMapping, existingResourcePolicy, resourceModifiers } = template;
  const { restoreVolumes, restoreStatusOf, preserveNodePorts, itemOperationTimeout } = template;
  const { parallelFilesDownload, writeSparseFiles } = template;
  checkSource(scope, backupName, scheduleName);
  checkMapping(scope, template);
  const uploaderConfig = { parallelFilesDownload, writeSparseFiles };
  return {
    backupName,
    scheduleName,
    ...filterSpec(scope, template),
    namespaceMapping,
    existingResourcePolicy,
    ...(resourceModifiers && { resourceModifier: { kind: 'configmap', name: resourceModifiers.name } }),
    restorePVs: restoreVolumes,
    ...(restoreStatusOf && { restoreStatus: { includedResources: restoreStatusOf } }),
    preserveNodePorts,
    ...(Object.values(uploaderConfig).some(value => value !== undefined) && { uploaderConfig }),
    itemOperationTimeout: itemOperationTimeout && veleroDuration(scope, 'itemOperationTimeout', itemOperationTimeout),
  };
}

function checkSource(scope: Construct, backupName: string | undefined, scheduleName: string | undefined): void {
  if (backupName !== undefined && scheduleName !== undefined) {
    const because = 'a restore is of one Backup, or of the newest of one Schedule: leave one of them out';
    throw new InputError(scope, { prop: 'scheduleName', got: `${scheduleName} beside backupName ${backupName}`, because });
  }
  if (backupName !== undefined) checkObjectName(scope, 'backupName', backupName);
  else checkObjectName(scope, 'scheduleName', scheduleName ?? '');
}

function checkMapping(scope: Construct, { namespaceMapping = {}, includedNamespaces }: VeleroRestoreTemplate): void {
  for (const [original, name] of Object.entries(namespaceMapping)) {
    checkObjectName(scope, 'namespaceMapping', original);
    checkObjectName(scope, 'namespaceMapping', name);
    if (includedNamespaces && !includedNamespaces.includes('*') && !includedNamespaces.includes(original)) {
      const because = `${original} is not among includedNamespaces, which are named as in the backup: add it there, or leave it out here`;
      throw new InputError(scope, { prop: 'namespaceMapping', got: original, because });
    }
  }
}
