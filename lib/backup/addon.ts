import type { DatabaseBackup } from './database-backup';

/**
 * Something that hangs on a backup: a verification, a restore, a mirror, or what a company makes of its own. On a plan it hangs on each of
 * the plan's backups.
 *
 * It makes what it needs by what the backup offers to everybody: `addJob()`, `addVerification()`, and so on.
 */
export interface IBackupAddon {
  /** Adds itself to a backup. It is called at synthesis, when all that was said of the app has been said. */
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
