import { createHash } from 'node:crypto';
import { type ApiObject, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import type { DataVolume } from '../core/data-volume';
import { InputError } from '../core/input-error';
import { checkObjectName, SAFETY_SUFFIX } from '../core/names';
import { operationJobSpec, type PodOptions } from '../core/pod';
import { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretRef } from '../core/secret-ref';
import type { DatabaseBackup } from './database-backup';
import { RecoveryPoint } from './recovery-point';

/** How a restore is started. */
export enum RestoreForm {
  /**
   * A suspended CronJob whose schedule never comes: `kubectl create job --from=cronjob/<name>` starts it. Applying it restores
   * nothing, however often a deploy tool does.
   */
  ON_DEMAND = 'on-demand',
  /**
   * A Job that runs when it is applied, once. Its name carries a hash of the request: a changed request is a new Job. It is
   * never cleaned up by itself, since a deploy tool would then apply it, and restore, again.
   */
  JOB = 'job',
}

/** Options of a restore. */
export interface DatabaseRestoreOptions {
  /**
   * How the restore is started.
   * @default RestoreForm.ON_DEMAND
   */
  readonly form?: RestoreForm;
  /**
   * What its objects are called, after the series: a backup may have several restores, to several places.
   * @default 'restore'
   */
  readonly name?: string;
  /**
   * Which recovery point is restored, unless the request says otherwise.
   * @default RecoveryPoint.newestVerified()
   */
  readonly from?: RecoveryPoint;
  /**
   * Back up what the target holds first, as the series `<series>-safety`. When that fails, nothing is restored.
   * @default false
   */
  readonly safetyBackup?: boolean;
  /**
   * What else the request says, by the engine's words: for PostgreSQL `database`, `into` and `replace`.
   * @default - the engine's defaults: everything, under its own name, into a target that holds nothing
   */
  readonly request?: { [key: string]: string };
  /**
   * The server to restore to.
   * @default - the backup's
   */
  readonly host?: string;
  /**
   * That server's port.
   * @default - the backup's
   */
  readonly port?: number;
  /**
   * The Secret with the credentials of a role that may make databases and roles.
   * @default - the backup's
   */
  readonly credentials?: SecretRef;
  /**
   * The volume to restore to, for engines that restore files.
   * @default - the backup's
   */
  readonly dataVolume?: DataVolume;
  /**
   * Where the restore may write what dies with its pod.
   * @default - the backup's
   */
  readonly scratch?: Scratch;
  /**
   * The longest that a restore may take; then it is stopped, and the target is as it was.
   * @default Duration.hours(24)
   */
  readonly deadline?: Duration;
  /**
   * How the pods are placed and what they may use.
   * @default - the backup's
   */
  readonly pods?: PodOptions;
}

/** Props of a restore. */
export interface DatabaseRestoreProps extends DatabaseRestoreOptions {
  /** The backup whose recovery points are restored. */
  readonly backup: DatabaseBackup;
}

/**
 * Brings data back. It refuses a target that holds something unless told otherwise, restores beside what is there, compares
 * counts with the recovery point's, and only then takes the old one's place; what was there before is kept.
 *
 * By default it is a CronJob `<series>-restore` that never runs by itself, and a ConfigMap `<series>-restore-request` that says
 * what to restore:
 *
 * ```sh
 * kubectl create job --from=cronjob/orders-restore orders-restore-1
 * ```
 *
 * (Kubernetes documentation, "kubectl create job". A suspended Job would do as well, but marks a whole application as suspended
 * in Argo CD: argoproj/argo-cd issue 19126.)
 */
export class DatabaseRestore extends Construct {
  /** The CronJob or Job that restores. */
  public readonly job: ApiObject;

  /**
   * Most call `backup.restore()`.
   *
   * @throws InputError when a prop cannot stand
   */
  constructor(scope: Construct, id: string, props: DatabaseRestoreProps) {
    super(scope, id);
    const { backup, form = RestoreForm.ON_DEMAND } = props;
    const operation = backup._operation;
    if (props.credentials) checkObjectName(this, 'credentials', props.credentials.name);
    const target = backup.props.engine.bind(this, {
      host: props.host ?? backup.props.host,
      port: props.port ?? backup.props.port,
      credentials: props.credentials ?? backup.props.credentials,
      podLabels: props.host === undefined ? backup.props.podLabels : undefined,
      dataVolume: props.dataVolume ?? backup.props.dataVolume,
    });

    if (props.safetyBackup && target.needsDataVolume?.includes('restore')) {
      throw new InputError(this, {
        prop: 'safetyBackup',
        got: true,
        because: `a restore of ${target.name} needs the server stopped, which cannot be backed up then; leave it out: what the data directory holds is put aside`,
      });
    }
    const known = [...COMMON_REQUEST, ...(target.restoreRequest ?? [])];
    for (const [key, value] of Object.entries(props.request ?? {})) {
      if (!known.some(word => word.key === key)) {
        throw new InputError(this, {
          prop: `request.${key}`,
          got: value,
          because: `a request has the keys ${known.map(word => word.key).join(', ')}`,
        });
      }
    }
    const said: { [key: string]: string } = {
      series: backup.series,
      recoveryPoint: (props.from ?? RecoveryPoint.newestVerified()).bind(this, 'from'),
      safetyBackup: props.safetyBackup ? 'yes' : 'no',
      ...props.request,
    };
    const request = Object.fromEntries(known.map(({ key, value }) => [key, said[key] ?? value]));

    const name = `${backup.series}-${props.name ?? 'restore'}`;
    checkObjectName(this, 'name', name);
    const requestName = `${name}-request`;
    const job = (environment: k8s.EnvVar[], keepFinished?: Duration): k8s.JobSpec =>
      operationJobSpec({
        pod: operation.pod(this, {
          operation: 'restore',
          server: target,
          dataVolume: props.dataVolume,
          // After the backup's own variables, so that a request for another series is the one that counts.
          environment: [
            ...operation.waitFor(backup.props.readyTimeout ?? Duration.minutes(5)),
            { name: 'SAFETY_SERIES', value: `${backup.series}${SAFETY_SUFFIX}` },
            ...environment,
          ],
          scratch: props.scratch,
          pods: props.pods,
          memory: { memoryRequest: '256Mi', memoryLimit: '1Gi' },
        }),
        operation: 'restore',
        // A restore that failed is looked at before it is tried again.
        retries: 0,
        deadline: props.deadline ?? Duration.hours(24),
        keepFinished,
      });

    if (form === RestoreForm.JOB) {
      const spec = job(known.map(({ key, variable }) => ({ name: variable, value: request[key] ?? '' })));
      const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex').slice(0, 10);
      this.job = new k8s.KubeJob(this, 'Job', { metadata: { name: `${name}-${hash}`, labels: operation.labels('restore') }, spec });
    } else {
      new k8s.KubeConfigMap(this, 'Request', { metadata: { name: requestName, labels: operation.labels('restore') }, data: request });
      const never = Schedule.never().bind(this, 'schedule');
      this.job = new k8s.KubeCronJob(this, 'CronJob', {
        metadata: { name, labels: operation.labels('restore') },
        spec: {
          schedule: never.cron,
          timeZone: never.timeZone,
          suspend: true,
          concurrencyPolicy: 'Forbid',
          successfulJobsHistoryLimit: 3,
          failedJobsHistoryLimit: 3,
          jobTemplate: {
            spec: job(
              known.map(({ key, variable }) => ({ name: variable, valueFrom: { configMapKeyRef: { name: requestName, key } } })),
              Duration.days(30),
            ),
          },
        },
      });
    }
    if (props.host !== undefined) {
      operation.networkPolicy(this, name, ['restore'], operation.destinations(target));
    }
  }
}

/** What a request to any engine may say. */
const COMMON_REQUEST = [
  { key: 'recoveryPoint', variable: 'RECOVERY_POINT', value: '' },
  { key: 'series', variable: 'SERIES', value: '' },
  { key: 'safetyBackup', variable: 'SAFETY_BACKUP', value: 'no' },
];
