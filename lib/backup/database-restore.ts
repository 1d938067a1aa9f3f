import { createHash } from 'node:crypto';
import { type ApiObject, Duration, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkHost, checkWhole } from '../core/checks';
import type { DataVolume } from '../core/data-volume';
import type { Destination } from '../core/destination';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkCronJobName, checkObjectName, SAFETY_SUFFIX } from '../core/names';
import type { PodOptions } from '../core/pod-options';
import { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretRef } from '../core/secret-ref';
import { type BoundEngine, bindEngine } from '../engines/bound-engine';
import type { EngineMember } from '../engines/engine';
import { APPLIED_ONCE_ANNOTATIONS } from '../kubernetes/deploy-tools';
import { kubernetesObject } from '../kubernetes/kubernetes-object';
import { checkDeadline, cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { isFlag, type Request, type RequestKey, requestOf } from '../kubernetes/request';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';
import { serverOptions } from './operation';
import { staysInNamespace } from './origin';
import { RecoveryPoint } from './recovery-point';

/** How a restore is started. */
export enum RestoreForm {
  /**
   * A suspended CronJob whose schedule never fires: `kubectl create job --from=cronjob/<name>` starts it. Applying it restores nothing,
   * however often a deploy tool does.
   */
  ON_DEMAND = 'on-demand',
  /**
   * A Job that runs once, when it is applied. Its name carries a hash of what is restored, from where and to where: a changed request is a
   * new Job. It is never cleaned up by itself, since a deploy tool would then apply it, and restore, again.
   *
   * A change of anything else starts nothing, such as an image, a memory limit or a script of a newer version of this library. The API
   * server refuses to change a Job ("field is immutable"), and Flux does not try. Take the restore out of the code when it has ended.
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
   * The suffix of its objects' names, after the series. A backup may have several restores, to several places.
   * @default 'restore'
   */
  readonly name?: string;
  /**
   * The repository to restore from: a mirror, or the backup's own, opened with another key.
   * @default - the backup's
   */
  readonly repository?: IRepository;
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
   * What else the request says, in the engine's words: for PostgreSQL `database`, `into` and `replace`.
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
   * Where packets to that server go, for the NetworkPolicy; see `destinations` of the backup.
   * @default - the backup's, or guessed from `host` and `port` where these are others
   */
  readonly destinations?: Destination[];
  /**
   * The Secret with the credentials of a role that may create databases and roles.
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
   * The longest that a restore may take. Then it is stopped, and the target is as it was.
   * @default Duration.hours(24)
   */
  readonly deadline?: Duration;
  /**
   * How the pods are placed and what they may use.
   * @default - as in the backup; options given here take precedence, field by field
   */
  readonly pods?: PodOptions;
}

/** Props of a restore. */
export interface DatabaseRestoreProps extends DatabaseRestoreOptions {
  /** The backup whose recovery points are restored. */
  readonly backup: IDatabaseBackup;
}

/**
 * Brings data back. It refuses a target that holds something, unless told otherwise. It restores beside what is there, and compares counts
 * with the recovery point's. Only then does the restored data take the place of the old; the old data is kept.
 *
 * By default it is a CronJob `<series>-restore` that never runs by itself. It restores what the props say. For a single run, a ConfigMap
 * `<series>-restore-request` may ask for something else. It is not emitted, so that no deploy tool resets it:
 *
 * ```sh
 * kubectl create configmap orders-restore-request --from-literal=recoveryPoint=newest --from-literal=replace=yes
 * kubectl create job --from=cronjob/orders-restore orders-restore-1
 * kubectl delete configmap orders-restore-request   # when the job has ended
 * ```
 *
 * (Kubernetes documentation, "kubectl create job". A suspended Job would do as well, but makes Argo CD show the whole application as
 * suspended: argoproj/argo-cd issue 19126.)
 */
export class DatabaseRestore extends Construct {
  /** The CronJob or Job that restores. For a cluster with several servers, the first server's. */
  public readonly job: ApiObject;
  /** All CronJobs or Jobs that restore, in the order of the cluster's servers. */
  public readonly jobs: ApiObject[];

  /** @internal */
  public readonly _identity: string;

  private readonly target: BoundEngine;
  private readonly known: RequestKey[];
  /** What is restored unless somebody asks for something else. */
  private readonly request: RequestKey[];

  /**
   * Most call `backup.addRestore()`.
   *
   * @throws InputError when a prop is invalid
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly props: DatabaseRestoreProps,
  ) {
    super(...checkedConstruct('DatabaseRestore', scope, id, props));
    const { backup, form = RestoreForm.ON_DEMAND } = props;
    const operation = backup._operation;
    if (props.host !== undefined) checkHost(this, props.host);
    if (props.port !== undefined) checkWhole(this, 'port', props.port, 1, 65535);
    if (props.credentials) checkObjectName(this, 'credentials', props.credentials.name);
    this.target = this.bind();
    const { cluster, log, serverFiles } = this.target;
    const members = cluster?.members ?? [];
    if (props.safetyBackup && serverFiles?.restored) {
      throw new InputError(this, {
        prop: 'safetyBackup',
        got: true,
        because: `a restore of ${this.target.name} needs the server stopped, and a stopped server cannot be backed up: leave it out. The old data directory is put aside`,
      });
    }
    if (props.dataVolume && members.length > 1) {
      throw new InputError(this, {
        prop: 'dataVolume',
        got: 'one volume',
        because: `each of ${members.map(member => member.name).join(', ')} is restored to its own volume, which the engine knows: leave it out`,
      });
    }
    const repository = operation.bindRepository(this, RepositoryAccess.RESTORE, props.repository);
    this._identity = repository.identity;
    this.known = [
      ...COMMON_REQUEST,
      ...(serverFiles?.restored ? STOPPED_REQUEST : []),
      ...(repository.restoreRequest ?? []),
      ...(log?.restoreRequest ?? []),
      ...(this.target.restoreRequest ?? []),
    ];
    this.request = this.whatIsAsked();

    const name = `${backup.series}-${props.name ?? 'restore'}`;
    const request = form === RestoreForm.ON_DEMAND ? requestOf(this, name, this.request, operation.labels('restore')) : undefined;
    this.jobs =
      members.length === 0
        ? [this.restoreJob('', name, request)]
        : members.map(member => {
            const suffix = members.length === 1 ? '' : `-${member.name}`;
            return this.restoreJob(suffix, `${name}${suffix}`, request, member);
          });
    this.job = this.jobs[0] as ApiObject;
    if (cluster?.runbook !== undefined) {
      const metadata = { name: `${name}-runbook`, labels: operation.labels('restore') };
      const data = { 'restore.md': cluster.runbook, 'fetch.md': repository.byHand };
      kubernetesObject(this, 'Runbook', k8s.KubeConfigMap.GVK, { metadata, data });
    }
    const isElsewhere = props.host !== undefined || props.port !== undefined;
    const through = props.destinations ?? (isElsewhere ? undefined : backup.props.destinations);
    operation.networkPolicy(this, name, operation.destinations(this.target, { repository, through }));
  }

  /** @internal */
  public get _credentials(): SecretRef | undefined {
    return this.props.credentials;
  }

  /** The engine, bound to the server that is restored. */
  private bind(): BoundEngine {
    const { backup } = this.props;
    const options = serverOptions(backup, backup.series, {
      host: this.props.host ?? backup.props.host,
      port: this.props.port ?? backup.props.port,
      credentials: this.props.credentials ?? backup.props.credentials,
      podLabels: this.props.host === undefined ? backup.props.podLabels : undefined,
    });
    return bindEngine(this, backup.props.engine, options);
  }

  private whatIsAsked(): RequestKey[] {
    const { backup, from = RecoveryPoint.newestVerified(), safetyBackup, request = {} } = this.props;
    for (const [key, value] of Object.entries(request)) {
      if (!this.known.some(word => word.key === key)) {
        throw new InputError(this, {
          prop: `request.${key}`,
          got: value,
          because: `a request can have only the keys ${this.known.map(word => word.key).join(', ')}`,
        });
      }
      if (this.known.some(word => word.key === key && isFlag(word)) && !['yes', 'no'].includes(value)) {
        throw new InputError(this, { prop: `request.${key}`, got: value, because: "write 'yes' or 'no'" });
      }
    }
    const said: { [key: string]: string } = {
      series: backup.series,
      recoveryPoint: from.bind(this, 'from'),
      safetyBackup: safetyBackup ? 'yes' : 'no',
      ...request,
    };
    return this.known.map(word => ({ ...word, value: said[word.key] ?? word.value }));
  }

  private restoreJob(id: string, name: string, request?: Request, member?: EngineMember): ApiObject {
    checkCronJobName(this, name);
    const labels = this.props.backup._operation.labels('restore');
    if (!request) {
      const spec = this.jobSpec(member);
      checkDeadline(this, spec);
      const metadata = { name: `${name}-${this.hashOfRequest()}`, labels, annotations: APPLIED_ONCE_ANNOTATIONS };
      return kubernetesObject(this, `Job${id}`, k8s.KubeJob.GVK, { metadata, spec });
    }
    return cronJobObject(this, `CronJob${id}`, {
      metadata: { name, labels },
      schedule: Schedule.never().bind(this, 'schedule'),
      job: this.jobSpec(member, request, Duration.days(30)),
    });
  }

  /** Hashes only what was asked for. Anything else may change in Git at any time, and must not restore again. */
  private hashOfRequest(): string {
    const { backup, host = backup.props.host, port = backup.props.port, dataVolume = backup.props.dataVolume } = this.props;
    // A word that a newer release knows, and that nobody has said, is not asked for.
    const words = this.request.filter((word, index) => word.value !== this.known[index]?.value).map(({ key, value }) => [key, value]);
    const asked = { words, from: this._identity, host, port, dataVolume: dataVolume?._bind(this).volume };
    return createHash('sha256').update(JSON.stringify(asked)).digest('hex').slice(0, 10);
  }

  private jobSpec(member?: EngineMember, request?: Request, keepFinished?: Duration): k8s.JobSpec {
    const { backup } = this.props;
    const server = this.target;
    const volumes = [this.props.dataVolume ?? member?.dataVolume ?? backup.props.dataVolume, member?.walVolume];
    const operation = backup._operation;
    return operationJobSpec({
      pod: operation.pod(this, {
        operation: 'restore',
        access: RepositoryAccess.RESTORE,
        job: `${backup.series}-${this.props.name ?? 'restore'}`,
        repository: this.props.repository,
        server,
        member,
        dataVolume: this.props.dataVolume,
        request,
        // After the backup's own variables: the series may be another one.
        environment: [
          ...operation.waitFor(backup.props.readyTimeout ?? Duration.minutes(5)),
          ...(staysInNamespace(server, volumes) ? [{ name: 'ALSO_IN_COPIES', value: 'yes' }] : []),
          { name: 'SAFETY_SERIES', value: `${backup.series}${SAFETY_SUFFIX}` },
          ...(request ? [] : this.request.map(({ variable, value }) => ({ name: variable, value }))),
        ],
        scratch: this.props.scratch ?? backup.props.scratch ?? server.defaults?.restoreScratch,
        // A log that is replayed runs what the data's owner wrote.
        onWorkbench: server.log !== undefined,
        pods: this.props.pods,
        memory: { memoryRequest: Size.mebibytes(256), memoryLimit: Size.gibibytes(1) },
      }),
      operation: 'restore',
      isRestore: true,
      // A restore that failed is looked at before it is tried again.
      retries: 0,
      deadline: this.props.deadline ?? Duration.hours(24),
      keepFinished,
    });
  }
}

/** What a request to any engine may say. */
const COMMON_REQUEST: RequestKey[] = [
  { key: 'recoveryPoint', variable: 'RECOVERY_POINT', value: '' },
  { key: 'series', variable: 'SERIES', value: '' },
  { key: 'safetyBackup', variable: 'SAFETY_BACKUP', value: 'no' },
];

/** What a request may say to an engine whose server has to be stopped for a restore. */
const STOPPED_REQUEST: RequestKey[] = [{ key: 'serverIsDown', variable: 'SERVER_IS_DOWN', value: 'no' }];
