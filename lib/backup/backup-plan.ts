import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { mergedPodOptions } from '../core/pod-options';
import type { Retention } from '../core/retention';
import { said } from '../core/said';
import { noteLine } from '../core/user-line';
import type { IRepository } from '../repositories/repository';
import { DatabaseBackup, type IBackupAddon } from './database-backup';
import type { BackupOptions, DatabaseOptions } from './options';

/** Props of a plan: what its backups share. */
export interface BackupPlanProps extends BackupOptions {
  /** Where recovery points are kept. */
  readonly repository: IRepository;
  /** Which recovery points are kept. */
  readonly retention: Retention;
}

/** A backup of a plan: the database, and whatever differs from the plan. */
export interface PlannedBackupOptions extends DatabaseOptions, BackupOptions {
  /**
   * Where recovery points are kept.
   * @default - the plan's
   */
  readonly repository?: IRepository;
  /**
   * Which recovery points are kept.
   * @default - the plan's
   */
  readonly retention?: Retention;
}

/**
 * What several backups share: repository, schedule, retention and add-ons.
 */
export class BackupPlan extends Construct {
  private readonly made: DatabaseBackup[] = [];
  private readonly addons: IBackupAddon[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: BackupPlanProps,
  ) {
    super(...checkedConstruct('BackupPlan', scope, id, props));
    this.node.addValidation({
      validate: () => (this.made.length === 0 ? ['a backup plan without backups protects nothing: call addBackup'] : []),
    });
  }

  /** The plan's backups so far. */
  public get backups(): DatabaseBackup[] {
    return [...this.made];
  }

  /**
   * Backs up a database by this plan.
   *
   * @param id also the name of its series unless the options name another
   * @throws InputError when an option is invalid
   */
  public addBackup(id: string, options: PlannedBackupOptions): DatabaseBackup {
    const backup = new DatabaseBackup(this, id, {
      ...{ ...this.props, ...said(options) },
      pods: mergedPodOptions(this.props.pods, options.pods),
    });
    this.made.push(backup);
    backup._plannedWith(this.addons);
    return backup;
  }

  /**
   * Adds add-ons to every backup of the plan, including backups that are added later. What a backup says itself takes precedence, such as
   * assertions by `addVerification()`.
   */
  public add(...addons: IBackupAddon[]): void {
    addons.forEach(noteLine);
    this.addons.push(...addons);
  }
}
