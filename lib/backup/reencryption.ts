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
   * The repository with the keys that this job needs, where no other job is to have them: the backup's own, with the old
   * encryption among its `previousEncryptions`.
   * @default - the backup's
   */
  readonly repository?: IRepository;
}

/** Props of a re-encryption. */
export interface ReencryptionProps extends ReencryptionOptions {
  /** The backup whose recovery points are encrypted anew. */
  readonly backup: IDatabaseBackup;
}

/**
 * Encrypts older recovery points of a `files` repository anew, to the recipients of today: a CronJob `<series>-reencrypt` that
 * never runs by itself.
 *
 * Recipients that change in code count for new recovery points only. This job opens the older ones with the keys it has, writes
 * them anew beside the old files, decrypts that again, compares it, and then lets the new files count by one rename. It needs
 * room for one more recovery point. Stopped at any moment it loses nothing, and the next run goes on; what is current is skipped.
 * Safety backups and the archived log of the series are included. Recovery points that are not encrypted at all stay so.
 *
 * An old key that has leaked still opens every copy that was made before: mirrors, snapshots of the volume.
 */
export class Reencryption extends Construct {
  /** The CronJob that encrypts anew. */
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
        because:
          'only a files repository with an encryption can be encrypted anew; in a restic repository a key is exchanged by addKeyRotation() instead',
      });
    }
    this.cronJob = onDemandJob(this, backup, { operation: 'reencrypt', access: RepositoryAccess.REKEY, repository }, props);
  }
}
