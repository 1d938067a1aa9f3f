import type { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { type IRepository, RekeyMethod, RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';
import { type OnDemandOptions, onDemandJob } from './on-demand';

/** Options of a re-encryption. */
export interface ReencryptionOptions extends OnDemandOptions {
  /**
   * The repository with keys that only this job is to have: the backup's own, with the old encryption among its `previousEncryptions`.
   * @default - the backup's
   */
  readonly repository?: IRepository;
}

/** Props of a re-encryption. */
export interface ReencryptionProps extends ReencryptionOptions {
  /** The backup whose recovery points are encrypted again. */
  readonly backup: IDatabaseBackup;
}

/**
 * Encrypts older recovery points of a `files` repository again, to the current recipients: a CronJob `<series>-reencrypt` that never runs
 * by itself.
 *
 * Recipients that change in code apply to new recovery points only. This job opens the older ones with the keys it has, and writes them
 * encrypted beside the old files. It decrypts that again and compares it. Then one rename makes the new files count.
 *
 * - It needs room for one more recovery point.
 * - Stopped at any moment it loses nothing, and the next run continues; it skips what is current.
 * - It includes safety backups and the archived log of the series.
 * - Recovery points that are not encrypted at all stay so.
 *
 * An old key that has leaked still opens every copy made before: mirrors, snapshots of the volume.
 */
export class Reencryption extends Construct {
  /** The CronJob that encrypts again. */
  public readonly cronJob: ApiObject;

  /**
   * Most call `backup.addReencryption()`.
   *
   * @throws InputError when the repository is not an encrypted one of plain files, or a prop is invalid
   */
  constructor(scope: Construct, id: string, props: ReencryptionProps) {
    super(...checkedConstruct('Reencryption', scope, id, props));
    const { backup, repository } = props;
    const { identity, rekeyMethod } = backup._operation.bindRepository(this, RepositoryAccess.REKEY, repository);
    if (rekeyMethod !== RekeyMethod.REENCRYPTION) {
      throw new InputError(this, {
        prop: 'repository',
        got: identity,
        because: 'only an encrypted files repository can be re-encrypted: for a restic repository, change the key with addKeyRotation()',
      });
    }
    this.cronJob = onDemandJob(this, backup, { operation: 'reencrypt', access: RepositoryAccess.REKEY, repository }, props);
  }
}
