import { type ApiObject, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import type { DatabaseBackup } from '../backup/database-backup';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { PodOptions } from '../core/pod-options';
import { EngineOperation } from '../engines/engine';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { OPERATION_LABEL, SERIES_LABEL } from '../kubernetes/labels';
import { HOME } from '../kubernetes/pod';
import type { IVeleroBackup } from './backup-template';
import { VeleroHook } from './hook';
import { VeleroProtection } from './protection';
import { VeleroVolume } from './volume';

/** Props of a dump for Velero. */
export interface VeleroDumpProps {
  /**
   * The backup that is made before Velero takes its volume. Its repository has to be one of files on a claim that is ReadWriteMany, since
   * several pods mount it. Its own schedule may be `Schedule.never()`.
   */
  readonly backup: DatabaseBackup;
  /**
   * How long the dump may take. In whole seconds, at most four hours: Velero gives a hook no more.
   * @default Duration.hours(1)
   */
  readonly timeout?: Duration;
  /**
   * The backup of Velero's that contains the pod. The hook's limits are compared with its limits. If it is a schedule with a VeleroCheck,
   * the check expects the hook.
   * @default - Velero's own limits; no check expects the hook
   */
  readonly veleroBackup?: IVeleroBackup;
  /**
   * How the pod is placed and what it may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
}

/** The pod's label, which differs from that of the backup's own pods. */
const OPERATION = 'velero-dump';

/**
 * Brings a database into Velero's backups without copying its server's open files: a Deployment `<series>-velero`, whose pod waits. As its
 * pre hook, Velero runs a whole backup in it: dump, check, publishing and pruning. Then Velero copies the repository's volume file by file.
 * If the dump fails, so does Velero's backup of the pod.
 *
 * After Velero has restored the namespace, the volume holds the recovery points, and `<series>-restore` brings the database back.
 */
export class VeleroDump extends Construct {
  /** The Deployment whose pod is backed up. */
  public readonly deployment: ApiObject;

  /**
   * @throws InputError when the backup has no volume for Velero to copy, or cannot be made by a hook
   */
  constructor(scope: Construct, id: string, props: VeleroDumpProps) {
    super(...checkedConstruct('VeleroDump', scope, id, props));
    const { backup, timeout = Duration.hours(1), veleroBackup } = props;
    const operation = backup._operation;
    const name = `${backup.series}-velero`;
    const volume = this.volumeOf(backup);
    // Before what it is about: its pod starts at once.
    operation.networkPolicy(this, name, operation.destinations(operation.engine));
    this.deployment = kubernetesObject(this, 'Deployment', k8s.KubeDeployment.GVK, {
      metadata: { name, labels: { ...operation.labels('backup'), [OPERATION_LABEL]: OPERATION } },
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        // A selector can never be changed: it has no more than tells these pods apart.
        selector: { matchLabels: { [SERIES_LABEL]: backup.series, [OPERATION_LABEL]: OPERATION } },
        template: backup._pod(this, { job: name, waits: true, pods: props.pods, labels: { [OPERATION_LABEL]: OPERATION } }),
      },
    });
    VeleroProtection.of(this.deployment, {
      volumes: [VeleroVolume.dump(volume)],
      preHook: VeleroHook.command({ command: ['sh', `${HOME}/shell/hook.sh`, 'backup'], timeout }),
      backup: veleroBackup,
    });
  }

  private volumeOf({ _operation: { engine, repository } }: DatabaseBackup): string {
    const volume = repository.volumes.find(({ persistentVolumeClaim }) => persistentVolumeClaim);
    if (!volume) {
      throw new InputError(this, {
        prop: 'backup.repository',
        got: repository.identity,
        because:
          'its recovery points are not on a volume that Velero could copy, and are safe where they are: leave Velero out, or use Repository.files',
      });
    }
    const step = engine.steps?.find(({ operations }) => operations.includes(EngineOperation.BACKUP));
    if (step || engine.serverFiles?.backupDirectory !== undefined) {
      const why = step ? `containers that run before it (${step.name})` : "the server's own volume";
      throw new InputError(this, {
        prop: 'backup.engine',
        got: engine.name,
        because: `its backup needs ${why}, which a waiting pod lacks: back it up with its own CronJob, and snapshot the server's volume`,
      });
    }
    return volume.name;
  }
}
