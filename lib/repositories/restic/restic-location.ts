import { Chart } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { Destination } from '../../core/destination';
import { ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';
import { SECRET_FILE_MODE, type SecretKeyRef, type SecretRef } from '../../core/secret-ref';
import { warn } from '../../core/warning';
import { isInCluster, type NetworkDestination } from '../../kubernetes/network';
import { TOOLS, type ToolContainer } from '../../kubernetes/pod';
import { claimStore } from '../place';
import type { RepositoryPlace } from '../repository';
import type { ObjectLock, ObjectLockConfig } from './object-lock';

/** @internal */
export interface ResticLocationConfig {
  /** The repository as restic names it. */
  readonly repository: string;
  /** What identifies the place. */
  readonly identity: string;
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly volumeMounts: k8s.VolumeMount[];
  readonly destinations: NetworkDestination[];
  /** What restic needs besides itself. */
  readonly tools: ToolContainer[];
  readonly place: RepositoryPlace;
  /** Extended options, as `-o` takes them. */
  readonly options: string[];
  /** Whether restic itself speaks TLS with it, and checks the server's certificate. */
  readonly usesTls: boolean;
  /** What jobs need that work with old versions of a bucket's objects. */
  readonly versions?: ResticVersionsConfig;
  /** How the store knows jobs that bring no keys. */
  readonly podIdentity?: ResticIdentityConfig;
}

/** @internal */
export interface ResticIdentityConfig {
  /** What it is called in `repository.sh`. */
  readonly cloud: string;
  /** Labels that pods need for it. */
  readonly labels: { [label: string]: string };
  /** What gives it on the node itself, which no proxy reaches. */
  readonly destinations: NetworkDestination[];
}

/** @internal */
export interface ResticVersionsConfig {
  readonly environment: k8s.EnvVar[];
  readonly tools: ToolContainer[];
  /** The lock that new versions get. */
  readonly objectLock?: ObjectLockConfig;
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
   * The URL under which others use the same repository, if this is another server over the same directory: one of the two is append-only.
   * It identifies the repository.
   * @default - url
   */
  readonly sameAs?: string;
  /**
   * A Secret with the keys `username` and `password`.
   * @default - the server asks for none
   */
  readonly credentials?: SecretRef;
  /**
   * Where packets to the server go, for the NetworkPolicies of jobs. Give it where `url` is not enough: pods that listen on another port
   * than their Service, a Service without selector, an outside host name with a single dot.
   * @default - guessed from it; see NetworkDestination
   */
  readonly destinations?: Destination[];
}

/** How a bucket is addressed. */
export enum S3BucketLookup {
  /** `https://endpoint/bucket`. Most stores other than Amazon's want it, and every store whose certificate names the endpoint alone. */
  PATH = 'path',
  /** `https://bucket.endpoint`. Some stores insist on it. */
  DNS = 'dns',
}

/** The storage classes in which restic can work, since it reads what it has written. */
export enum S3StorageClass {
  STANDARD = 'STANDARD',
  STANDARD_IA = 'STANDARD_IA',
  ONEZONE_IA = 'ONEZONE_IA',
  INTELLIGENT_TIERING = 'INTELLIGENT_TIERING',
  REDUCED_REDUNDANCY = 'REDUCED_REDUNDANCY',
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
  /**
   * Where packets to the store go, for the NetworkPolicies of jobs. Give it where `endpoint` is not enough: pods that listen on another
   * port than their Service, a Service without selector, an outside host name with a single dot.
   * @default - guessed from it; see NetworkDestination
   */
  readonly destinations?: Destination[];
  /**
   * How the bucket is addressed. (restic's documentation, "Preparing a new repository", S3-compatible Storage:
   * `-o s3.bucket-lookup`.)
   * @default - restic chooses by the endpoint
   */
  readonly bucketLookup?: S3BucketLookup;
  /**
   * The storage class of new objects. (`restic options`: `-o s3.storage-class`.)
   * @default - the bucket's default
   */
  readonly storageClass?: S3StorageClass;
  /**
   * A Secret with the keys `accessKeyId` and `secretAccessKey`.
   *
   * Backups without pruning, verifications and restores need these rights: `s3:ListBucket` on the bucket; `s3:GetObject` and `s3:PutObject`
   * on `<prefix>/*`; `s3:DeleteObject` on `<prefix>/locks/*`. To prune, `s3:DeleteObject` on `<prefix>/*`. Somebody who may put objects may
   * also replace existing ones, and no policy can tell the two apart. Only a versioned bucket keeps what was there before.
   *
   * Without credentials it is the pod's service account that has these rights: `PodOptions.serviceAccount`, by EKS Pod Identity or by a
   * role of its own. restic and rclone ask the agent of the node, or STS in `region`, which `destinations` has to name where it is said.
   * (restic, internal/backend/s3/s3.go, getCredentials; minio-go, pkg/credentials/iam_aws.go; aws-sdk-go-v2, config/resolve_credentials.go)
   * @default - the pod's own identity
   */
  readonly credentials?: SecretRef;
  /**
   * The bucket keeps old versions of its objects, and what is deleted is only hidden. A restore can then read the repository as it was at a
   * moment, for example before an attack. Its request has the word `asOf`, a time such as `2026-08-01T00:00:00Z`. Its credentials then also
   * need the rights `s3:ListBucketVersions` and `s3:GetObjectVersion`.
   * @default false, or true where there is an objectLock
   */
  readonly versioned?: boolean;
  /**
   * The lock that the bucket puts on new objects; see `ObjectLock`.
   * @default - none
   */
  readonly objectLock?: ObjectLock;
  /**
   * The image from which rclone is taken, for restores `asOf` and for the renewal of locks.
   * @default 'rclone/rclone:1.68.2'
   */
  readonly rcloneImage?: string;
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
  /**
   * The key of a Secret that holds the service account's JSON file.
   *
   * Without it, restic asks GKE's metadata server for what the pod's service account may do: `PodOptions.serviceAccount`.
   * (restic, internal/backend/gs/gs.go, getStorageClient: application default credentials.)
   * @default - the pod's own identity
   */
  readonly credentials?: SecretKeyRef;
  /** The project, which restic needs to create the repository's bucket. */
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
  /**
   * A Secret with the keys `accountName` and `accountKey`.
   *
   * Without it, and with `accountName` instead, restic asks Microsoft Entra ID for what the pod's service account may do:
   * `PodOptions.serviceAccount`. The pods have the label `azure.workload.identity/use` for that. The identity needs the role
   * "Storage Blob Data Contributor". (restic, internal/backend/azure/azure.go, open: DefaultAzureCredential.)
   * @default - the pod's own identity
   */
  readonly credentials?: SecretRef;
  /**
   * The storage account, where no Secret names it.
   * @default - what the Secret of `credentials` says
   */
  readonly accountName?: string;
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
  /**
   * Where packets to the server go, for the NetworkPolicies of jobs. Give it where `host` is not enough: pods that listen on another port
   * than their Service, a Service without selector, an outside host name with a single dot.
   * @default - guessed from it; see NetworkDestination
   */
  readonly destinations?: Destination[];
  /** The user to log in as. */
  readonly user: string;
  /** The directory of the repository. */
  readonly path: string;
  /**
   * A Secret with the keys `privateKey` and `knownHosts`: a private key without a passphrase, and the server's public key as in OpenSSH's
   * known_hosts. A server that cannot prove itself is not trusted.
   */
  readonly credentials: SecretRef;
  /**
   * The image from which rclone is taken.
   * @default 'rclone/rclone:1.68.2'
   */
  readonly image?: string;
}

/** An HTTP proxy. */
export interface ProxyOptions {
  /** Its URL, with a scheme and without user and password: `http://proxy.acme.example:3128`. */
  readonly url: string;
  /**
   * Where packets to the proxy go, for the NetworkPolicies of jobs.
   * @default - guessed from url; see NetworkDestination
   */
  readonly destinations?: Destination[];
}

/**
 * Where a restic repository is. Credentials are those of restic's documentation, "Preparing a new repository", and come from
 * Secrets only.
 */
export abstract class ResticLocation {
  /** A directory of a volume: the simplest place, and lost with the volume. */
  public static local(options: ResticLocalOptions): ResticLocation {
    return new Location((scope, mountPrefix) => {
      const path = prefixOf(scope, options.path ?? 'restic');
      return {
        repository: `/${mountPrefix}repository/${path}`,
        // A claim is of its namespace.
        identity: `${Chart.of(scope).namespace ?? ''}/${options.claimName}/${path}`,
        place: { store: claimStore(scope, options.claimName), path },
        usesTls: false,
        volumes: [
          {
            name: `${mountPrefix}repository`,
            persistentVolumeClaim: { claimName: checkObjectName(scope, 'location.claimName', options.claimName) },
          },
        ],
        volumeMounts: [{ name: `${mountPrefix}repository`, mountPath: `/${mountPrefix}repository` }],
      };
    });
  }

  /** A server that speaks restic's REST protocol (rest-server, `rclone serve restic`). */
  public static rest(options: ResticRestOptions): ResticLocation {
    return new Location(scope => {
      const url = urlOf(scope, 'location.url', options.url);
      if (options.credentials) warnOfPlainText(scope, 'location.url', url, options.destinations);
      const known = options.sameAs === undefined ? url : urlOf(scope, 'location.sameAs', options.sameAs);
      return {
        repository: `rest:${url.href}`,
        identity: `rest:${known.href}`,
        place: { store: `rest:${known.origin}`, path: trimmed(known.pathname) },
        usesTls: url.protocol === 'https:',
        environment: options.credentials
          ? [
              options.credentials.key('username').toEnvironment('RESTIC_REST_USERNAME'),
              options.credentials.key('password').toEnvironment('RESTIC_REST_PASSWORD'),
            ]
          : [],
        destinations: [{ ...destinationOf(url), through: options.destinations }],
      };
    });
  }

  /** A bucket of S3 or of a store that speaks its protocol. */
  public static s3(options: ResticS3Options): ResticLocation {
    return new Location(scope => {
      const region = options.region ?? 'us-east-1';
      const url = urlOf(scope, 'location.endpoint', options.endpoint ?? `https://s3.${region}.amazonaws.com`);
      warnOfPlainText(scope, 'location.endpoint', url, options.destinations);
      const path = bucketOf(scope, 'location.bucket', options.bucket, options.prefix);
      const { credentials } = options;
      // Else EKS gives pods the region of the cluster, which restic would take for the bucket's.
      const said = options.region ?? (credentials || options.endpoint !== undefined ? undefined : region);
      return {
        place: { store: `s3:${url.origin}/${options.bucket}`, path: trimmed(options.prefix ?? '') },
        usesTls: url.protocol === 'https:',
        options: [
          ...(options.bucketLookup ? [`s3.bucket-lookup=${options.bucketLookup}`] : []),
          ...(options.storageClass ? [`s3.storage-class=${options.storageClass}`] : []),
        ],
        repository: `s3:${url.origin}/${path}`,
        ...((options.versioned || options.objectLock) && { versions: versionsOf(scope, options, url, path) }),
        environment: [
          ...(credentials
            ? [
                credentials.key('accessKeyId').toEnvironment('AWS_ACCESS_KEY_ID'),
                credentials.key('secretAccessKey').toEnvironment('AWS_SECRET_ACCESS_KEY'),
              ]
            : []),
          ...(said ? [{ name: 'AWS_DEFAULT_REGION', value: said }] : []),
          // EKS leaves it out where there is the other, and restic asks that region's STS by this one alone.
          ...(said && !credentials ? [{ name: 'AWS_REGION', value: said }] : []),
        ],
        // STS is outside on port 443, as the store is.
        destinations: [{ ...destinationOf(url), through: options.destinations }],
        ...(!credentials && { podIdentity: AWS }),
      };
    });
  }

  /** A bucket of Google Cloud Storage. */
  public static gcs(options: ResticGcsOptions): ResticLocation {
    return new Location((scope, mountPrefix) => {
      const { credentials } = options;
      const project = { name: 'GOOGLE_PROJECT_ID', value: options.projectId };
      const place = {
        place: { store: `gs:${options.bucket}`, path: trimmed(options.prefix ?? '') },
        repository: `gs:${options.bucket}:/${prefixOf(scope, options.prefix ?? '')}`,
        destinations: [{ host: 'storage.googleapis.com', port: 443 }],
      };
      if (!credentials) return { ...place, environment: [project], podIdentity: GKE };
      const { secretName, keyName } = credentials;
      return {
        ...place,
        environment: [project, { name: 'GOOGLE_APPLICATION_CREDENTIALS', value: `/run/secrets/${mountPrefix}gcs/${keyName}` }],
        volumes: [
          {
            name: `${mountPrefix}gcs`,
            secret: { secretName, defaultMode: SECRET_FILE_MODE, items: [{ key: keyName, path: keyName }] },
          },
        ],
        volumeMounts: [{ name: `${mountPrefix}gcs`, mountPath: `/run/secrets/${mountPrefix}gcs`, readOnly: true }],
      };
    });
  }

  /** A container of Azure Blob Storage. */
  public static azure(options: ResticAzureOptions): ResticLocation {
    return new Location(scope => {
      const { credentials, container } = options;
      const account = credentials ? credentials.name : accountOf(scope, options.accountName);
      if (credentials && options.accountName !== undefined) {
        const because = `Secret ${credentials.name} also names the account: leave account out, or leave out credentials to use the pod's own identity`;
        throw new InputError(scope, { prop: 'location.accountName', got: options.accountName, because });
      }
      return {
        // Containers of two accounts may have one name; the account may be in the Secret.
        place: { store: `azure:${account}/${container}`, path: trimmed(options.prefix ?? '') },
        repository: `azure:${container}:/${prefixOf(scope, options.prefix ?? '')}`,
        environment: credentials
          ? [
              credentials.key('accountName').toEnvironment('AZURE_ACCOUNT_NAME'),
              credentials.key('accountKey').toEnvironment('AZURE_ACCOUNT_KEY'),
            ]
          : [{ name: 'AZURE_ACCOUNT_NAME', value: account }],
        // Microsoft Entra ID is outside on port 443, too.
        destinations: [{ host: 'blob.core.windows.net', port: 443 }],
        ...(!credentials && { podIdentity: AZURE }),
      };
    });
  }

  /** A bucket of Backblaze B2. */
  public static b2(options: ResticB2Options): ResticLocation {
    return new Location(scope => ({
      place: { store: `b2:${options.bucket}`, path: trimmed(options.prefix ?? '') },
      repository: `b2:${options.bucket}:${prefixOf(scope, options.prefix ?? '')}`,
      environment: [
        options.credentials.key('accountId').toEnvironment('B2_ACCOUNT_ID'),
        options.credentials.key('accountKey').toEnvironment('B2_ACCOUNT_KEY'),
      ],
      destinations: [{ host: 'api.backblazeb2.com', port: 443 }],
    }));
  }

  /**
   * A directory of an SFTP server, by rclone. restic itself would call `ssh`, which database images do not have. (restic's documentation,
   * "Other Services via rclone".)
   */
  public static sftp(options: ResticSftpOptions): ResticLocation {
    return new Location((scope, mountPrefix) => {
      const { host, port = 22, user, credentials } = options;
      const path = options.path.replace(/^\//, '');
      return {
        repository: `rclone:sftp:${options.path.startsWith('/') ? '/' : ''}${prefixOf(scope, path)}`,
        identity: `sftp:${user}@${host}:${port}:${options.path}`,
        place: { store: `sftp:${user}@${host}:${port}${options.path.startsWith('/') ? '/' : ''}`, path: trimmed(path) },
        usesTls: false,
        environment: [
          { name: 'RCLONE_CONFIG', value: '' },
          { name: 'RCLONE_CONFIG_SFTP_TYPE', value: 'sftp' },
          { name: 'RCLONE_CONFIG_SFTP_HOST', value: host },
          { name: 'RCLONE_CONFIG_SFTP_PORT', value: String(port) },
          { name: 'RCLONE_CONFIG_SFTP_USER', value: user },
          { name: 'RCLONE_CONFIG_SFTP_KEY_FILE', value: `/run/secrets/${mountPrefix}sftp/privateKey` },
          { name: 'RCLONE_CONFIG_SFTP_KNOWN_HOSTS_FILE', value: `/run/secrets/${mountPrefix}sftp/knownHosts` },
          { name: 'RCLONE_CONFIG_SFTP_SHELL_TYPE', value: 'none' },
        ],
        volumes: [
          {
            name: `${mountPrefix}sftp`,
            secret: {
              secretName: checkObjectName(scope, 'location.credentials', credentials.name),
              defaultMode: SECRET_FILE_MODE,
              items: ['privateKey', 'knownHosts'].map(path => ({ key: credentials.key(path).keyName, path })),
            },
          },
        ],
        volumeMounts: [{ name: `${mountPrefix}sftp`, mountPath: `/run/secrets/${mountPrefix}sftp`, readOnly: true }],
        destinations: [{ host, port, through: options.destinations }],
        tools: [rclone(scope, 'location.image', options.image)],
      };
    });
  }

  /**
   * The same place, reached by an HTTP proxy: `ResticLocation.s3({ ... }).byProxy({ url: 'http://proxy.acme.example:3128' })`.
   *
   * NetworkPolicies then allow the proxy, and not the place. Nothing else in the jobs uses it: neither the engine's clients nor the
   * programs that restic starts. (restic takes `HTTP_PROXY` and `HTTPS_PROXY` as Go's `net/http` does.)
   */
  public byProxy(options: ProxyOptions): ResticLocation {
    return new Location((scope, mountPrefix) => {
      const place = this._bind(scope, mountPrefix);
      if (!/^(rest|s3|gs|azure|b2):/.test(place.repository)) {
        const because = 'only HTTP requests can use an HTTP proxy: leave it out';
        throw new InputError(scope, { prop: 'location.proxy', got: place.identity, because });
      }
      const url = urlOf(scope, 'location.proxy.url', options.url);
      return {
        ...place,
        environment: [...place.environment, { name: 'RESTIC_PROXY', value: url.origin }],
        destinations: [{ ...destinationOf(url), through: options.destinations }],
      };
    });
  }

  /** @internal */
  public abstract _bind(scope: Construct, mountPrefix: string): ResticLocationConfig;
}

/** `mountPrefix` goes before the names of volumes and of what they are mounted as. */
type Render = (scope: Construct, mountPrefix: string) => Partial<ResticLocationConfig> & Pick<ResticLocationConfig, 'repository' | 'place'>;

class Location extends ResticLocation {
  constructor(private readonly render: Render) {
    super();
  }

  public override _bind(scope: Construct, mountPrefix: string): ResticLocationConfig {
    const place = this.render(scope, mountPrefix);
    return {
      identity: place.repository,
      environment: [],
      volumes: [],
      volumeMounts: [],
      destinations: [],
      tools: [],
      options: [],
      usesTls: true,
      ...place,
    };
  }
}

/**
 * The agent of EKS Pod Identity has an address of the node's own. (Amazon EKS user guide, "Set up the Amazon EKS Pod Identity Agent":
 * https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html)
 */
const AWS: ResticIdentityConfig = { cloud: 'aws', labels: {}, destinations: [{ host: '169.254.170.23', port: 80 }] };

/**
 * The addresses of GKE's metadata server; the second is that of clusters with Dataplane V2. (GKE documentation, "Network policy and
 * Workload Identity Federation for GKE":
 * https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy#network-policy-and-workload-identity)
 */
const GKE: ResticIdentityConfig = {
  cloud: 'gke',
  labels: {},
  destinations: [
    ...[987, 988].map(port => ({ host: '169.254.169.252', port })),
    ...[80, 8080].map(port => ({ host: '169.254.169.254', port })),
  ],
};

/** The webhook looks at pods with this label alone. (Azure Workload Identity, "Service Account Labels and Annotations".) */
const AZURE: ResticIdentityConfig = { cloud: 'azure', labels: { 'azure.workload.identity/use': 'true' }, destinations: [] };

/** (Azure documentation, "Storage account overview", Storage account name.) */
function accountOf(scope: Construct, name = ''): string {
  if (/^[a-z0-9]{3,24}$/.test(name)) return name;
  const because =
    "without credentials, write the storage account's name, 3 to 24 lower-case letters and digits: 'acmebackups'; or name a Secret in credentials";
  throw new InputError(scope, { prop: 'location.accountName', got: name || undefined, because });
}

/** rclone's remote for the bucket. It finds the keys where restic does. */
function versionsOf(scope: Construct, options: ResticS3Options, url: URL, path: string): ResticVersionsConfig {
  const objectLock = options.objectLock?._bind(scope);
  const remote = {
    TYPE: 's3',
    PROVIDER: options.endpoint === undefined ? 'AWS' : 'Other',
    ENDPOINT: url.origin,
    ...(options.region && { REGION: options.region }),
    ...(options.bucketLookup === S3BucketLookup.DNS && { FORCE_PATH_STYLE: 'false' }),
    // A copy is of the store's usual class, whatever the class of its original was.
    ...(options.storageClass && { STORAGE_CLASS: options.storageClass }),
    ENV_AUTH: 'true',
    // Nothing is done with the bucket itself, so that no right to it is needed.
    NO_CHECK_BUCKET: 'true',
  };
  return {
    environment: [
      { name: 'RCLONE_CONFIG', value: '' },
      ...Object.entries(remote).map(([name, value]) => ({ name: `RCLONE_CONFIG_BUCKET_${name}`, value })),
      { name: 'VERSIONS_REMOTE', value: `bucket:${path}` },
    ],
    tools: [rclone(scope, 'location.rcloneImage', options.rcloneImage)],
    ...(objectLock && { objectLock }),
  };
}

function rclone(scope: Construct, prop: string, image = 'rclone/rclone:1.68.2'): ToolContainer {
  return { name: 'rclone', image: ImageReference.of(image).bind(scope, prop), command: ['cp', '/usr/local/bin/rclone', `${TOOLS}/`] };
}

/**
 * A URL that may stand in dist/.
 *
 * @throws InputError when it is none of HTTP, or holds a user or a password
 * @internal
 */
export function urlOf(scope: Construct, prop: string, text: string): URL {
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
      because: 'a URL is written to dist/ in plain text: put user and password into a Secret, and name it in credentials',
    });
  }
  return url;
}

/** Within a cluster there is seldom anything but plain text. What leaves the cluster can be read, and used, by anybody on the way. */
function warnOfPlainText(scope: Construct, prop: string, url: URL, destinations: Destination[] | undefined): void {
  const staysInside = destinations ? destinations.every(({ _isInCluster }) => _isInCluster) : isInCluster(destinationOf(url).host);
  if (url.protocol !== 'http:' || staysInside) return;
  warn(
    scope,
    `${prop} is '${url.origin}', outside the cluster, and credentials would go there unencrypted: write https, and a CA if needed`,
  );
}

/** @internal */
export function destinationOf(url: URL): NetworkDestination {
  const port = url.port ? Number(url.port) : url.protocol === 'https:' ? 443 : 80;
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

function prefixOf(scope: Construct, prefix: string): string {
  const path = trimmed(prefix);
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
    const because = "write only the bucket's name, three characters or more, for example 'acme-backups'; a path goes into prefix";
    throw new InputError(scope, { prop, got: bucket, because });
  }
  const path = prefixOf(scope, prefix ?? '');
  return path ? `${bucket}/${path}` : bucket;
}
