import { type ApiObject, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { PodOptions } from '../core/pod-options';
import { quantity } from '../core/quantity';
import { Scratch } from '../core/scratch';
import { KEEP_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { OPERATION_LABEL, SERIES_LABEL } from '../kubernetes/labels';
import { RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';
import { LOG_SUFFIX, registerSeries } from './series';

/** Options of a log archive. */
export interface LogArchiveOptions {
  /**
   * How often the received log is stored. This is the most that is lost when the server and the archive's own volume are lost together.
   * @default Duration.minutes(5)
   */
  readonly every?: Duration;
  /**
   * How far the archive may be behind the server. Beyond that the Deployment is not ready: the archive is too slow, receives nothing, or
   * cannot ask the server how far it is.
   * @default - 15 minutes, or three times `every` where that is longer
   */
  readonly maximumLag?: Duration;
  /**
   * The size of the volume for what was received and is not stored yet. It fills up while the repository cannot be reached. After that the
   * server keeps its log itself, up to the limit that the engine requires.
   * @default Size.gibibytes(10)
   */
  readonly spoolSize?: Size;
  /**
   * That volume's storage class.
   * @default - the cluster's default
   */
  readonly spoolStorageClass?: string;
  /**
   * How the pod is placed and what it may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
}

/** Props of a log archive. */
export interface DatabaseLogArchiveProps extends LogArchiveOptions {
  /** The backup whose server's log is archived. */
  readonly backup: IDatabaseBackup;
}

/**
 * Archives the server's log as it is written, so that a restore can go to any moment since the oldest recovery point. A Deployment
 * `<series>-log` receives the log into a volume of its own. It stores the log, batch by batch, in the backup's repository as the series
 * `<series>-log`. Log that no recovery point needs any more is removed after the next backup.
 *
 * The Deployment is ready as long as what the server had written `maximumLag` ago is stored, and continues a recovery point. Where log was
 * lost, or the server has begun another history, it is not ready until a backup was begun after that. `kubectl get deployment` and
 * kube-state-metrics show it. A verification fails where the log was not stored for longer (`maximumLogAge`).
 */
export class DatabaseLogArchive extends Construct {
  /** The Deployment that archives. */
  public readonly deployment: ApiObject;

  /**
   * Most call `backup.addLogArchive()`.
   *
   * @throws InputError when the engine has no log to archive, or a prop is invalid
   */
  constructor(scope: Construct, id: string, props: DatabaseLogArchiveProps) {
    super(...checkedConstruct('DatabaseLogArchive', scope, id, props));
    const { backup, every = Duration.minutes(5), spoolSize = Size.gibibytes(10) } = props;
    const operation = backup._operation;
    if (!operation.engine.log) {
      throw new InputError(this, {
        prop: 'engine',
        got: operation.engine.name,
        because: 'this engine archives no log, as its recovery points are complete by themselves: leave the log archive out',
      });
    }
    if (every.toSeconds() < 1 || every.toSeconds() > Duration.hours(24).toSeconds()) {
      throw new InputError(this, { prop: 'every', got: every.toHumanString(), because: 'write a duration from a second to a day' });
    }
    const maximumLag = props.maximumLag ?? Duration.seconds(Math.max(900, 3 * every.toSeconds()));
    if (maximumLag.toSeconds() < Math.max(60, every.toSeconds())) {
      throw new InputError(this, {
        prop: 'maximumLag',
        got: maximumLag.toHumanString(),
        because: `write a minute or more, and at least every (${every.toHumanString()}), as nothing new is stored before that`,
      });
    }
    backup._maximumLag = maximumLag;
    const name = `${backup.series}${LOG_SUFFIX}`;
    const labels = operation.labels('log');
    kubernetesObject(this, 'Spool', k8s.KubePersistentVolumeClaim.GVK, {
      metadata: {
        name,
        labels,
        // What is in it may be nowhere else yet.
        annotations: KEEP_ANNOTATIONS,
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(props.spoolStorageClass !== undefined && { storageClassName: props.spoolStorageClass }),
        resources: { requests: { storage: quantity(spoolSize) } },
      },
    });
    // Before what it is about: its pod starts at once.
    operation.networkPolicy(this, name, operation.destinations(operation.engine));
    this.deployment = kubernetesObject(this, 'Deployment', k8s.KubeDeployment.GVK, {
      metadata: { name, labels },
      spec: {
        replicas: 1,
        // Two at once would receive the same log into the same volume.
        strategy: { type: 'Recreate' },
        // A selector can never be changed: it has no more than tells these pods apart.
        selector: { matchLabels: { [SERIES_LABEL]: backup.series, [OPERATION_LABEL]: 'log' } },
        template: operation.pod(this, {
          operation: 'log',
          access: RepositoryAccess.APPEND,
          job: name,
          server: operation.engine,
          environment: [
            ...operation.waitFor(backup.props.readyTimeout ?? Duration.minutes(5)),
            // Its recovery points are of a series of their own.
            { name: 'SERIES', value: name },
            { name: 'ARCHIVE_EVERY', value: String(every.toSeconds()) },
            { name: 'ARCHIVE_STALE', value: String(Math.ceil(maximumLag.toSeconds() / 60)) },
            { name: 'ARCHIVE_HEARTBEAT', value: String(maximumLag.toSeconds()) },
          ],
          scratch: Scratch.emptyDir(Size.gibibytes(4)),
          pods: props.pods,
          spoolClaim: name,
        }),
      },
    });
    registerSeries(this, operation.repository.identity, name);
  }
}
