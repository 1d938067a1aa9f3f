import type { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import { needsSecrets } from '../core/needs';
import type { SecretKeyRef } from '../core/secret-ref';
import { RekeyMethod, RepositoryAccess } from '../repositories/repository';
import type { IDatabaseBackup } from './backup';
import { type OnDemandOptions, onDemandJob } from './on-demand';
import { SECRET_FILES } from './operation';

/** Options of a rotation of keys. */
export interface KeyRotationOptions extends OnDemandOptions {
  /**
   * The password that the repository gets in addition to those it has: the next one, or one that is kept in a safe.
   * @default - none, and no job for it
   */
  readonly add?: SecretKeyRef;
  /**
   * The password that the repository loses.
   * @default - none, and no job for it
   */
  readonly remove?: SecretKeyRef;
}

/** Props of a rotation of keys. */
export interface KeyRotationProps extends KeyRotationOptions {
  /** The backup whose repository it is. */
  readonly backup: IDatabaseBackup;
}

/**
 * Exchanges passwords of a restic repository: CronJobs `<series>-add-key` and `<series>-remove-key` that never run by themselves.
 *
 * 1. Write `addKeyRotation({ add: next })`, and start `<series>-add-key`. It adds the key and proves that the key opens the repository.
 * 2. Give the repository `next` as its password in code, and apply.
 * 3. Write `addKeyRotation({ remove: old })`, and start `<series>-remove-key`. It refuses to remove the key in force, or the only one.
 *
 * For a key in escrow, do step 1 alone, and use `addKeyDrill()`. The data is encrypted with a master key that no rotation changes. Somebody
 * who had a password and a copy of the repository can still read it (restic's documentation, "Manage repository keys").
 */
export class KeyRotation extends Construct {
  /** The CronJob that adds the new key, where there is one. */
  public readonly addJob?: ApiObject;
  /** The CronJob that removes the old key, where there is one. */
  public readonly removeJob?: ApiObject;

  /**
   * Most call `backup.addKeyRotation()`.
   *
   * @throws InputError when the repository is not restic's, no key is given, or both keys are the same
   */
  constructor(scope: Construct, id: string, props: KeyRotationProps) {
    super(...checkedConstruct('KeyRotation', scope, id, props));
    const { backup, add, remove } = props;
    const { identity, rekeyMethod } = backup._operation.repository;
    if (rekeyMethod !== RekeyMethod.KEY_ROTATION) {
      const because =
        'only a restic repository has its own keys: for a files repository, change its recipients, and then call addReencryption()';
      throw new InputError(this, { prop: 'repository', got: identity, because });
    }
    if (!add && !remove) {
      throw new InputError(this, {
        prop: 'add',
        got: undefined,
        because: "name a key, for example SecretRef.named('next-key').key('password')",
      });
    }
    if (add && remove && add.secretName === remove.secretName && add.keyName === remove.keyName) {
      throw new InputError(this, {
        prop: 'remove',
        got: `${remove.secretName}/${remove.keyName}`,
        because: 'that is the key to add: name the old key',
      });
    }
    for (const [key, does] of [
      [add, 'is not needed before the first night: fill it in before its key is added to'],
      [remove, 'is not needed before the first night: fill it in before its key is removed from'],
    ] as const) {
      if (key) needsSecrets(this, [key.secretName], does, `the repository of ${backup.series}`);
    }
    if (add) this.addJob = this.job('add-key', 'ADDED_KEY_PATH', add, props);
    if (remove) this.removeJob = this.job('remove-key', 'REMOVED_KEY_PATH', remove, props);
  }

  private job(operation: string, variable: string, key: SecretKeyRef, props: KeyRotationProps): ApiObject {
    const file = operation;
    return onDemandJob(
      new Construct(this, operation),
      props.backup,
      {
        operation,
        access: RepositoryAccess.REKEY,
        environment: [{ name: variable, value: `${SECRET_FILES}/${file}/${file}` }],
        secretFiles: { [file]: key },
      },
      props,
    );
  }
}
