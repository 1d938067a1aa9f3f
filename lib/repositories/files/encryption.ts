import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';
import { SECRET_FILE_MODE, type SecretKeyRef } from '../../core/secret-ref';
import { TOOLS, type ToolContainer } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import { checkAgeRecipient, fingerprintOf } from './recipient';

/** Options of encryption with age. */
export interface AgeEncryptionOptions {
  /**
   * Public keys, as `age-keygen` prints them: `age1...`. Each of them opens what is written. So name a second one, and keep its identity in
   * a safe.
   */
  readonly recipients: string[];
  /**
   * The Secret's key with the identity of one of the recipients, or with several, one per line. Only verifications, restores and
   * re-encryptions get it. Pods that make backups do not, nor need their namespace have it.
   * @default - none: backups are made, but everything that reads them is an error
   */
  readonly identity?: SecretKeyRef;
  /**
   * The image from which age is taken, as /usr/bin/age; it has to be static, 1.0 or newer. There is no official image (FiloSottile/age pull
   * request 315 was closed without one), so build your own, in four lines:
   *
   * ```dockerfile
   * FROM golang:1.25 AS build
   * RUN CGO_ENABLED=0 go install filippo.io/age/cmd/age@v1.2.1
   * FROM busybox:1.37.0-musl
   * COPY --from=build /go/bin/age /usr/bin/age
   * ```
   */
  readonly image: string;
}

/** Options of encryption with gpg to public keys. */
export interface GpgEncryptionOptions {
  /** Public keys, each as `gpg --armor --export <fingerprint>` prints it. Each of them opens what is written. */
  readonly recipients: string[];
  /**
   * The Secret's key with the private key of one of the recipients, as `gpg --armor --export-secret-keys` prints it. Only verifications,
   * restores and re-encryptions get it.
   * @default - none: backups are made, but everything that reads them is an error
   */
  readonly identity?: SecretKeyRef;
  /**
   * The passphrase of the private key.
   * @default - it has none
   */
  readonly passphrase?: SecretKeyRef;
}

/** Options of encryption with gpg and a passphrase. */
export interface GpgSymmetricEncryptionOptions {
  /** The passphrase: the first line of that key of a Secret. Pods that make backups have it, too. */
  readonly passphrase: SecretKeyRef;
}

/** What jobs need of an encryption. */
interface Key {
  /** What it opens: `age`, `gpg` or `symmetric`. */
  readonly kind: string;
  readonly key: SecretKeyRef;
  readonly passphrase?: SecretKeyRef;
}

/** @internal */
export interface EncryptionBindOptions {
  /** The prefix of the names of volumes, and of the directory in /run. */
  readonly prefix: string;
  /** Whether the job opens recovery points. */
  readonly reads: boolean;
  /** Whether a job that makes recovery points reads earlier ones for it. */
  readonly incremental: boolean;
  /** Programs of the job's image. */
  readonly programs: string[];
  /** How older recovery points were encrypted. */
  readonly previous: Encryption[];
}

/** @internal */
export interface EncryptionBinding {
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly tools: ToolContainer[];
}

/**
 * How a repository of plain files is encrypted: members are compressed, then encrypted, in one stream.
 *
 * Whoever can read the volume still sees this: the series, the engine, when each recovery point was made and verified, what it builds on,
 * its number of members and their sizes, and the recipients. Names of databases, tables and members, and all counts, are encrypted. You can
 * check integrity without a key (`sha256sum -c SHA256SUMS`).
 *
 * Encryption keeps secrets, but does not show who wrote a recovery point. Somebody who may write the volume can put others there. A job's
 * notes in its scratch volume, which is deleted with the pod, are not encrypted.
 *
 * Write down where the keys are kept outside the cluster, and let `backup.addKeyDrill()` prove that they open what is there.
 */
export class Encryption {
  /**
   * With age, to public keys: pods that make backups hold nothing that decrypts. (age's man page; its format is at
   * age-encryption.org/v1.)
   */
  public static age(options: AgeEncryptionOptions): Encryption {
    const { recipients, identity, image } = options;
    return new Encryption(
      'age',
      identity && { kind: 'age', key: identity },
      (scope, prop) => {
        const keys = recipients.map((recipient, index) => checkAgeRecipient(scope, `${prop}.recipients[${index}]`, recipient));
        return { words: keys, files: { recipients: `${keys.join('\n')}\n` } };
      },
      (scope, prop) => {
        if (!image) {
          const because = 'name an image with a static /usr/bin/age; there is no official one, so see the documentation of this prop';
          throw new InputError(scope, { prop: `${prop}.image`, got: image, because });
        }
        return [
          {
            name: 'age',
            image: ImageReference.of(image).bind(scope, `${prop}.image`),
            command: ['cp', '/usr/bin/age', `${TOOLS}/`],
          },
        ];
      },
    );
  }

  /** With gpg, to public keys: pods that make backups hold nothing that decrypts. The engine's image has to ship gpg: PostgreSQL's does. */
  public static gpg(options: GpgEncryptionOptions): Encryption {
    const { recipients, identity, passphrase } = options;
    return new Encryption('gpg', identity && { kind: 'gpg', key: identity, passphrase }, (scope, prop) => ({
      words: recipients.map((recipient, index) => fingerprintOf(scope, `${prop}.recipients[${index}]`, recipient)),
      files: Object.fromEntries(recipients.map((recipient, index) => [`${index}.asc`, `${recipient.trim()}\n`])),
    }));
  }

  /**
   * With gpg and a passphrase (AES-256). The passphrase is in the pods that make backups, so whoever takes over one of them reads all
   * recovery points. Prefer public keys. The engine's image has to ship gpg: PostgreSQL's and MariaDB's do.
   */
  public static gpgSymmetric(options: GpgSymmetricEncryptionOptions): Encryption {
    return new Encryption('gpg-symmetric', { kind: 'symmetric', key: options.passphrase }, () => ({ words: [], files: {} }));
  }

  /**
   * No encryption, for a repository that once had one.
   *
   * @internal
   */
  public static _none(): Encryption {
    return new Encryption('', undefined, () => ({ words: [], files: {} }));
  }

  private constructor(
    private readonly method: string,
    private readonly key: Key | undefined,
    private readonly recipients: (scope: Construct, prop: string) => { words: string[]; files: { [file: string]: string } },
    private readonly tools: (scope: Construct, prop: string) => ToolContainer[] = () => [],
  ) {}

  /**
   * The same encryption, opened with another key and no other.
   *
   * @internal
   */
  public _withKey(key: SecretKeyRef, passphrase?: SecretKeyRef): Encryption {
    if (passphrase && this.method !== 'gpg') throw new Error('only a private key of gpg has a passphrase: leave it out');
    return new Encryption(this.method, { kind: this.key?.kind ?? this.method, key, passphrase }, this.recipients, this.tools);
  }

  /** @internal */
  public _isOpenedBy(key: SecretKeyRef): boolean {
    return this.key?.key._isSameAs(key) ?? false;
  }

  /** @internal */
  public _bind(scope: Construct, options: EncryptionBindOptions): EncryptionBinding {
    const { previous, reads, prefix } = options;
    const prop = 'repository.encryption';
    const symmetric = this.method === 'gpg-symmetric';
    const { words, files } = this.recipients(scope, prop);
    if (this.method !== '') this.check(scope, prop, words, options);
    if (reads) for (const [index, way] of previous.entries()) way.checkReads(scope, `repository.previousEncryptions[${index}]`, options);
    const ways: Encryption[] = reads ? [this, ...previous] : symmetric ? [this] : [];
    const keys = ways.flatMap((way, index) => (way.key ? [{ ...way.key, name: `${way.key.kind}-${index}` }] : []));
    const secrets = keys.flatMap(({ name, key, passphrase }) => [
      secretVolume(scope, `${prefix}encryption-${name}`, `/run/${prefix}encryption/${name}`, key),
      ...(passphrase
        ? [secretVolume(scope, `${prefix}encryption-${name}-passphrase`, `/run/${prefix}encryption-passphrase/${name}`, passphrase)]
        : []),
    ]);
    const mounted = Object.keys(files).length > 0;
    const mountPath = `/run/${prefix}recipients`;
    const recipientsVolume = mounted
      ? [{ name: `${prefix}recipients`, configMap: { name: ScriptFolder.of('recipients', files).bind(scope), optional: true } }]
      : [];
    return {
      environment: [
        ...(this.method !== '' ? [{ name: 'ENCRYPTION', value: this.method }] : []),
        ...(mounted
          ? [
              { name: 'RECIPIENTS', value: words.join(' ') },
              { name: 'RECIPIENTS_PATH', value: mountPath },
            ]
          : []),
        ...(keys.length > 0 ? [{ name: 'DECRYPTION_PATH', value: `/run/${prefix}encryption` }] : []),
      ],
      volumes: [...recipientsVolume, ...secrets.map(({ volume }) => volume)],
      volumeMounts: [
        ...(mounted ? [{ name: `${prefix}recipients`, mountPath, readOnly: true }] : []),
        ...secrets.map(({ mount }) => mount),
      ],
      tools: [this, ...(reads ? previous : [])].flatMap(way => way.tools(scope, prop)).slice(0, 1),
    };
  }

  private check(scope: Construct, prop: string, words: string[], options: EncryptionBindOptions): void {
    const symmetric = this.method === 'gpg-symmetric';
    if (!symmetric && words.length === 0) {
      throw new InputError(scope, {
        prop: `${prop}.recipients`,
        got: words,
        because: 'name the public key of at least one recipient, who can decrypt',
      });
    }
    if (new Set(words).size < words.length) {
      throw new InputError(scope, { prop: `${prop}.recipients`, got: words, because: 'name each recipient once' });
    }
    if (!symmetric && options.incremental) {
      throw new InputError(scope, {
        prop,
        got: this.method,
        because:
          'incremental backups read the recovery point before them, and these pods must not decrypt anything: leave incrementals out, or use Repository.restic or Encryption.gpgSymmetric',
      });
    }
    this.checkImage(scope, prop, this.method === 'age' ? [] : ['gpg'], options);
    if (options.reads) this.checkReads(scope, prop, options);
  }

  private checkReads(scope: Construct, prop: string, options: EncryptionBindOptions): void {
    if (!this.key) {
      const because = 'a job that reads recovery points must decrypt them: name the Secret with the key, in a namespace that may hold it';
      throw new InputError(scope, { prop: `${prop}.identity`, got: undefined, because });
    }
    this.checkImage(scope, prop, this.method === 'age' ? [] : this.method === 'gpg' ? ['gpg', 'gpg-agent'] : ['gpg'], options);
  }

  private checkImage(scope: Construct, prop: string, needed: string[], { programs }: EncryptionBindOptions): void {
    const missing = needed.filter(program => !programs.includes(program));
    if (missing.length === 0) return;
    throw new InputError(scope, {
      prop,
      got: this.method,
      because: `the engine's image has no ${missing.join(' and no ')}, and gpg, which is not static, cannot be copied in: use Encryption.age`,
    });
  }
}

/** A missing Secret keeps no pod waiting: the job says what is missing. */
function secretVolume(
  scope: Construct,
  name: string,
  mountPath: string,
  ref: SecretKeyRef,
): { volume: k8s.Volume; mount: k8s.VolumeMount } {
  const secretName = checkObjectName(scope, 'repository.encryption', ref?.secretName ?? '');
  return {
    volume: { name, secret: { secretName, defaultMode: SECRET_FILE_MODE, optional: true, items: [{ key: ref.keyName, path: 'key' }] } },
    mount: { name, mountPath, readOnly: true },
  };
}
