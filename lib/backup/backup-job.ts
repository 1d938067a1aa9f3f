import { type ApiObject, Duration } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkWhole } from '../core/checks';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkCronJobName } from '../core/names';
import { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretKeyRef } from '../core/secret-ref';
import type { NetworkDestination } from '../kubernetes/network';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import type { ScriptFolder } from '../kubernetes/script-folder';
import { RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';
import type { OnDemandOptions } from './on-demand';

/** Options of a job of your own. */
export interface BackupJobOptions extends OnDemandOptions {
  /** The job's scripts. The engine image's `sh` runs `<name>.sh`; the folder is at `$BACKUP_HOME/job`. */
  readonly scripts: ScriptFolder;
  /**
   * What the job may do in the backup's repository.
   * @default RepositoryAccess.READ
   */
  readonly access?: RepositoryAccess;
  /**
   * Whether the job can reach the database's server and gets its credentials.
   * @default false
   */
  readonly asksServer?: boolean;
  /**
   * When it runs.
   * @default Schedule.never() - when somebody starts `<series>-<name>`
   */
  readonly schedule?: Schedule;
  /**
   * How often a failed run is tried again. A script that ends with `refuse`, or exit code 78, is not tried again.
   * @default 0
   */
  readonly retries?: number;
  /**
   * Variables of the job, by name.
   * @default - as in every job
   */
  readonly environment?: { [name: string]: string };
  /**
   * Keys of Secrets that this job gets as files: `/run/secrets/job/<name>/<name>`.
   * @default - none
   */
  readonly secretFiles?: { [name: string]: SecretKeyRef };
  /**
   * What the job has to reach besides the repository, and besides the server if it asks that.
   * @default - nothing
   */
  readonly destinations?: NetworkDestination[];
  /**
   * Where the job may write what dies with its pod.
   * @default - the backup's
   */
  readonly scratch?: Scratch;
}

/** Props of a job of your own. */
export interface BackupJobProps extends BackupJobOptions {
  /** The backup that the job is about. */
  readonly backup: IDatabaseBackup;
}

/**
 * A job of your own on a backup: a CronJob `<series>-<name>`, with the labels, the verdict and the NetworkPolicy that all jobs have.
 *
 * Its script sources `"$BACKUP_HOME/shell/lib.sh"`, which defines `log`, `die`, `refuse` and `caveat`. For the repository it defines
 * `open_point newest-verified`, which sets `$POINT`, and `get NAME`, which writes a member of that point to stdout:
 *
 * ```sh
 * . "$BACKUP_HOME/shell/lib.sh"
 * open_point newest-verified
 * get orders.dump | wc -c >"$SCRATCH/outcome/bytes"
 * ```
 */
export class BackupJob extends Construct {
  /** The CronJob that runs it. */
  public readonly cronJob: ApiObject;

  /**
   * Most call `backup.addJob()`.
   *
   * @throws InputError when a prop is invalid, or the name is that of a job that comes with the library
   */
  constructor(scope: Construct, id: string, props: BackupJobProps) {
    super(...checkedConstruct('BackupJob', scope, id, props));
    const { backup, access = RepositoryAccess.READ, retries = 0 } = props;
    const operation = backup._operation;
    if (!/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(id) || TAKEN.test(id)) {
      const because = 'write a name of lower-case letters, digits and hyphens that no job of this library uses, such as export';
      throw new InputError(this, { prop: 'name', got: id, because });
    }
    checkWhole(this, 'retries', retries, 0, 10);
    props.scripts._require(this, 'scripts', `the job ${id}`, [`${id}.sh`]);
    const name = checkCronJobName(this, `${backup.series}-${id}`);
    const schedule = (props.schedule ?? Schedule.never()).bind(this, 'schedule');
    const server = props.asksServer ? operation.engine : undefined;
    const repository = operation.bindRepository(this, access);
    operation.networkPolicy(this, name, [
      ...(server ? operation.destinations(server) : repository.destinations),
      ...(props.destinations ?? []),
    ]);
    const pod = operation.pod(this, {
      operation: id,
      access,
      job: name,
      server,
      scripts: props.scripts,
      environment: [
        ...(server ? operation.waitFor(backup.props.readyTimeout ?? Duration.minutes(5)) : []),
        ...Object.entries(props.environment ?? {}).map(([variable, value]) => ({ name: variable, value })),
      ],
      secretFiles: props.secretFiles,
      scratch: props.scratch,
      pods: props.pods,
    });
    this.checkContainers(id, pod);
    this.checkSecretFiles(props, pod);
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name, labels: operation.labels(id) },
      schedule,
      ...(!schedule.isNever && { startingDeadline: schedule.intervalUpTo(Duration.hours(4)) }),
      job: operationJobSpec({
        pod,
        operation: id,
        retries,
        deadline: props.deadline ?? Duration.hours(24),
        keepFinished: Duration.days(14),
      }),
    });
  }

  /** The main one is called after the job; others are called after the tools that they bring, as age and restic are. */
  private checkContainers(name: string, { spec }: k8s.PodTemplateSpec): void {
    const names = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(container => container.name);
    if (names.filter(each => each === name).length === 1) return;
    const because = 'a container of its pod that brings a tool has that name: choose another one';
    throw new InputError(this, { prop: 'name', got: name, because });
  }

  /** Each is a volume of the pod, of that name. */
  private checkSecretFiles({ secretFiles = {} }: BackupJobProps, { spec }: k8s.PodTemplateSpec): void {
    for (const file of Object.keys(secretFiles)) {
      const isName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(file);
      if (isName && spec?.volumes?.filter(({ name }) => name === file).length === 1) continue;
      const because = 'write a name of lower-case letters, digits and hyphens that no other volume of the pod uses, such as token';
      throw new InputError(this, { prop: 'secretFiles', got: file, because });
    }
  }
}

/** Names of this library's jobs, and prefixes of the names that several of its jobs share. */
const TAKEN =
  /^(backup|verify|restore|mirror|prune|log|archive|follow|snapshot|check|drill|reencrypt|rotate-key|add-key|remove-key|renew-locks|prepare|workbench|((verify|restore|mirror|renew-locks)-.*))$/;
