import type { Duration, Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { ScriptFolder } from '../../kubernetes/script-folder';

/** What a quiesce is told of its pods. */
export interface QuiesceBindOptions {
  /** The volumes of the pod that are snapshotted, by their names in the pod. */
  readonly volumes: string[];
}

/**
 * What one kind of quiesce needs to hold a server still. It runs in a container of its own beside the server, in the same pod. So what
 * holds the lock lives and dies with the server, whatever happens to those who asked for it.
 */
export interface QuiesceConfig {
  /** The quiesce's name, in lower case, for names of ConfigMaps. */
  readonly name: string;
  /** The image of the container: that of the server's client. */
  readonly image: string;
  /** The user that it runs as, as a number. */
  readonly user: number;
  /**
   * Its `lock.sh`, which the agent sources. It defines three functions. `lock_take` takes the lock within $QUIESCE_WAIT seconds, or leaves
   * nothing and says why. `lock_release` proves that the lock was held until now, then releases it. `lock_recover` releases whatever a
   * killed agent has left. They may use what session.sh beside agent.sh defines. A changed script changes the pod template, which restarts
   * the server: put nothing else into this folder.
   */
  readonly scripts: ScriptFolder;
  /**
   * The container's variables: address of the server in its own pod, credentials by reference. References to Secrets and ConfigMaps, here
   * and in `volumes`, become optional. Without these objects the server runs, and `lock_take` is not called.
   */
  readonly environment: k8s.EnvVar[];
  /**
   * What somebody types once at the server, so that the role of the credentials may do this. Words in angle brackets are to be replaced.
   * @default - the server has no roles, or nobody says what they need
   */
  readonly grants?: string[];
  /**
   * Volumes of the container: certificates, sockets.
   * @default - none
   */
  readonly volumes?: k8s.Volume[];
  /**
   * Where the container mounts them, and volumes of the pod.
   * @default - none
   */
  readonly volumeMounts?: k8s.VolumeMount[];
  /**
   * Whether something stays held that has to be released. A quiesce that only prepares the server (a checkpoint, a save to disk) holds
   * nothing, and needs no post hook.
   */
  readonly holds: boolean;
  /**
   * The servers of a workload's pods are members with the same data, and one is held: the first that lets itself be held.
   * @default - every pod's server is held
   */
  readonly holdsOne?: boolean;
  /**
   * The most memory that the container may use: for the client and a shell.
   * @default Size.mebibytes(64)
   */
  readonly memoryLimit?: Size;
  /** The longest that the server is held. Then it is released, whatever else happens. */
  readonly limit: Duration;
  /** The longest to wait until it is held. */
  readonly wait: Duration;
  /**
   * Why the container cannot pass the Pod Security Standard "restricted", and the capabilities that it needs.
   * @default - it passes
   */
  readonly privilege?: QuiescePrivilege;
}

/** Options that every quiesce has. */
export interface QuiesceOptions {
  /**
   * The longest that the server is held, in whole seconds from 5 to an hour. Then it is released, and a snapshot that is not cut by then
   * fails. It has to be longer than a snapshot takes until it is cut.
   * @default Duration.minutes(1)
   */
  readonly limit?: Duration;
  /**
   * The longest to wait until the server is held, in whole seconds, at least 2 and less than `limit`. After that nothing is held, and the
   * backup fails.
   * @default Duration.seconds(10)
   */
  readonly wait?: Duration;
}

/** Options that every quiesce has that only prepares the server. */
export interface PreparationOptions {
  /**
   * The longest that the preparation may take, in whole seconds from 2 to an hour. After that the backup fails.
   * @default Duration.minutes(1)
   */
  readonly wait?: Duration;
}

/** What a container needs beyond the Pod Security Standard "restricted". */
export interface QuiescePrivilege {
  /** The reason, which an annotation of the pods shows. */
  readonly because: string;
  /** Capabilities, such as SYS_ADMIN. */
  readonly capabilities: string[];
}

/**
 * How a server is held still while its volumes are snapshotted.
 *
 * A lock that a client holds is gone when that client ends. So two separate commands, such as Velero's hooks or two calls of
 * `kubectl exec`, cannot take and release it. Here an agent beside the server holds the lock, and releases it by itself if nobody asks for
 * it in time. (velero-io/velero#1738, #8858.)
 */
export interface IQuiesce {
  /**
   * Checks the options and says what the agent needs.
   *
   * @param scope the construct that will use it, which errors name
   * @throws InputError when an option is invalid
   */
  bind(scope: Construct, options: QuiesceBindOptions): QuiesceConfig;
}
