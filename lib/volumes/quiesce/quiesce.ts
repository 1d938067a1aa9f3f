import type { Duration, Size } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { ScriptFolder } from '../../kubernetes/script-folder';

/** What a quiesce is told of the pods that it is for. */
export interface QuiesceBindOptions {
  /** The volumes of the pod that are snapshotted, by their names in the pod. */
  readonly volumes: string[];
}

/**
 * What one kind of quiesce needs to hold a server still. It runs in a container of its own beside the server, in the same pod: what
 * holds the lock lives and dies with the server, whatever becomes of those who asked for it.
 */
export interface QuiesceConfig {
  /** What is quiesced, in lower case: in names of ConfigMaps. */
  readonly name: string;
  /** The image of the container: that of the server's client. */
  readonly image: string;
  /** The user as which it runs, as a number. */
  readonly user: number;
  /**
   * Its `lock.sh`, which the agent sources. It gives the functions `lock_take` (takes the lock within $QUIESCE_WAIT seconds, or
   * leaves nothing and says why), `lock_release` (proves that the lock was held until now, then releases it), and `lock_recover`
   * (releases whatever an agent that was killed has left). What they may build on is in session.sh beside agent.sh.
   *
   * A changed script is a changed pod template, which restarts the server: nothing else belongs into this folder.
   */
  readonly scripts: ScriptFolder;
  /**
   * The container's variables: address of the server in its own pod, credentials by reference. References to Secrets and ConfigMaps, here
   * and in `volumes`, become optional ones: without them the server runs, and `lock_take` is not called.
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
   * Whether something stays held after it was taken, that has to be released. What only prepares the server (a checkpoint, a save
   * to disk) holds nothing, and needs no post hook.
   */
  readonly holds: boolean;
  /**
   * The servers of a workload's pods are members that have the same data, of which one is held: the first that lets itself be held.
   * @default - every pod's server is held
   */
  readonly holdsOne?: boolean;
  /**
   * The most memory that the container may use: the client's, and a shell's.
   * @default Size.mebibytes(64)
   */
  readonly memoryLimit?: Size;
  /** The longest that the server is held; then it is let go, whatever else happens. */
  readonly limit: Duration;
  /** The longest to wait until it is held. */
  readonly wait: Duration;
  /**
   * Why the container cannot pass the Pod Security Standard "restricted", and the capabilities that it needs.
   * @default - it passes
   */
  readonly privilege?: QuiescePrivilege;
}

/** What may be said of every quiesce. */
export interface QuiesceOptions {
  /**
   * The longest that the server is held, in whole seconds from 5 to an hour: then it is let go, and the snapshot that was not ready by then
   * fails. It has to be longer than a snapshot takes until it is cut.
   * @default Duration.minutes(1)
   */
  readonly limit?: Duration;
  /**
   * The longest to wait until the server is held, in whole seconds, 2 or more and less than `limit`: then nothing is held, and the backup fails.
   * @default Duration.seconds(10)
   */
  readonly wait?: Duration;
}

/** What may be said of every quiesce that only prepares the server. */
export interface PreparationOptions {
  /**
   * The longest that the preparation may take, in whole seconds from 2 to an hour: then the backup fails.
   * @default Duration.minutes(1)
   */
  readonly wait?: Duration;
}

/** What a container needs beyond the Pod Security Standard "restricted". */
export interface QuiescePrivilege {
  /** Why, as an annotation of the pods says. */
  readonly because: string;
  /** Capabilities, such as SYS_ADMIN. */
  readonly capabilities: string[];
}

/**
 * How a server is held still while its volumes are snapshotted.
 *
 * A lock that a client holds is gone when that client ends, so two commands that somebody runs one after the other, such as the hooks
 * of Velero or `kubectl exec`, cannot take and release it. Here an agent beside the server holds it, and lets it go by itself when
 * nobody asks for it in time. (velero-io/velero#1738, #8858.)
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
