import type { Duration } from 'cdk8s';
import { said } from '../core/said';
import { Schedule } from '../core/schedule';
import type { IRepository } from '../repositories/repository';
import type { DatabaseBackup, IBackupAddon } from './database-backup';
import type { MirrorOptions } from './database-mirror';
import { type DatabasePruneOptions, PRUNED_AT } from './database-prune';
import { type DatabaseRestoreOptions, RestoreForm } from './database-restore';
import { type DatabaseVerificationOptions, VERIFIED_AT } from './database-verification';
import type { KeyDrillOptions } from './drill';
import type { LogArchiveOptions } from './log-archive';

/**
 * Verification as an add-on: `plan.add(Verification.weekly())` verifies every backup of the plan. What a backup's own `addVerification()`
 * says takes precedence; the rest stays as the plan says.
 */
export class Verification implements IBackupAddon {
  /** Once a day, between 05:00 and 07:00 UTC unless the options say otherwise. */
  public static daily(options: DatabaseVerificationOptions = {}): Verification {
    return new Verification({ schedule: Schedule.daily(VERIFIED_AT), ...said(options) });
  }

  /** Once a week, on Sundays between 05:00 and 07:00 UTC unless the options say otherwise. */
  public static weekly(options: DatabaseVerificationOptions = {}): Verification {
    return new Verification({ schedule: Schedule.weekly(VERIFIED_AT), ...said(options) });
  }

  /** When somebody starts `<series>-verify`. */
  public static onDemand(options: DatabaseVerificationOptions = {}): Verification {
    return new Verification({ schedule: Schedule.never(), ...said(options) });
  }

  /** @internal */
  public readonly _id: string;

  private constructor(
    /** @internal */
    public readonly _options: DatabaseVerificationOptions,
  ) {
    this._id = _options.name ?? 'verify';
  }

  public bind(backup: DatabaseBackup): void {
    backup.addVerification(this._options);
  }
}

/**
 * A restore as an add-on: `plan.add(Restore.onDemand())` gives every backup of the plan a restore. What a backup's own `addRestore()` says
 * takes precedence, such as credentials that may write.
 */
export class Restore implements IBackupAddon {
  /** When somebody starts `<series>-restore`. */
  public static onDemand(options: DatabaseRestoreOptions = {}): Restore {
    return new Restore({ ...options, form: RestoreForm.ON_DEMAND });
  }

  /** @internal */
  public readonly _id: string;

  private constructor(
    /** @internal */
    public readonly _options: DatabaseRestoreOptions,
  ) {
    this._id = _options.name ?? 'restore';
  }

  public bind(backup: DatabaseBackup): void {
    backup.addRestore(this._options);
  }
}

/**
 * A further copy of every recovery point, in another repository, as an add-on. What a backup's own `addMirror()` with the same name says
 * takes precedence.
 *
 * ```ts
 * plan.add(Mirror.to(offsite, { name: 'offsite', retention: Retention.keep({ daily: 30 }), verification: {}, restore: {} }));
 * ```
 */
export class Mirror implements IBackupAddon {
  /**
   * @param repository where the copies are kept: any kind, with a password or a compression of its own
   * @param options the mirror's name, retention and schedule
   */
  public static to(repository: IRepository, options: MirrorOptions): Mirror {
    return new Mirror(repository, options);
  }

  /** @internal */
  public readonly _id: string;

  private constructor(
    private readonly repository: IRepository,
    /** @internal */
    public readonly _options: MirrorOptions,
  ) {
    this._id = `mirror-${_options.name}`;
  }

  public bind(backup: DatabaseBackup): void {
    backup.addMirror(this.repository, this._options);
  }
}

/** The archive of a server's log as an add-on. All engines of the plan need to have a log. */
export class LogArchive implements IBackupAddon {
  /**
   * Stores what the server has logged, again and again.
   *
   * @param interval no more than this is lost when the server and the archive's own volume are lost together
   */
  public static every(interval: Duration, options: LogArchiveOptions = {}): LogArchive {
    return new LogArchive({ ...options, every: interval });
  }

  /** @internal */
  public readonly _id = 'log';

  private constructor(
    /** @internal */
    public readonly _options: LogArchiveOptions,
  ) {}

  public bind(backup: DatabaseBackup): void {
    backup.addLogArchive(this._options);
  }
}

/** A prune in a job of its own, as an add-on. */
export class Prune implements IBackupAddon {
  /** Once a week, on Sundays between 08:00 and 10:00 UTC unless the options say otherwise. */
  public static weekly(options: DatabasePruneOptions = {}): Prune {
    return new Prune({ schedule: Schedule.weekly(PRUNED_AT), ...said(options) });
  }

  /** @internal */
  public readonly _id = 'prune';

  private constructor(
    /** @internal */
    public readonly _options: DatabasePruneOptions,
  ) {}

  public bind(backup: DatabaseBackup): void {
    backup.addPrune(this._options);
  }
}

/** A drill of a key in escrow, as an add-on. What a backup's own `addKeyDrill()` says takes precedence. */
export class KeyDrill implements IBackupAddon {
  /** When somebody has filled in the key and starts `<series>-drill`. */
  public static onDemand(options: KeyDrillOptions): KeyDrill {
    return new KeyDrill(options);
  }

  /** @internal */
  public readonly _id: string;

  private constructor(
    /** @internal */
    public readonly _options: KeyDrillOptions,
  ) {
    this._id = _options.name ?? 'drill';
  }

  public bind(backup: DatabaseBackup): void {
    backup.addKeyDrill(this._options);
  }
}
