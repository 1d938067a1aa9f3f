import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { InputError } from '../core/input-error';
import { needsSecrets } from '../core/needs';
import { said } from '../core/said';
import { Schedule } from '../core/schedule';
import type { SecretKeyRef } from '../core/secret-ref';
import type { IKeyedRepository, IRepository } from '../repositories/repository';
import type { DatabaseVerificationOptions } from './database-verification';
import { RepositoryCheck } from './repository-check';

/** Options of a drill of a key: those of a verification, and the key. */
export interface KeyDrillOptions extends DatabaseVerificationOptions {
  /**
   * The key in escrow: age's identity, gpg's private key, or a password. Fill in its Secret for the drill and empty it afterwards. The
   * repository's usual key is not in the drill's pod.
   */
  readonly key: SecretKeyRef;
  /**
   * The passphrase of that key, where it is gpg's private key.
   * @default - it has none
   */
  readonly passphrase?: SecretKeyRef;
}

/** What repositories of this library can say. */
interface Opened {
  _isOpenedBy(key: SecretKeyRef): boolean;
}

/**
 * The verification that a drill is.
 *
 * @internal
 */
export function drillVerification(scope: Construct, options: KeyDrillOptions, own: IRepository): DatabaseVerificationOptions {
  const { key, passphrase, repository = own, ...verification } = options;
  if (!key?.secretName || !key.keyName) {
    const because = "name the key of a Secret that you fill in for the drill, for example SecretRef.named('escrow').key('identity')";
    throw new InputError(scope, { prop: 'key', got: key, because });
  }
  if (!('withKey' in repository)) {
    const because = 'this repository has no key, so there is no key to drill: leave the drill out';
    throw new InputError(scope, { prop: 'repository', got: 'a repository without keys', because });
  }
  const opened = openedWith(scope, repository as IKeyedRepository, key, passphrase);
  if ((repository as IRepository & Partial<Opened>)._isOpenedBy?.(key)) {
    const because = `that is the repository's own key, which opens it every day: name the Secret that you fill in with the key from escrow, for example SecretRef.named('escrow').key('${key.keyName}')`;
    throw new InputError(scope, { prop: 'key', got: `${key.secretName}/${key.keyName}`, because });
  }
  return {
    name: 'drill',
    schedule: Schedule.never(),
    retries: 0,
    _operation: 'drill',
    checkRepository: RepositoryCheck.none(),
    deadline: Duration.hours(12),
    ...said(verification),
    repository: opened,
  };
}

/**
 * Notes when its Secrets have to be there. A key that is in the cluster before the first night is no longer in escrow.
 *
 * @internal
 */
export function sayWhenDrilled(drill: Construct, { key, passphrase }: KeyDrillOptions, series: string): void {
  for (const { secretName, keyName } of [key, ...(passphrase ? [passphrase] : [])]) {
    needsSecrets(
      drill,
      [secretName],
      `is not needed before the first night: fill it in with \`${keyName}\` before, and empty it after, a drill of`,
      series,
    );
  }
}

function openedWith(scope: Construct, repository: IKeyedRepository, key: SecretKeyRef, passphrase?: SecretKeyRef): IRepository {
  try {
    return repository.withKey(key, passphrase);
  } catch (error) {
    throw new InputError(scope, { prop: 'key', got: `${key.secretName}/${key.keyName}`, because: (error as Error).message });
  }
}
