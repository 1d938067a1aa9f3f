import { Chart } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';
import type { NetworkDestination } from '../../core/network';
import { TOOLS, type ToolContainer } from '../../core/pod';
import { SECRET_FILE_MODE, type SecretKeyRef, type SecretRef } from '../../core/secret-ref';

/** @internal */
export interface ResticLocationConfig {
  /** The repository as restic names it. */
  readonly repository: string;
  /** What tells the place from every other. */
  readonly identity: string;
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly destinations: NetworkDestination[];
  /** What restic needs beside itself. */
  readonly tools: ToolContainer[];
}

/** A directory of a volume. */
export interface ResticLocalOptions {
  /** The PersistentVolumeClaim, in the backup's namespace. */
  readonly claimName: string;
  /**
   * A directory of the volume.
   * @default 'restic'
   */
  readonly path?: string;
}

/** A server that speaks restic's REST protocol. */
export interface ResticRestOptions {
  /** The server's URL, with a path for the repository, without user and password: `https://backup.example/shop/`. */
  readonly url: string;
  /**
   * A Secret with the keys `username` and `password`.
   * @default - the server asks for none
   */
  readonly credentials?: SecretRef;
}

/** A bucket of S3 or of a store that speaks its protocol. */
export interface ResticS3Options {
  /** The bucket. */
  readonly bucket: string;
  /**
   * A prefix in the bucket.
   * @default - the bucket's root
   */
  readonly prefix?: string;
  /**
   * The bucket's region.
   * @default - the store's default
   */
  readonly region?: string;
  /**
   * The store's URL.
   * @default - Amazon S3, in `region`
   */
  readonly endpoint?: string;
  /** A Secret with the keys `accessKeyId` and `secretAccessKey`. */
  readonly credentials: SecretRef;
}

/** A bucket of Google Cloud Storage. */
export interface ResticGcsOptions {
  /** The bucket. */
  readonly bucket: string;
  /**
   * A prefix in the bucket.
   * @default - the bucket's root
   */
  readonly prefix?: string;
  /** The key of a Secret that holds the service account's JSON file. */
  readonly credentials: SecretKeyRef;
  /** The project, which restic needs to make a bucket's repository. */
  readonly projectId: string;
}

/** A container of Azure Blob Storage. */
export interface ResticAzureOptions {
  /** The blob container. */
  readonly container: string;
  /**
   * A prefix in the container.
   * @default - the container's root
   */
  readonly prefix?: string;
  /** A Secret with the keys `accountName` and `accountKey`. */
  readonly credentials: SecretRef;
}

/** A bucket of Backblaze B2. */
export interface ResticB2Options {
  /** The bucket. */
  readonly bucket: string;
  /**
   * A prefix in the bucket.
   * @default - the bucket's root
   */
  readonly prefix?: string;
  /** A Secret with the keys `accountId` and `accountKey`. */
  readonly credentials: SecretRef;
}

/** A directory of an SFTP server. */
export interface ResticSftpOptions {
  /** The server's host name. */
  readonly host: string;
  /**
   * The server's port.
   * @default 22
   */
  readonly port?: number;
  /** The user to log in as. */
  readonly user: string;
  /** The directory of the repository. */
  readonly path: string;
  /**
   * A Secret with the keys `privateKey`, a private key without a passphrase, and `knownHosts`, the server's public key as in
   * OpenSSH's known_hosts. A server that cannot prove itself is not trusted.
   */
  readonly credentials: SecretRef;
  /**
   * The image from which rclone is taken.
   * @default 'rclone/rclone:1.68.2'
   */
  readonly image?: string;
}

/**
 * Where a restic repository is. Credentials are those of restic's documentation, "Preparing a new repository", and come from
 * Secrets only.
 */
export abstract class ResticLocation {
  /** A directory of a volume: the shortest way, and gone with the volume. */
  public static local(options: ResticLocalOptions): ResticLocation {
    return new Location(scope => {
      const path = prefixOf(scope, options.path ?? 'restic');
      return {
        repository: `/repository/${path}`,
        // A claim is of its namespace.
        identity: `${Chart.of(scope).namespace ?? ''}/${options.claimName}/${path}`,
        volumes: [
          { name: 'repository', persistentVolumeClaim: { claimName: checkObjectName(scope, 'location.claimName', options.claimName) } },
        ],
        volumeMounts: [{ name: 'repository', mountPath: '/repository' }],
      };
    });
  }

  /** A server that speaks restic's REST protocol (rest-server, `rclone serve restic`). */
  public static rest(options: ResticRestOptions): ResticLocation {
    return new Location(scope => {
      const url = urlOf(scope, 'location.url', options.url);
      return {
        repository: `rest:${url.href}`,
        environment: options.credentials
          ? [
              options.credentials.key('username').toEnvironment('RESTIC_REST_USERNAME'),
              options.credentials.key('password').toEnvironment('RESTIC_REST_PASSWORD'),
            ]
          : [],
        destinations: [destinationOf(url)],
      };
    });
  }

  /** A bucket of S3 or of a store that speaks its protocol. */
  public static s3(options: ResticS3Options): ResticLocation {
    return new Location(scope => {
      const region = options.region ?? 'us-east-1';
      const url = urlOf(scope, 'location.endpoint', options.endpoint ?? `https://s3.${region}.amazonaws.com`);
      return {
        repository: `s3:${url.origin}/${bucketOf(scope, 'location.bucket', options.bucket, options.prefix)}`,
        environment: [
          options.credentials.key('accessKeyId').toEnvironment('AWS_ACCESS_KEY_ID'),
          options.credentials.key('secretAccessKey').toEnvironment('AWS_SECRET_ACCESS_KEY'),
          ...(options.region ? [{ name: 'AWS_DEFAULT_REGION', value: options.region }] : []),
        ],
        destinations: [destinationOf(url)],
      };
    });
  }

  /** A bucket of Google Cloud Storage. */
  public static gcs(options: ResticGcsOptions): ResticLocation {
    return new Location(scope => ({
      repository: `gs:${options.bucket}:/${prefixOf(scope, options.prefix ?? '')}`,
      environment: [
        { name: 'GOOGLE_PROJECT_ID', value: options.projectId },
        { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: `/run/secrets/gcs/${options.credentials.keyName}` },
      ],
      volumes: [
        {
          name: 'gcs',
          secret: {
            secretName: options.credentials.secretName,
            defaultMode: SECRET_FILE_MODE,
            items: [{ key: options.credentials.keyName, path: options.credentials.keyName }],
          },
        },
      ],
      volumeMounts: [{ name: 'gcs', mountPath: '/run/secrets/gcs', readOnly: true }],
      destinations: [{ host: 'storage.googleapis.com', port: 443 }],
    }));
  }

  /** A container of Azure Blob Storage. */
  public static azure(options: ResticAzureOptions): ResticLocation {
    return new Location(scope => ({
      repository: `azure:${options.container}:/${prefixOf(scope, options.prefix ?? '')}`,
      environment: [
        options.credentials.key('accountName').toEnvironment('AZURE_ACCOUNT_NAME'),
        options.credentials.key('accountKey').toEnvironment('AZURE_ACCOUNT_KEY'),
      ],
      destinations: [{ host: 'blob.core.windows.net', port: 443 }],
    }));
  }

  /** A bucket of Backblaze B2. */
  public static b2(options: ResticB2Options): ResticLocation {
    return new Location(scope => ({
      repository: `b2:${options.bucket}:${prefixOf(scope, options.prefix ?? '')}`,
      environment: [
        options.credentials.key('accountId').toEnvironment('B2_ACCOUNT_ID'),
        options.credentials.key('accountKey').toEnvironment('B2_ACCOUNT_KEY'),
      ],
      destinations: [{ host: 'api.backblazeb2.com', port: 443 }],
    }));
  }

  /**
   * A directory of an SFTP server, by way of rclone: restic itself would call `ssh`, which database images do not have.
   * (restic's documentation, "Other Services via rclone".)
   */
  public static sftp(options: ResticSftpOptions): ResticLocation {
    return new Location(scope => {
      const { host, port = 22, user, credentials } = options;
      const path = options.path.replace(/^\//, '');
      return {
        repository: `rclone:sftp:${options.path.startsWith('/') ? '/' : ''}${prefixOf(scope, path)}`,
        identity: `sftp:${user}@${host}:${port}:${options.path}`,
        environment: [
          { name: 'RCLONE_CONFIG', value: '' },
          { name: 'RCLONE_CONFIG_SFTP_TYPE', value: 'sftp' },
          { name: 'RCLONE_CONFIG_SFTP_HOST', value: host },
          { name: 'RCLONE_CONFIG_SFTP_PORT', value: String(port) },
          { name: 'RCLONE_CONFIG_SFTP_USER', value: user },
          { name: 'RCLONE_CONFIG_SFTP_KEY_FILE', value: '/run/secrets/sftp/privateKey' },
          { name: 'RCLONE_CONFIG_SFTP_KNOWN_HOSTS_FILE', value: '/run/secrets/sftp/knownHosts' },
          { name: 'RCLONE_CONFIG_SFTP_SHELL_TYPE', value: 'none' },
        ],
        volumes: [
          {
            name: 'sftp',
            secret: { secretName: checkObjectName(scope, 'location.credentials', credentials.name), defaultMode: SECRET_FILE_MODE },
          },
        ],
        volumeMounts: [{ name: 'sftp', mountPath: '/run/secrets/sftp', readOnly: true }],
        destinations: [{ host, port }],
        tools: [
          {
            name: 'rclone',
            image: ImageReference.of(options.image ?? 'rclone/rclone:1.68.2').bind(scope, 'location.image'),
            command: ['cp', '/usr/local/bin/rclone', `${TOOLS}/`],
          },
        ],
      };
    });
  }

  /** @internal */
  public abstract _bind(scope: Construct): ResticLocationConfig;
}

type Render = (scope: Construct) => Partial<ResticLocationConfig> & Pick<ResticLocationConfig, 'repository'>;

class Location extends ResticLocation {
  constructor(private readonly render: Render) {
    super();
  }

  public override _bind(scope: Construct): ResticLocationConfig {
    const place = this.render(scope);
    return { identity: place.repository, environment: [], volumes: [], volumeMounts: [], destinations: [], tools: [], ...place };
  }
}

function urlOf(scope: Construct, prop: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InputError(scope, {
      prop,
      got: text,
      because: "write a URL with its scheme, for example 'https://backup.example:8000/shop/'",
    });
  }
  if (url.username || url.password) {
    throw new InputError(scope, {
      prop,
      got: `${url.protocol}//…@${url.host}`,
      because: 'a URL lands in dist/: put user and password into a Secret and name it in credentials',
    });
  }
  return url;
}

function destinationOf(url: URL): NetworkDestination {
  const port = url.port ? Number(url.port) : url.protocol === 'https:' ? 443 : 80;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

function prefixOf(scope: Construct, prefix: string): string {
  const path = prefix.replace(/^\/+|\/+$/g, '');
  if (!/^[\w.=/-]*$/.test(path) || path.split('/').includes('..')) {
    throw new InputError(scope, {
      prop: 'location.prefix',
      got: prefix,
      because: "write letters, digits, '-', '_', '.', '=' and '/', for example 'clusters/blue'",
    });
  }
  return path;
}

function bucketOf(scope: Construct, prop: string, bucket: string, prefix: string | undefined): string {
  if (!/^[a-z0-9][a-z0-9.-]+[a-z0-9]$/i.test(bucket)) {
    throw new InputError(scope, {
      prop,
      got: bucket,
      because: "write the bucket's name alone, for example 'acme-backups'; a path goes into prefix",
    });
  }
  const path = prefixOf(scope, prefix ?? '');
  return path ? `${bucket}/${path}` : bucket;
}
