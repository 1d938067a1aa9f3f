import { type ApiObject, Chart, Duration, Lazy } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import { Construct } from 'constructs';
import { checkHost, checkWhole, refuseTwice } from '../core/checks';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { checkObjectName, checkSeries } from '../core/names';
import { completesAtSynthesis } from '../core/needs';
import { mergedPodOptions, type PodOptions } from '../core/pod-options';
import { said } from '../core/said';
import type { Schedule } from '../core/schedule';
import type { SecretRef } from '../core/secret-ref';
import { complaintOf, noteLine } from '../core/user-line';
import { warn } from '../core/warning';
import { cronJobObject, operationJobSpec } from '../kubernetes/pod';
import { registerPlace } from '../repositories/place';
import { type IRepository, RepositoryAccess } from '../repositories/repository';
import { checkAppendOnly } from './append-only';
import type { IDatabaseBackup } from './backup';
import { BackupJob, type BackupJobOptions } from './backup-job';
import { DatabaseMirror, type MirrorOptions } from './database-mirror';
import { DatabasePrune, type DatabasePruneOptions } from './database-prune';
import { DatabaseRestore, type DatabaseRestoreOptions } from './database-restore';
import { DatabaseVerification, type DatabaseVerificationOptions } from './database-verification';
import { drillVerification, type KeyDrillOptions, sayWhenDrilled } from './drill';
import { KeyRotation, type KeyRotationOptions } from './key-rotation';
import { renewLocks } from './lock-renewal';
import { DatabaseLogArchive, type LogArchiveOptions } from './log-archive';
import { Operation, type OperationPodProps } from './operation';
import type { DatabaseBackupProps } from './options';
import { Reencryption, type ReencryptionOptions } from './reencryption';
import { registerName, registerSeries } from './series';

/**
 * Something that is added to a backup: a verification, a restore, a mirror, or an add-on of your own. Added to a plan, it is added to each
 * of the plan's backups.
 *
 * It makes what it needs by the public methods of the backup: `addJob()`, `addVerification()`, and so on.
 */
export interface IBackupAddon {
  /** Adds itself to a backup. Called at synthesis, when the app is complete. */
  bind(backup: DatabaseBackup): void;
}

/**
 * An add-on that says what a backup of a plan may say more precisely.
 *
 * @internal
 */
export interface RefinableAddon<Options> extends IBackupAddon {
  /** The id of the construct that it makes below the backup. */
  readonly _id: string;
  readonly _options: Options;
}

/**
 * Backs up a database: a CronJob `<series>-backup`, and a NetworkPolicy for its pods. A run waits for the server, dumps with the engine's
 * own client, checks the dump, publishes a recovery point, and only then prunes.
 *
 * Add what proves it and what restores it: `addVerification()` and `addRestore()`.
 */
export class DatabaseBackup extends Construct implements IDatabaseBackup {
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
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: DatabaseBackupProps) {
    super(...checkedConstruct('DatabaseBackup', scope, id, props));
    if (Chart.of(this).namespace === undefined) {
      warn(
        Chart.of(this),
        "the chart has no namespace, so its objects go to the current namespace of whoever applies them, and network policies of other namespaces do not match: write new Chart(app, 'shop', { namespace: 'shop' })",
      );
    }
    this.props = props;
    this.series = checkSeries(this, props.series ?? id);
    checkWhole(this, 'port', props.port ?? 1, 1, 65535);
    checkHost(this, props.host);
    if (props.credentials) checkCredentials(this, props.credentials);
    this._operation = new Operation(this, this.series, props);
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
    completesAtSynthesis(this, () => [...this.addons, ...this.planned].some(addon => !this.bound.has(addon)));
    this.node.addValidation({ validate: () => [...this.bindAddons(), ...this.warnOfGaps()] });
  }

  /** Its mirrors so far; mirrors of add-ons are added at synthesis. */
  public get mirrors(): DatabaseMirror[] {
    return this.node.children.filter(child => child instanceof DatabaseMirror);
  }

  /**
   * Proves the backup by restoring it: a CronJob `<series>-verify`. It restores the newest recovery point to a throw-away server in its own
   * pod, and checks the data. Each repository is verified on one schedule; a further verification needs a `name`.
   *
   * @throws InputError when a prop is invalid, or the backup has a verification of that name already
   */
  public addVerification(options: DatabaseVerificationOptions = {}): DatabaseVerification {
    const { name = 'verify' } = options;
    this.refuseTwice(
      'addVerification',
      name,
      `the backup already has a verification named ${name}: leave one out, or give it another name`,
    );
    return new DatabaseVerification(this, name, { ...this.refined(name, options), backup: this });
  }

  /**
   * Brings data back when somebody asks: by default a CronJob `<series>-restore` that never runs by itself.
   *
   * @throws InputError when a prop is invalid
   */
  public addRestore(options: DatabaseRestoreOptions = {}): DatabaseRestore {
    const { name = 'restore' } = options;
    const because = `the backup already has a restore of that name: give this one a name of its own, for example addRestore({ name: 'restore-to-staging' })`;
    this.refuseTwice('addRestore', name, because);
    return new DatabaseRestore(this, name, { ...this.refined(name, options), backup: this });
  }

  /**
   * Copies every recovery point into another repository: a CronJob `<series>-mirror-<name>`.
   *
   * If the plan has a mirror of that name, what is said here takes precedence; the rest stays as the plan says.
   *
   * @param repository where the copies are kept: any kind, with a password or a compression of its own
   * @throws InputError when an option is invalid, or the backup has a mirror of that name already
   */
  public addMirror(repository: IRepository, options: MirrorOptions): DatabaseMirror {
    const id = `mirror-${options.name}`;
    this.refuseTwice('addMirror', id, `the backup already has a mirror named ${options.name}: give one of them another name`);
    const { verification, restore, ...own } = this.refined(id, options);
    const mirror = new DatabaseMirror(this, id, { ...own, repository, backup: this });
    if (verification) mirror.addVerification(verification);
    if (restore) mirror.addRestore(restore);
    return mirror;
  }

  /**
   * Archives the server's log as it is written, so that a restore can go to any moment: a Deployment `<series>-log`.
   *
   * @throws InputError when the engine has no log to archive, or a prop is invalid
   */
  public addLogArchive(options: LogArchiveOptions = {}): DatabaseLogArchive {
    this.refuseTwice('addLogArchive', 'log', 'a server can have only one log archive: leave one out');
    return new DatabaseLogArchive(this, 'log', { ...this.refined('log', options), backup: this });
  }

  /**
   * Proves that a key in escrow opens the newest recovery point, by verifying with that key alone: a suspended CronJob `<series>-drill`. A
   * drill that succeeds marks the recovery point as verified.
   *
   * @throws InputError when the repository is opened with no key, or a prop is invalid
   */
  public addKeyDrill(options: KeyDrillOptions): DatabaseVerification {
    const { name = 'drill' } = options;
    this.refuseTwice('addKeyDrill', name, `the backup already has a drill named ${name}: give one of them another name`);
    const refined = this.refined(name, options);
    const drill = this.addVerification(drillVerification(this, refined, this.props.repository));
    sayWhenDrilled(drill, refined, this.series);
    return drill;
  }

  /**
   * Encrypts older recovery points again, to the current recipients: a suspended CronJob `<series>-reencrypt`.
   *
   * @throws InputError when the repository is not an encrypted one of plain files, or a prop is invalid
   */
  public addReencryption(options: ReencryptionOptions = {}): Reencryption {
    this.refuseTwice('addReencryption', 'reencrypt', 'a backup can have only one re-encryption: leave one out');
    return new Reencryption(this, 'reencrypt', { ...options, backup: this });
  }

  /**
   * Adds a key to a restic repository, or removes one: suspended CronJobs `<series>-add-key` and `<series>-remove-key`.
   *
   * @throws InputError when the repository is not restic's, or a prop is invalid
   */
  public addKeyRotation(options: KeyRotationOptions): KeyRotation {
    this.refuseTwice('addKeyRotation', 'rotate-key', 'name the key to add and the key to remove in one call');
    return new KeyRotation(this, 'rotate-key', { ...options, backup: this });
  }

  /**
   * Removes what the retention does not keep in a job of its own, `<series>-prune`; the backup itself then prunes nothing. With an
   * append-only repository, the prune needs other credentials: see `DatabasePrune`.
   *
   * @throws InputError when a prop is invalid, or something prunes the backup's recovery points already
   */
  public addPrune(options: DatabasePruneOptions = {}): DatabasePrune {
    this.refuseTwice('addPrune', 'prune', 'a backup can have only one prune: leave one out');
    return new DatabasePrune(this, 'prune', { ...this.refined('prune', options), backup: this });
  }

  /**
   * A job of your own, with the engine's image and tools, and the repository's: a CronJob `<series>-<name>`. Its scripts may use what
   * `lib/shell/lib/lib.sh` defines; its result is a verdict like that of every other job.
   *
   * @param name what the job is called, after the series: `<name>.sh` of its scripts is run
   * @throws InputError when an option is invalid, or the backup has something of that name already
   */
  public addJob(name: string, options: BackupJobOptions): BackupJob {
    this.refuseTwice('addJob', name, 'the backup already uses that name: choose another one');
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

  /**
   * Whether it is an add-on of the plan that is bound now: it gives way to what was added here.
   *
   * @internal
   */
  public get _bindsPlanned(): boolean {
    return this.bindsPlanned;
  }

  /** @internal */
  public _prunedBy(pruner: DatabasePrune): void {
    if (this.pruner) {
      throw new InputError(pruner, {
        prop: 'backup',
        got: this.node.path,
        because: `${this.pruner.node.path} already prunes its recovery points: leave one out`,
      });
    }
    this.pruner = pruner;
  }

  private get prunesItself(): boolean {
    return this.pruner === undefined && !this._operation.repository.appendOnly;
  }

  private refuseTwice(call: string, id: string, because: string): void {
    const late = this.bindsPlanned ? `${because}. To refine an add-on of its plan, call plan.add() first` : because;
    refuseTwice(this, this, call, id, late);
  }

  /** Adds add-ons to this backup. They are bound at synthesis, when the app is complete. */
  public add(...addons: IBackupAddon[]): void {
    addons.forEach(noteLine);
    this.addons.push(...addons);
  }

  /**
   * @param addons what the plan adds to all its backups, now and later
   * @internal
   */
  public _plannedWith(addons: IBackupAddon[]): void {
    this.planned = addons;
  }

  /** What an add-on of the plan says, overridden by what this backup says of it. The add-on counts as used after that. */
  private refined<Options extends { readonly pods?: PodOptions }>(id: string, options: Options): Options {
    if (this.bindsPlanned) return options;
    const isSame = (addon: Partial<RefinableAddon<Options>>) => addon._id === id;
    const addon = this.planned.find(each => !this.bound.has(each) && isSame(each)) as RefinableAddon<Options> | undefined;
    if (!addon) return options;
    this.bound.add(addon);
    return refinedBy(addon._options, options);
  }

  /** Constructs that are made here are too late for the app to validate. */
  private bindAddons(): string[] {
    const known = new Set(this.node.findAll());
    const errors = this.addons.flatMap(addon => this.refusal(addon));
    this.bindsPlanned = true;
    try {
      errors.push(...this.planned.flatMap(addon => this.refusal(addon)));
    } finally {
      this.bindsPlanned = false;
    }
    const made = this.node.findAll().filter(construct => !known.has(construct));
    return [...errors, ...made.flatMap(({ node }) => node.validate().map(error => `[${node.path}] ${error}`))];
  }

  /** What is wrong with an add-on, so that all errors are shown at once. */
  private refusal(addon: IBackupAddon): string[] {
    try {
      this.bind(addon);
      return [];
    } catch (error) {
      const complaint = complaintOf(error, addon);
      if (complaint === undefined) throw error;
      return [complaint];
    }
  }

  private bind(addon: IBackupAddon): void {
    if (this.bound.has(addon)) return;
    addon.bind(this);
    // What has failed is tried again, and fails again, by the next synthesis.
    this.bound.add(addon);
  }

  /** Not errors, but gaps that somebody should know of. They are known only when everything has been added. */
  private warnOfGaps(): string[] {
    const { identity } = this._operation.repository;
    const { children } = this.node;
    const restores = children.filter(child => child instanceof DatabaseRestore);
    for (const secret of new Set([this.props.credentials, ...restores.map(({ _credentials }) => _credentials)])) {
      for (const complaint of secret?._complaints() ?? []) warn(this, complaint);
    }
    if (!children.some(child => child instanceof DatabaseVerification && child._identity === identity)) {
      warn(this, `nothing proves that ${this.series} can be restored: call addVerification()`);
    }
    if (!children.some(child => child instanceof DatabaseRestore && child._identity === identity)) {
      warn(this, `nothing can restore ${this.series} after a disaster: call addRestore()`);
    }
    const { appendOnly } = this._operation.repository;
    if (appendOnly && !this.pruner && !this.props.retention.bind(this, 'retention').keepsAll) {
      warn(this, `nothing prunes the recovery points of ${this.series}, as its repository is append-only: call addPrune()`);
    }
    return [];
  }
}

/** What a mirror has of its own, which is refined member by member, as the mirror is. */
const NESTED = ['verification', 'restore'];

function refinedBy<Options extends { readonly pods?: PodOptions }>(planned: Options, own: Options): Options {
  const [before, after] = [planned, own] as unknown as { readonly [member: string]: Options | undefined }[];
  const nested = NESTED.flatMap(member => {
    const [plans, owns] = [before?.[member], after?.[member]];
    return plans && owns ? [[member, refinedBy(plans, owns)]] : [];
  });
  const pods = mergedPodOptions(planned.pods, own.pods);
  return { ...planned, ...said(own), ...Object.fromEntries(nested), pods };
}

function checkCredentials(scope: Construct, credentials: SecretRef): void {
  if (!credentials.name) {
    const because = "name a Secret, for example SecretRef.named('orders-backup')";
    throw new InputError(scope, { prop: 'credentials', got: credentials.name, because });
  }
  checkObjectName(scope, 'credentials', credentials.name);
}
