import { isIP } from 'node:net';
import { type ApiObject, Chart, Duration, Lazy, type Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import type { DataVolume } from '../core/data-volume';
import type { Destination } from '../core/destination';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkObjectName, checkSeries } from '../core/names';
import { cronJobObject, operationJobSpec } from '../core/pod';
import { mergedPodOptions, type PodOptions } from '../core/pod-options';
import type { Retention } from '../core/retention';
import type { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretRef } from '../core/secret-ref';
import { warn } from '../core/warning';
import type { IEngine } from '../engines/engine';
import { registerPlace } from '../repositories/place';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import type { IBackupAddon, RefinableAddon } from './addon';
import { checkAppendOnly } from './append-only';
import { BackupJob, type BackupJobOptions } from './backup-job';
import { DatabaseMirror, type MirrorOptions } from './database-mirror';
import { DatabasePrune, type DatabasePruneOptions } from './database-prune';
import { DatabaseRestore, type DatabaseRestoreOptions } from './database-restore';
import { DatabaseVerification, type DatabaseVerificationOptions } from './database-verification';
import { drillVerification, type KeyDrillOptions } from './drill';
import { KeyRotation, type KeyRotationOptions } from './key-rotation';
import { renewLocks } from './lock-renewal';
import { DatabaseLogArchive, type LogArchiveOptions } from './log-archive';
import { Operation, type OperationPodProps } from './operation';
import { Reencryption, type ReencryptionOptions } from './reencryption';

/** What may be said of a backup, or of all backups of a plan. */
export interface BackupOptions {
  /**
   * When backups are made.
   * @default Schedule.daily({ at: '02:00', spread: Duration.hours(1) }) - between 02:00 and 03:00 UTC, unless the engine knows better
   */
  readonly schedule?: Schedule;
  /**
   * How late a run may start when the cluster could not start it on time. Longer than that, and the run is skipped.
   * @default - four hours, or the schedule's interval if that is shorter
   */
  readonly startingDeadline?: Duration;
  /**
   * The longest that a run may take; then it is stopped and has failed. No other run starts while it goes on.
   * @default - four intervals of the schedule, an hour at least and twelve at most
   */
  readonly deadline?: Duration;
  /**
   * How often a failed run is tried again. What no retry can mend is not tried again.
   * @default 2
   */
  readonly retries?: number;
  /**
   * How long to wait for the server to accept connections, so that one that starts late costs no retry.
   * @default Duration.minutes(5)
   */
  readonly readyTimeout?: Duration;
  /**
   * How long to wait for a repository that another run has locked, or that does not answer.
   * @default Duration.minutes(15) - longer than the lock of a run that was killed stands in the way
   */
  readonly repositoryWait?: Duration;
  /**
   * The drop in size against the recovery point before, in percent, above which a run fails and keeps everything. 100 switches
   * the check off.
   * @default 50, unless the engine knows better
   */
  readonly sizeDropLimit?: number;
  /**
   * The size below which a recovery point is refused.
   * @default - none but that of the manifest's own contents
   */
  readonly minimumSize?: Size;
  /**
   * The cluster that all of this is for: the SHA-256 of its authority's certificates, which every namespace has in the ConfigMap
   * `kube-root-ca.crt`: `kubectl get configmap kube-root-ca.crt -o jsonpath='{.data.ca\.crt}' | sha256sum`.
   *
   * A namespace that is copied brings its CronJobs along. Pods refuse to work in another namespace than their chart's, so that they
   * neither publish a copy's data among production's nor act on production's servers; with this, in another cluster, too. A restore runs
   * in a copy all the same, and restores into it, where the host is a Service named without its namespace.
   * @default - any cluster, as long as the namespace has the chart's name
   */
  readonly cluster?: string;
  /**
   * Where the series comes from, once the database has moved: recovery points note the namespace (and the cluster, where it is given)
   * of their backup, and a backup of another place is refused. Write what the refusal names; drop it after the next recovery point.
   * @default - the series is of this place
   */
  readonly takesOverFrom?: string;
  /**
   * Where a backup or a restore may write what dies with its pod. Backups stream and need little; a restore with several jobs
   * holds an archive there.
   * @default Scratch.emptyDir(Size.gibibytes(2)), unless the engine knows better
   */
  readonly scratch?: Scratch;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** The database that is backed up. */
export interface DatabaseOptions {
  /** The kind of database. */
  readonly engine: IEngine;
  /** The server: a Service (`orders-db`, `orders-db.shop`), an IP address, or a host name outside the cluster. */
  readonly host: string;
  /**
   * The server's port.
   * @default - the engine's own
   */
  readonly port?: number;
  /**
   * The Secret with the credentials of a role that may read everything; the engine documents its keys.
   * @default - none: an engine that needs them says so
   */
  readonly credentials?: SecretRef;
  /**
   * Labels of the database's pods: they narrow the NetworkPolicy, and place jobs that need the server's volume beside it.
   * @default - every pod of the Service's namespace
   */
  readonly podLabels?: { [label: string]: string };
  /**
   * Where packets to the server go, for the NetworkPolicies of its jobs; of a cluster of servers, to all of them. Say it where
   * `host` and `port` do not tell: pods that listen on another port than their Service, a Service without selector, a host name
   * outside with a single dot.
   * @default - guessed from host, port and podLabels; see NetworkDestination
   */
  readonly destinations?: Destination[];
  /**
   * The volume with the server's data directory, for engines whose jobs work on files. It must be the volume of the very
   * server that `host` names.
   * @default - none: an engine whose jobs need it says so
   */
  readonly dataVolume?: DataVolume;
  /**
   * The name under which recovery points are kept in the repository. It outlives everything else: renaming it begins a new
   * series, which knows nothing of the old one's recovery points.
   * @default - the construct's id
   */
  readonly series?: string;
}

/** Props of a backup. */
export interface DatabaseBackupProps extends BackupOptions, DatabaseOptions {
  /** Where recovery points are kept. */
  readonly repository: IRepository;
  /** Which recovery points are kept. */
  readonly retention: Retention;
}

/**
 * Backs up a database: a CronJob `<series>-backup` that waits for the server, dumps with the engine's own client, judges what
 * it got, publishes a recovery point, and only then prunes. Beside it a NetworkPolicy for its pods.
 *
 * Add what proves and what restores: `addVerification()` and `addRestore()`.
 */
export class DatabaseBackup extends Construct {
  /** The name under which recovery points are kept. */
  public readonly series: string;
  /** The CronJob that makes recovery points. */
  public readonly cronJob: ApiObject;
  /** When it runs. */
  public readonly schedule: Schedule;
  /** The longest expected time between two runs. */
  public readonly interval: Duration;
  /** What the backup was made with, for add-ons. */
  public readonly props: DatabaseBackupProps;

  /**
   * Of the log's archive, where there is one.
   *
   * @internal
   */
  public _maximumLag: Duration | undefined;
  /** @internal */
  public readonly _operation: Operation;
  private pruner: DatabasePrune | undefined;
  private readonly addons: IBackupAddon[] = [];
  private planned: IBackupAddon[] = [];
  private readonly bound = new Set<IBackupAddon>();
  private bindsPlanned = false;

  /**
   * @throws InputError when a prop cannot stand
   */
  constructor(scope: Construct, id: string, props: DatabaseBackupProps) {
    super(...checkedConstruct('DatabaseBackup', scope, id, props));
    if (Chart.of(this).namespace === undefined) {
      warn(
        Chart.of(this),
        "the chart has no namespace, so that all of it goes where whoever applies it happens to be, and policies of other namespaces do not fit: new Chart(app, 'shop', { namespace: 'shop' })",
      );
    }
    this.props = props;
    this.series = checkSeries(this, props.series ?? id);
    checkWhole(this, 'port', props.port ?? 1, 1, 65535);
    checkHost(this, props.host);
    if (props.credentials) checkCredentials(this, props.credentials);
    this._operation = new Operation(this, props);
    const { boundSchedule: schedule } = this._operation;
    this.schedule = this._operation.schedule;
    this.interval = schedule.interval;
    const retention = props.retention.bind(this, 'retention');
    checkAppendOnly(this, this._operation.repository, retention);
    const { retries = 2 } = props;
    checkWhole(this, 'retries', retries, 0, 10);
    const pod = this._pod(this);
    this.cronJob = cronJobObject(this, 'CronJob', {
      metadata: { name: `${this.series}-backup`, labels: this._operation.labels('backup') },
      schedule,
      startingDeadline: props.startingDeadline ?? schedule.intervalUpTo(Duration.hours(4)),
      job: operationJobSpec({ pod, operation: 'backup', retries, deadline: this._operation.deadline, keepFinished: Duration.days(7) }),
    });
    const { repository } = this._operation;
    this._operation.networkPolicy(this, `${this.series}-backup`, this._operation.destinations(this._operation.engine));
    registerSeries(this, repository.identity, this.series);
    registerName(this, 'backup', this.series);
    registerPlace(this, repository, this._operation.user);
    renewLocks(this, { backup: this, retention, interval: this.interval });
    this.node.addValidation({ validate: () => [...this.bindAddons(), ...this.warnOfGaps()] });
  }

  /** Its mirrors so far; those of add-ons come at synthesis. */
  public get mirrors(): DatabaseMirror[] {
    return this.node.children.filter(child => child instanceof DatabaseMirror);
  }

  /**
   * Proves by restoring: a CronJob `<series>-verify` that brings the newest recovery point up in a throw-away server in its own
   * pod and checks what came back. Each repository is verified on one schedule; one of several verifications needs a `name`.
   *
   * @throws InputError when a prop cannot stand, or the backup has a verification of that name already
   */
  public addVerification(options: DatabaseVerificationOptions = {}): DatabaseVerification {
    const { name = 'verify' } = options;
    this.refuseTwice('addVerification', name, `a backup has one verification of the name ${name}: leave one out, or give it another name`);
    return new DatabaseVerification(this, name, { ...this.refined(name, options), backup: this });
  }

  /**
   * Brings data back when somebody asks: by default a CronJob `<series>-restore` that never runs by itself.
   *
   * @throws InputError when a prop cannot stand
   */
  public addRestore(options: DatabaseRestoreOptions = {}): DatabaseRestore {
    const { name = 'restore' } = options;
    const because = `a backup may have several restores, to several places: give this one a name, for example addRestore({ name: 'restore-to-staging' })`;
    this.refuseTwice('addRestore', name, because);
    return new DatabaseRestore(this, name, { ...this.refined(name, options), backup: this });
  }

  /**
   * Copies every recovery point into another repository: a CronJob `<series>-mirror-<name>`.
   *
   * @param repository where the copies are kept: any kind, with a password or a compression of its own
   * @throws InputError when an option cannot stand, or the backup has a mirror of that name already
   */
  public addMirror(repository: IRepository, options: MirrorOptions): DatabaseMirror {
    const id = `mirror-${options.name}`;
    this.refuseTwice('addMirror', id, `a backup has one mirror of the name ${options.name}: give one of them another`);
    const mirror = new DatabaseMirror(this, id, { ...options, repository, backup: this });
    if (options.verification) mirror.addVerification(options.verification);
    if (options.restore) mirror.addRestore(options.restore);
    return mirror;
  }

  /**
   * Archives the server's log as it is written, so that a restore can go to any moment: a Deployment `<series>-log`.
   *
   * @throws InputError when the engine has no log to archive, or a prop cannot stand
   */
  public addLogArchive(options: LogArchiveOptions = {}): DatabaseLogArchive {
    this.refuseTwice('addLogArchive', 'log', 'a server has one archive of its log: leave one out');
    return new DatabaseLogArchive(this, 'log', { ...this.refined('log', options), backup: this });
  }

  /**
   * Proves that a key in escrow opens the newest recovery point, by verifying with it and with no other: a suspended CronJob
   * `<series>-drill`. A drill that succeeds notes the recovery point as verified, which it then is.
   *
   * @throws InputError when the repository is opened with no key, or a prop cannot stand
   */
  public addKeyDrill(options: KeyDrillOptions): DatabaseVerification {
    return this.addVerification(drillVerification(this, options, this.props.repository));
  }

  /**
   * Encrypts older recovery points anew, to the recipients of today: a suspended CronJob `<series>-reencrypt`.
   *
   * @throws InputError when the repository is not an encrypted one of plain files, or a prop cannot stand
   */
  public addReencryption(options: ReencryptionOptions = {}): Reencryption {
    this.refuseTwice('addReencryption', 'reencrypt', 'a backup has one re-encryption: leave one out');
    return new Reencryption(this, 'reencrypt', { ...options, backup: this });
  }

  /**
   * Adds a key to a restic repository, or removes one: suspended CronJobs `<series>-add-key` and `<series>-remove-key`.
   *
   * @throws InputError when the repository is not restic's, or a prop cannot stand
   */
  public addKeyRotation(options: KeyRotationOptions): KeyRotation {
    this.refuseTwice('addKeyRotation', 'rotate-key', 'name the key to add and the one to remove in one call');
    return new KeyRotation(this, 'rotate-key', { ...options, backup: this });
  }

  /**
   * Removes what the retention does not keep in a job of its own, `<series>-prune`; the backup itself prunes no more. With an
   * append-only repository that needs other credentials: see `DatabasePrune`.
   *
   * @throws InputError when a prop cannot stand, or something prunes the backup's recovery points already
   */
  public addPrune(options: DatabasePruneOptions = {}): DatabasePrune {
    this.refuseTwice('addPrune', 'prune', 'a backup has one prune: leave one out');
    return new DatabasePrune(this, 'prune', { ...this.refined('prune', options), backup: this });
  }

  /**
   * A job of your own, with the engine's image and tools, and the repository's: a CronJob `<series>-<name>`. Its scripts may use what
   * `lib/shell/lib.sh` offers; its end is a verdict as that of every other job.
   *
   * @param name what the job is called, after the series: `<name>.sh` of its scripts is run
   * @throws InputError when an option cannot stand, or the backup has something of that name already
   */
  public addJob(name: string, options: BackupJobOptions): BackupJob {
    this.refuseTwice('addJob', name, 'the backup has something of that name: choose another');
    return new BackupJob(this, name, { ...options, backup: this });
  }

  /**
   * A pod that makes a recovery point as the CronJob's do.
   *
   * @internal
   */
  public _pod(scope: Construct, different: Partial<OperationPodProps> = {}): k8s.PodTemplateSpec {
    const { engine } = this._operation;
    const { sizeDropLimit = engine.defaults?.sizeDropLimit ?? 50, readyTimeout = Duration.minutes(5), minimumSize } = this.props;
    checkWhole(this, 'sizeDropLimit', sizeDropLimit, 1, 100);
    const retention = this.props.retention.bind(this, 'retention');
    return this._operation.pod(scope, {
      operation: 'backup',
      access: RepositoryAccess.APPEND,
      job: `${this.series}-backup`,
      server: engine,
      environment: [
        ...this._operation.waitFor(readyTimeout),
        { name: 'MINIMUM_BYTES', value: String(Math.max(1, (minimumSize?.toKibibytes() ?? 0) * 1024)) },
        { name: 'SIZE_DROP_LIMIT', value: String(sizeDropLimit) },
        // Whether somebody else prunes is known only when everything has been added.
        ...Object.entries(retention.environment).map(([name, value]) => ({
          name,
          value: Lazy.any({ produce: () => (this.prunesItself && value !== '' ? value : undefined) }) as string,
        })),
      ],
      ...different,
    });
  }

  /** @internal */
  public _prunedBy(pruner: DatabasePrune): void {
    if (this.pruner) {
      throw new InputError(pruner, {
        prop: 'backup',
        got: this.node.path,
        because: `${this.pruner.node.path} prunes its recovery points already; leave one out`,
      });
    }
    this.pruner = pruner;
  }

  private get prunesItself(): boolean {
    return this.pruner === undefined && !this._operation.repository.appendOnly;
  }

  private refuseTwice(call: string, id: string, because: string): void {
    if (!this.node.tryFindChild(id)) return;
    const late = this.bindsPlanned ? `${because}. Where an add-on of its plan is to be refined, plan.add() comes first` : because;
    throw new InputError(this, { prop: call, got: 'called twice', because: late });
  }

  /** Hangs add-ons on this backup. They are bound at synthesis, when all that was said of the app has been said. */
  public add(...addons: IBackupAddon[]): void {
    this.addons.push(...addons);
  }

  /**
   * @param addons what the plan adds to all its backups, now and later
   * @internal
   */
  public _plannedWith(addons: IBackupAddon[]): void {
    this.planned = addons;
  }

  /** What an add-on of the plan says, and what is said here of the same, which goes before it; the add-on is done with then. */
  private refined<Options extends { readonly pods?: PodOptions }>(id: string, options: Options): Options {
    if (this.bindsPlanned) return options;
    const isSame = (addon: Partial<RefinableAddon<Options>>) => addon._id === id;
    const addon = this.planned.find(each => !this.bound.has(each) && isSame(each)) as RefinableAddon<Options> | undefined;
    if (!addon) return options;
    this.bound.add(addon);
    return { ...addon._options, ...options, pods: mergedPodOptions(addon._options.pods, options.pods) };
  }

  /** What is made here was not among the constructs that the app validates. */
  private bindAddons(): string[] {
    const known = new Set(this.node.findAll());
    for (const addon of this.addons) this.bind(addon);
    this.bindsPlanned = true;
    for (const addon of this.planned) this.bind(addon);
    this.bindsPlanned = false;
    const made = this.node.findAll().filter(construct => !known.has(construct));
    return made.flatMap(({ node }) => node.validate().map(error => `[${node.path}] ${error}`));
  }

  private bind(addon: IBackupAddon): void {
    if (this.bound.has(addon)) return;
    this.bound.add(addon);
    addon.bind(this);
  }

  /** Nothing here is an error, but somebody should have thought of it. It is known only when everything has been added. */
  private warnOfGaps(): string[] {
    const { identity } = this._operation.repository;
    const { children } = this.node;
    if (!children.some(child => child instanceof DatabaseVerification && child._identity === identity)) {
      warn(this, `nothing proves that ${this.series} can be restored: call addVerification()`);
    }
    if (!children.some(child => child instanceof DatabaseRestore && child._identity === identity)) {
      warn(this, `nothing restores ${this.series} on the worst day: call addRestore()`);
    }
    const { appendOnly } = this._operation.repository;
    if (appendOnly && !this.pruner && !this.props.retention.bind(this, 'retention').keepsAll) {
      warn(this, `nothing removes what the retention of ${this.series} does not keep, as its repository is append-only: call addPrune()`);
    }
    return [];
  }
}

/** @internal */
export function checkWhole(scope: Construct, prop: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InputError(scope, { prop, got: value, because: `write a whole number from ${least} to ${most}` });
  }
}

function checkCredentials(scope: Construct, credentials: SecretRef): void {
  if (!credentials.name) {
    const because = "name a Secret, for example SecretRef.named('orders-backup')";
    throw new InputError(scope, { prop: 'credentials', got: credentials, because });
  }
  checkObjectName(scope, 'credentials', credentials.name);
}

/** @internal */
export function checkHost(scope: Construct, host: string): void {
  if (!isIP(host ?? '') && !/^[a-zA-Z0-9]([-.a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(host ?? '')) {
    throw new InputError(scope, {
      prop: 'host',
      got: host,
      because: "write a Service, an address or a host name, for example 'orders-db' or 'orders-db.shop'; a port goes into port",
    });
  }
}

/** The series of an app's repositories: two backups that share one would prune each other's recovery points. */
const apps = new WeakMap<object, Map<string, Construct>>();

/** @internal */
export function registerSeries(backup: Construct, repository: string, series: string): void {
  const known = apps.get(backup.node.root) ?? new Map<string, Construct>();
  apps.set(backup.node.root, known);
  const key = `${repository}\n${series}`;
  const other = known.get(key);
  if (other) {
    throw new InputError(backup, {
      prop: 'series',
      got: series,
      because: `${other.node.path} keeps its recovery points under that name in the same repository, and each would prune the other's; give one of them another series`,
    });
  }
  known.set(key, backup);
}

/**
 * Recovery points of two kinds cannot share a series in one namespace: objects are named and found by it.
 *
 * @internal
 */
export function registerName(of: Construct, kind: 'backup' | 'snapshot', series: string): void {
  const namespace = Chart.of(of).namespace ?? '';
  const other = namesOf(of).get(`${kind === 'backup' ? 'snapshot' : 'backup'} ${namespace}/${series}`);
  if (other) {
    const because = `${other.node.path} has that series in this namespace, and objects are named and found by it; give one of them another`;
    throw new InputError(of, { prop: 'series', got: series, because });
  }
  namesOf(of).set(`${kind} ${namespace}/${series}`, of);
}

const names = new WeakMap<object, Map<string, Construct>>();

function namesOf({ node: { root } }: Construct): Map<string, Construct> {
  const known = names.get(root) ?? new Map<string, Construct>();
  names.set(root, known);
  return known;
}
