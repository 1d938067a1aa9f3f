import type { Duration } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { Schedule } from '../core/schedule';
import type { SecretKeyRef } from '../core/secret-ref';
import type { NetworkDestination } from '../kubernetes/network';
import type { ToolContainer } from '../kubernetes/pod';
import type { RequestKey } from '../kubernetes/request';
import type { ScriptFolder } from '../kubernetes/script-folder';

/**
 * The prefix of names of volumes and mount paths of a repository that a mirror copies from.
 *
 * @internal
 */
export const SOURCE_PREFIX = 'source-';

/** What a job may do in a repository. It gets the secrets and mounts for that, and no others. */
export enum RepositoryAccess {
  /** Reads recovery points, and writes nothing. */
  READ = 'read',
  /**
   * Lists all series, and reads manifests: a `BackupWitness`. It opens no recovery point, so that it gets no key but where nothing can be
   * listed without one.
   */
  WITNESS = 'witness',
  /** Reads recovery points, and notes which ones of its series are verified. */
  VERIFY = 'verify',
  /** Reads recovery points, including deleted ones if the store has kept them; writes the series `<series>-safety`. */
  RESTORE = 'restore',
  /** Makes recovery points, and removes what retention does not keep unless the repository is append-only. */
  APPEND = 'append',
  /** Removes what retention does not keep. */
  PRUNE = 'prune',
  /** Opens recovery points with old keys, and closes them with new ones. */
  REKEY = 're-key',
  /** Renews the locks of what is kept. */
  RENEW_LOCKS = 'renew-locks',
}

/** What a repository is told of the job that will use it. */
export interface RepositoryBindOptions {
  /** What the job may do. A repository with separate secrets for reading and writing gives each job only what it needs. */
  readonly access: RepositoryAccess;
  /** The series that the job works on. A job that may write only a small part of the repository can write that of this series. */
  readonly series?: string;
  /**
   * The job copies from this repository into another one. Its scripts are then mounted as `source/` instead of `repository/`. Whatever must
   * differ from the other's (names of volumes, mount paths) begins with `source-`. Variables need not differ: the job has them as
   * `SOURCE_<name>`, and a separate process gets them under their own names.
   * @default false
   */
  readonly isSource?: boolean;
  /** The longest that a run may take. What an older run left unfinished may be removed. */
  readonly longestRun: Duration;
  /**
   * The programs of `zstd`, `gzip`, `flock`, `gpg` and `gpg-agent` that the job's image ships. A repository brings whatever else it needs
   * besides a shell, coreutils and awk.
   */
  readonly programs: string[];
  /**
   * Backups are incremental: a job that makes a recovery point reads earlier ones.
   * @default false
   */
  readonly incremental?: boolean;
}

/** Where a repository is. Two repositories of one store must not lie inside each other. */
export interface RepositoryPlace {
  /** What identifies the store: a bucket, a claim, a server. */
  readonly store: string;
  /** The path in the store, without slashes at its ends; empty for the whole store. */
  readonly path: string;
}

/** How locks of a store are renewed. */
export interface LockRenewal {
  /** When. */
  readonly schedule: Schedule;
  /** How long a lock lasts. Data that is deleted meanwhile stays, and costs. */
  readonly lock: Duration;
}

/** How another key comes to open what one key opens. */
export enum RekeyMethod {
  /**
   * Keys open a master key, and are added and removed: `addKeyRotation()`. A script `keys.sh` defines `repository_key_of`,
   * `repository_add_key` and `repository_remove_key`.
   */
  KEY_ROTATION = 'keys',
  /**
   * Recovery points are encrypted again: `addReencryption()`. A script `reencrypt.sh` defines `repository_encryption_of`,
   * `repository_clear_unlisted` and `repository_reencrypt`.
   */
  REENCRYPTION = 'reencrypt',
}

/** What a repository tells the constructs. A repository knows where bytes go; it does not know databases. */
export interface RepositoryConfig {
  /** What identifies the repository: two series of one name in it would be one. */
  readonly identity: string;
  /**
   * Where it is, so that synthesis finds a repository inside another.
   * @default - it is compared with no other
   */
  readonly place?: RepositoryPlace;
  /**
   * The jobs' credentials may add and read, but neither delete nor overwrite. So nothing is pruned with them.
   * @default false
   */
  readonly appendOnly?: boolean;
  /**
   * The repository's scripts. `shell/lib.sh` sources `repository.sh`, which defines `repository_open`, `repository_begin`,
   * `repository_put`, `repository_staged`, `repository_commit`, `repository_list`, `repository_get`, `repository_mark`, `repository_check`,
   * `repository_prune` and `repository_begin_run`. Their arguments and results are described in `lib/repositories/files/repository.sh`.
   */
  readonly scripts: ScriptFolder;
  /**
   * Scripts that look at the repository as a whole, for a `BackupWitness`: `witness.sh` defines `repository_witness` and
   * `repository_witness_note`. What they leave is described in `lib/observability/witness/look.sh`.
   * @default none: nothing can be witnessed of it
   */
  readonly listing?: ScriptFolder;
  /** Variables of the jobs. */
  readonly environment: k8s.EnvVar[];
  /** Volumes of the jobs. */
  readonly volumes: k8s.Volume[];
  /** Where they are mounted. */
  readonly volumeMounts: k8s.VolumeMount[];
  /** Containers that put tools into /tools before the job starts. */
  readonly tools: ToolContainer[];
  /** What the jobs have to reach, for NetworkPolicies. */
  readonly destinations: NetworkDestination[];
  /**
   * The jobs bring no keys: the store knows them by the service account of their pods, and by these labels. `PodOptions.serviceAccount`
   * must be said then.
   * @default none: the jobs have keys, or the store needs none
   */
  readonly identityLabels?: { [label: string]: string };
  /**
   * What a restore may ask of the repository, besides what it may ask of the engine.
   * @default none
   */
  readonly restoreRequest?: RequestKey[];
  /**
   * The store locks what is written, so whoever uses the repository has to renew the locks. `repository.sh` then also defines
   * `repository_renew_locks`.
   * @default none: nothing is locked
   */
  readonly lockRenewal?: LockRenewal;
  /**
   * How its keys are exchanged: jobs of `RepositoryAccess.REKEY`.
   * @default none: nothing in it is encrypted, or no job can change that
   */
  readonly rekeyMethod?: RekeyMethod;
  /** How a person lists and fetches recovery points of a series without a cluster: Markdown, with `$SERIES`, `$POINT` and `$MEMBER`. */
  readonly byHand: string;
}

/**
 * A place where recovery points are kept.
 */
export interface IRepository {
  /**
   * Checks the repository's options and says what jobs need to use it.
   *
   * @param scope the construct that will use it, which errors name
   * @throws InputError when an option is invalid
   */
  bind(scope: Construct, options: RepositoryBindOptions): RepositoryConfig;
}

/** A repository that is opened with a key, and so can be opened with another one, too. */
export interface IKeyedRepository extends IRepository {
  /**
   * The same repository, opened with this key and no other.
   *
   * @param key the key of a Secret: what the repository's own key would hold
   * @param passphrase what protects that key itself, where it is gpg's
   * @throws Error when nothing in the repository is encrypted, or no such key has a passphrase
   */
  withKey(key: SecretKeyRef, passphrase?: SecretKeyRef): IRepository;
}
