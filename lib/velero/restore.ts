import type { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import { modifiersOf } from './at-rest';
import { type VeleroObjectOptions, veleroObject } from './object';
import type { VeleroRestoreTemplate } from './restore-template';
import { filterSpec } from './selector';
import { veleroDuration } from './timeout';

/** Props of a restore by Velero. */
export interface VeleroRestoreProps extends VeleroRestoreTemplate, VeleroObjectOptions {}

/**
 * One restore by Velero, done when the object is created. Do not apply it again and again: kept in Git, it is done again after it was
 * deleted, and in every new cluster. Keep a `VeleroRestoreJob` there instead, which restores when somebody asks.
 */
export class VeleroRestore extends Construct {
  /** The Restore. */
  public readonly resource: ApiObject;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroRestoreProps) {
    super(...checkedConstruct('VeleroRestore', scope, id, props));
    const modifiers = modifiersOf(this, props, props.name ?? id, props.namespace);
    this.resource = veleroObject(this, 'Restore', props, restoreSpec(this, { ...props, resourceModifiers: modifiers }));
  }
}

/** The spec of a Restore. The CRD requires neither of the two sources, and accepts both. @internal */
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
    const because = 'a restore uses one Backup, or the newest of one Schedule: leave one of them out';
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
      const because = `${original} is not in includedNamespaces, whose names are those in the backup: add it there, or leave it out here`;
      throw new InputError(scope, { prop: 'namespaceMapping', got: original, because });
    }
  }
}
