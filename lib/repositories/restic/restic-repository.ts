import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { TOOLS } from '../../core/pod';
import { ScriptFolder } from '../../core/script-folder';
import { SECRET_FILE_MODE, type SecretKeyRef } from '../../core/secret-ref';
import type { IRepository, RepositoryBindOptions, RepositoryConfig } from '../repository';
import type { ResticLocation } from './restic-location';

const PASSWORD_MOUNT = '/run/secrets/restic';

/** restic 0.17 is the first that runs the dump itself and saves nothing when it fails, and that tells its errors by exit code. */
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
  /** The repository's password. Without it nobody reads the recovery points: keep a copy outside the cluster. */
  readonly password: SecretKeyRef;
  /**
   * The image from which the restic binary and the CA certificates are taken; 0.17 or newer.
   * @default 'restic/restic:0.18.0'
   */
  readonly image?: string;
}

/**
 * Recovery points in a restic repository: encrypted on the client, deduplicated, on any store that restic knows.
 *
 * The database's own image runs the job; restic, a static binary, is copied into it by an init container. The repository is
 * made by the first backup.
 */
export class ResticRepository implements IRepository {
  constructor(private readonly options: ResticRepositoryOptions) {}

  public bind(scope: Construct, options: RepositoryBindOptions): RepositoryConfig {
    const { password } = this.options;
    if (!password?.secretName || !password.keyName) {
      throw new InputError(scope, {
        prop: 'repository.password',
        got: password,
        because:
          "a restic repository is always encrypted: name the key of a Secret, for example SecretRef.named('backup-key').key('password')",
      });
    }
    const location = this.options.location._bind(scope);
    const image = ImageReference.of(this.options.image ?? DEFAULT_IMAGE).bind(scope, 'repository.image');
    return {
      kind: 'restic',
      identity: `restic:${location.identity}`,
      scripts: ScriptFolder.at('restic', __dirname),
      environment: [
        { name: 'RESTIC_REPOSITORY', value: location.repository },
        { name: 'RESTIC_PASSWORD_FILE', value: `${PASSWORD_MOUNT}/${password.keyName}` },
        { name: 'TOOLS', value: TOOLS },
        { name: 'ORPHAN_AGE', value: String(options.longestRun.toSeconds() + Duration.hours(1).toSeconds()) },
        ...location.environment,
      ],
      volumes: [
        ...location.volumes,
        {
          name: 'restic-password',
          secret: {
            secretName: password.secretName,
            defaultMode: SECRET_FILE_MODE,
            items: [{ key: password.keyName, path: password.keyName }],
          },
        },
      ],
      volumeMounts: [...location.volumeMounts, { name: 'restic-password', mountPath: PASSWORD_MOUNT, readOnly: true }],
      tools: [
        ...location.tools,
        { name: 'restic', image, command: ['cp', '/usr/bin/restic', '/etc/ssl/certs/ca-certificates.crt', `${TOOLS}/`] },
      ],
      destinations: location.destinations,
      byHand: BY_HAND.replace('$REPOSITORY', location.repository),
    };
  }
}
