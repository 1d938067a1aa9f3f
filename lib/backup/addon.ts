import type { DatabaseBackup } from './database-backup';

/** Something that hangs on a backup: a verification, an alert, a notifier. On a plan it hangs on each of the plan's backups. */
export interface IBackupAddon {
  /** Adds itself to a backup. */
  bind(backup: DatabaseBackup): void;
}
