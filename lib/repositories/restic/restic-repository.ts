import { join } from 'node:path';
import { Duration, type Size, SizeRoundingBehavior } from 'cdk8s';
import type { Construct } from 'constructs';
import type { CaCertificates, CaCertificatesConfig } from '../../core/ca-certificates';
import { checkNew } from '../../core/given';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { SECRET_FILE_MODE, type SecretKeyRef } from '../../core/secret-ref';
import { TOOLS } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import {
  type IKeyedRepository,
  type IRepository,
  RekeyMethod,
  RepositoryAccess,
  type RepositoryBindOptions,
  type RepositoryConfig,
  SOURCE_PREFIX,
} from '../repository';
import { ResticCache } from './restic-cache';
import type { ResticLocation, ResticLocationConfig } from './restic-location';

/** restic 0.17 is the first that runs the dump itself, saves nothing when it fails, and tells its errors by exit code. */
const DEFAULT_IMAGE = 'restic/restic:0.18.0';

const BY_HAND = `On any machine with restic 0.17 or newer, with the repository's password and the store's credentials (restic's documentation,
"Environment Variables", names them):

    export RESTIC_REPOSITORY='$REPOSITORY'
    restic snapshots --host "$SERIES"
    restic dump --host "$SERIES" --path "/$SERIES@$POINT@$MEMBER" latest "/$SERIES@$POINT@$MEMBER" >"$MEMBER"

A recovery point's id is between the two @ of a path; one that has a member manifest.json is complete, one with verified.json was
restored by a verification.
`;

/** Options of a restic repository. */
export interface ResticRepositoryOptions {
  /** Where the repository is. */
  readonly location: ResticLocation;
  /** The repository's password. Without it nobody can read the recovery points: keep a copy outside the cluster. */
  readonly password: SecretKeyRef;
  /**
   * The image from which the restic binary and the CA certificates are taken; 0.17 or newer.
   * @default 'restic/restic:0.18.0'
   */
  readonly image?: string;
  /**
   * The credentials may add and read, but neither delete nor overwrite anything except locks. So somebody who steals them cannot destroy
   * recovery points. The store has to enforce that (`rest-server --append-only`, `rclone serve restic --append-only`, a policy of the
   * bucket). This prop says that backups do not prune; `addPrune()` does it with other credentials. (restic's documentation, "Security
   * considerations in append-only mode".)
   * @default false
   */
  readonly appendOnly?: boolean;
  /**
   * The authorities that may have signed the server's certificate. They replace those of the image, and are not added to them. (restic's
   * documentation, "Preparing a new repository", REST Server: `--cacert`; internal/backend/http_transport.go.)
   * @default - the well-known ones, of the image
   */
  readonly caCertificates?: CaCertificates;
  /**
   * The most that is sent in a second, in whole kibibytes. (`--limit-upload`.)
   * @default - no limit
   */
  readonly uploadLimit?: Size;
  /**
   * The most that is received in a second, in whole kibibytes. It makes restores slower, too. (`--limit-download`.)
   * @default - no limit
   */
  readonly downloadLimit?: Size;
  /**
   * Where copies of the repository's index are kept.
   * @default ResticCache.scratch()
   */
  readonly cache?: ResticCache;
}

/**
 * Recovery points in a restic repository: encrypted on the client, deduplicated, on any store that restic knows.
 *
 * The database's own image runs the job. An init container copies restic, a static binary, into it. The first backup creates the
 * repository. If several begin at once, none stores anything before one of them has certainly created it, or all refuse and say what to do.
 *
 * A lock that a killed run has left is removed by the next run of the same CronJob, ten minutes after its last refresh. Any run removes it
 * after half an hour (restic's documentation, "Troubleshooting"). A run waits for a lock that is refreshed, up to the backup's
 * `repositoryWait`. A restore reads in spite of locks that nobody has refreshed for ten minutes.
 */
export class ResticRepository implements IKeyedRepository {
  /**
   * A repository that exists already: jobs never create it. If there is none (a misspelt prefix, another volume), they fail and say so,
   * instead of creating a new one.
   */
  public static fromExisting(options: ResticRepositoryOptions): ResticRepository {
    return new ResticRepository(options, true);
  }

  /**
   * @param mustExist jobs never create the repository; see `fromExisting`
   */
  constructor(
    private readonly options: ResticRepositoryOptions,
    private readonly mustExist = false,
  ) {
    checkNew('ResticRepository', options, mustExist);
  }

  /** The same repository, opened with this password and no other: any key of a restic repository opens all of it. */
  public withKey(key: SecretKeyRef, passphrase?: SecretKeyRef): IRepository {
    if (passphrase) throw new Error('a key of a restic repository is itself a password: leave the passphrase out');
    return new ResticRepository({ ...this.options, password: key }, this.mustExist);
  }

  /** @internal */
  public _isOpenedBy(key: SecretKeyRef): boolean {
    return this.options.password._isSameAs(key);
  }

  public bind(scope: Construct, options: RepositoryBindOptions): RepositoryConfig {
    const { password } = this.options;
    if (!password.secretName || !password.keyName) {
      throw new InputError(scope, {
        prop: 'repository.password',
        got: password,
        because:
          "a restic repository is always encrypted: name the key of a Secret, for example SecretRef.named('backup-key').key('password')",
      });
    }
    const prefix = options.isSource ? SOURCE_PREFIX : '';
    const passwordMount = `/run/secrets/${prefix}restic`;
    const location = this.options.location._bind(scope, prefix);
    const witnesses = options.access === RepositoryAccess.WITNESS;
    // A witness looks again and again at what hardly changes, and writes to no volume that jobs have.
    const cache = (witnesses ? ResticCache.scratch() : (this.options.cache ?? ResticCache.scratch()))._bind(scope, prefix);
    const authorities = this.authorities(scope, location, `${prefix}restic-ca`);
    const flags = [
      ...location.options.flatMap(option => ['-o', option]),
      ...this.limit(scope, 'upload', this.options.uploadLimit),
      ...this.limit(scope, 'download', this.options.downloadLimit),
      ...cache.flags,
    ];
    const { versions } = location;
    const renews = options.access === RepositoryAccess.RENEW_LOCKS && versions?.objectLock;
    // On the worst day a restore needs no image more than a backup does, unless it may have to go back in time.
    const goesBack = versions && (renews || options.access === RepositoryAccess.RESTORE);
    const image = ImageReference.of(this.options.image ?? DEFAULT_IMAGE).bind(scope, 'repository.image');
    return {
      identity: `restic:${location.identity}`,
      place: location.place,
      appendOnly: this.options.appendOnly ?? false,
      scripts: ScriptFolder.at('restic', __dirname),
      listing: ScriptFolder.at('restic-listing', join(__dirname, 'witness')),
      environment: [
        { name: 'RESTIC_REPOSITORY', value: location.repository },
        { name: 'RESTIC_PASSWORD_FILE', value: `${passwordMount}/${password.keyName}` },
        { name: 'TOOLS', value: TOOLS },
        { name: 'ORPHAN_AGE', value: String(options.longestRun.toSeconds() + Duration.hours(1).toSeconds()) },
        ...(this.options.appendOnly ? [{ name: 'APPEND_ONLY', value: 'yes' }] : []),
        ...(this.mustExist ? [{ name: 'REPOSITORY_MUST_EXIST', value: 'yes' }] : []),
        ...(flags.length > 0 ? [{ name: 'RESTIC_FLAGS', value: flags.join(' ') }] : []),
        ...(authorities ? [{ name: 'RESTIC_CACERT', value: authorities.path }] : []),
        ...cache.environment,
        ...location.environment,
        ...(location.podIdentity ? [{ name: 'STORE_IDENTITY', value: location.podIdentity.cloud }] : []),
        ...(goesBack ? versions.environment : []),
        ...(goesBack && authorities ? [{ name: 'RCLONE_CA_CERT', value: authorities.path }] : []),
        ...(renews ? renews.environment : []),
      ],
      volumes: [
        ...location.volumes,
        ...cache.volumes,
        ...(authorities ? [authorities.volume] : []),
        {
          name: `${prefix}restic-password`,
          secret: {
            secretName: password.secretName,
            defaultMode: SECRET_FILE_MODE,
            items: [{ key: password.keyName, path: password.keyName }],
          },
        },
      ],
      volumeMounts: [
        ...location.volumeMounts.map(mount => (witnesses ? { ...mount, readOnly: true } : mount)),
        ...cache.volumeMounts,
        ...(authorities ? [authorities.mount] : []),
        { name: `${prefix}restic-password`, mountPath: passwordMount, readOnly: true },
      ],
      tools: [
        ...location.tools,
        ...(goesBack ? versions.tools : []),
        { name: 'restic', image, command: ['cp', '/usr/bin/restic', '/etc/ssl/certs/ca-certificates.crt', `${TOOLS}/`] },
      ],
      destinations: [...location.destinations, ...(location.podIdentity?.destinations ?? [])],
      ...(location.podIdentity && { identityLabels: location.podIdentity.labels }),
      ...(versions && { restoreRequest: [{ key: 'asOf', variable: 'REPOSITORY_AS_OF', value: '' }] }),
      ...(versions?.objectLock && {
        lockRenewal: { schedule: versions.objectLock.renewal, lock: Duration.days(versions.objectLock.days) },
      }),
      rekeyMethod: RekeyMethod.KEY_ROTATION,
      byHand: BY_HAND.replace('$REPOSITORY', location.repository),
    };
  }

  private authorities(scope: Construct, location: ResticLocationConfig, volume: string): CaCertificatesConfig | undefined {
    const { caCertificates } = this.options;
    if (caCertificates && !location.usesTls) {
      throw new InputError(scope, {
        prop: 'repository.caCertificates',
        got: location.identity,
        because: 'no certificate is checked on the way to this place: leave caCertificates out, or give an https URL',
      });
    }
    return caCertificates?._bind(scope, 'repository.caCertificates', volume);
  }

  private limit(scope: Construct, direction: string, limit: Size | undefined): string[] {
    if (!limit) return [];
    const kibibytes = limit.toKibibytes({ rounding: SizeRoundingBehavior.NONE });
    if (!Number.isInteger(kibibytes) || kibibytes < 1) {
      throw new InputError(scope, {
        prop: `repository.${direction}Limit`,
        got: kibibytes,
        because: 'write the size per second, 1 KiB or more, for example Size.mebibytes(10)',
      });
    }
    return [`--limit-${direction}`, String(kibibytes)];
  }
}
