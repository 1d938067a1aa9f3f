import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { DataVolume } from '../core/data-volume';
import type { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretRef } from '../core/secret-ref';
import type { NetworkDestination } from '../kubernetes/network';
import type { ToolContainer } from '../kubernetes/pod';
import type { RequestKey } from '../kubernetes/request';
import type { ScriptFolder } from '../kubernetes/script-folder';

/** Where the server is, and the credentials for it. */
export interface EngineBindOptions {
  /** The server's host name: a Service, an IP address, or a name outside the cluster. */
  readonly host: string;
  /**
   * The server's port.
   * @default - the engine's own
   */
  readonly port?: number;
  /**
   * The Secret with the credentials; each engine documents its keys. If none was named, its name is empty, and asking it for a key is an
   * error.
   */
  readonly credentials: SecretRef;
  /** The series, which names the jobs' objects. */
  readonly series: string;
}

/** The image of an engine's jobs. */
export interface EngineImage {
  /** The image with the client tools, and with the server for verification: `[registry/]repository:tag[@digest]`. */
  readonly reference: string;
  /** The user that its programs run as, as a number. */
  readonly user: number;
  /**
   * The programs of the image that a repository can use: `zstd` or `gzip` to compress, `flock` to lock, `gpg` to encrypt, and `gpg-agent`.
   * Without `gpg-agent`, gpg opens nothing with a private key. Every image has a shell, coreutils and awk.
   * @default ['zstd', 'gzip', 'flock']
   */
  readonly programs?: string[];
  /**
   * Containers that put further programs into /tools.
   * @default - none
   */
  readonly tools?: ToolContainer[];
}

/** The way to the server. Only jobs that talk to it get its variables and volumes; verification does not. */
export interface EngineConnection {
  /**
   * The port on which the server listens: the one that was given, or the engine's own. NetworkPolicies let jobs reach no other port of that
   * host.
   */
  readonly port: number;
  /** Variables that lead to the server: address and credentials. */
  readonly environment: k8s.EnvVar[];
  /**
   * What somebody types once at the server, so that the role of the credentials can do its work. The lines are in the server's language, by
   * operation ('backup', 'restore', 'log'). Words in angle brackets are to be replaced.
   * @default - the server has no roles, or nobody says what they need
   */
  readonly grants?: { [operation: string]: string[] };
  /**
   * Volumes that lead to the server: certificates.
   * @default - none
   */
  readonly volumes?: k8s.Volume[];
  /**
   * Where they are mounted.
   * @default - none
   */
  readonly volumeMounts?: k8s.VolumeMount[];
  /**
   * Further servers that these jobs have to reach.
   * @default - none
   */
  readonly alsoReaches?: NetworkDestination[];
  /**
   * The client goes on to further servers, by names that the server tells it. In a copy of the namespace these are still production's.
   * @default false
   */
  readonly followsNames?: boolean;
  /**
   * The machine on which a backup and a restore have to run, in its network.
   * @default - any, in a network of the pod's own
   */
  readonly node?: EngineNode;
}

/** The machine whose own network or files are the only way to a server. Only the Pod Security Standard "privileged" admits such pods. */
export interface EngineNode {
  /** The reason, which an annotation of the pods shows. */
  readonly because: string;
  /** The user that owns the server's files there, as a number. */
  readonly user: number;
  /** Labels of the nodes. */
  readonly nodeSelector: { [label: string]: string };
  /** Taints of the nodes. */
  readonly tolerations: k8s.Toleration[];
}

/** Defaults of a backup, for what neither its own props nor its plan's say. */
export interface EngineDefaults {
  /**
   * When backups are made.
   * @default - as for every backup
   */
  readonly schedule?: Schedule;
  /**
   * The drop in size, in percent, above which a backup is suspicious.
   * @default - as for every backup
   */
  readonly sizeDropLimit?: number;
  /**
   * Where backups and restores may write temporary data, which is lost with their pods.
   * @default - as for every backup
   */
  readonly scratch?: Scratch;
  /**
   * Where restores may write temporary data, if neither they nor their backup say so.
   * @default - as backups
   */
  readonly restoreScratch?: Scratch;
}

/**
 * A log of the server that can be archived beside the recovery points. A restore replays it after a recovery point, to any moment.
 *
 * It needs these scripts:
 *
 * - `log-follow.sh` receives the log into $SPOOL until it is told to stop.
 * - `log-received.sh` waits up to $ARCHIVE_PATIENCE seconds, and succeeds when $SPOOL holds what the server had written when the script was
 *   called.
 * - `log-choose.sh` prints the names of what is new there, at most a batch, and creates $SCRATCH/more if there is more.
 * - `log-pack.sh NAMES-FILE` stores those with `put`, and notes a fact.
 * - `log-stored.sh NAMES-FILE` is called when they are safe, and clears the spool.
 * - `log-unpack.sh` fetches batch $POINT with `get`. `shell/read-log.sh` calls it for verify.sh and restore.sh, batch by batch.
 */
export interface EngineLog {
  /** What a restore request may say of the moment up to which the log is replayed. */
  readonly restoreRequest: RequestKey[];
}

/** What jobs do with the server's own files, instead of asking the server. */
export interface EngineServerFiles {
  /**
   * A backup copies the files: it mounts the data directory read-only at this path, since its tools look where the server says it is.
   * DATA_DIRECTORY names it, too.
   * @default - a backup needs none of them
   */
  readonly backupDirectory?: string;
  /**
   * A restore writes the files, while the server is stopped. It has the data volume at /data, and the directory's path as DATA_DIRECTORY. A
   * script `running.sh` tells whether the server runs (`shell/lib.sh`, `refuse_running_server`); without it `ready.sh` does.
   * @default false
   */
  readonly restored?: boolean;
  /**
   * The server can be started on a snapshot of its volume, by a script `check-volume.sh`. The script starts it on $DATA_DIRECTORY, on a
   * volume of its own that may be written and is thrown away. It waits until the server has recovered, runs its consistency checks, and
   * answers the assertions.
   * @default false
   */
  readonly checked?: boolean;
}

/** What an engine's jobs do. */
export enum EngineOperation {
  /** Makes a recovery point. */
  BACKUP = 'backup',
  /** Restores one to a throw-away server. */
  VERIFY = 'verify',
  /** Puts one back. */
  RESTORE = 'restore',
}

/**
 * Something that has to happen in a job's pod before its scripts, by a program whose image has no shell to run them. Before the first step
 * the engine's image prepares. For a backup, `examine.sh` looks at the server. For verify and restore, `fetch.sh` stores in the scratch
 * volume what the steps need of the recovery point. Steps work in the scratch volume.
 *
 * A step that fails ends the pod, and its last output is the termination message. Only scripts give a result line.
 */
export interface EngineStep {
  /** The container's name. */
  readonly name: string;
  /** The operations that it belongs to. */
  readonly operations: EngineOperation[];
  /** The image with the program. */
  readonly image: string;
  /** The program and its arguments. */
  readonly command: string[];
  /**
   * Its variables.
   * @default - none
   */
  readonly environment?: k8s.EnvVar[];
  /**
   * The names of the scripts' variables that it gets as well. It gets no others.
   * @default - none
   */
  readonly variables?: string[];
  /**
   * It asks the server, and needs the volumes of the engine's `connection`.
   * @default false
   */
  readonly connects?: boolean;
  /**
   * It works on the server's files, and needs the data volume.
   * @default false
   */
  readonly needsDataVolume?: boolean;
  /**
   * It does not end. Later steps run beside it, and it is stopped when the scripts have ended. Kubernetes 1.29 or newer (documentation,
   * "Sidecar Containers").
   * @default false
   */
  readonly runsBeside?: boolean;
}

/** The servers of one cluster. A restore brings all of them back from one recovery point. */
export interface EngineCluster {
  /** The servers, in the order of their restore: each by a job of its own, on its own data volume. */
  readonly members: EngineMember[];
  /**
   * What a person does, and in which order, since no job alone can bring the cluster back: Markdown, for a ConfigMap.
   * @default - none
   */
  readonly runbook?: string;
}

/** One server of a cluster. */
export interface EngineMember {
  /** Its name, which is the suffix of its restore's name. */
  readonly name: string;
  /** The volume with its data directory. */
  readonly dataVolume: DataVolume;
  /**
   * The volume with its write-ahead log, if that is outside the data directory. Its restore has this volume, too, at /wal, and the
   * directory's path as WAL_DIRECTORY.
   * @default - none: the log is in the data directory
   */
  readonly walVolume?: DataVolume;
  /**
   * What happens in its restore after the engine's own steps.
   * @default - nothing
   */
  readonly steps?: EngineStep[];
  /**
   * The machine on which its restore has to run.
   * @default - as in the engine's connection
   */
  readonly node?: EngineNode;
}

/**
 * What an engine tells the constructs. An engine knows its database and its image; it does not know where bytes go.
 *
 * The first four members are enough for a server that is asked for its data. The others are further abilities of an engine. Some need
 * scripts of their own, and synthesis refuses an engine whose folder lacks one of them.
 */
export interface EngineConfig {
  /** The engine's name, in lower case: in manifests and in labels. */
  readonly name: string;
  /** The image of its jobs. */
  readonly image: EngineImage;
  /**
   * The engine's scripts: `ready.sh`, `dump.sh`, `verify.sh` and `restore.sh`, those of its further abilities, and whatever they need. They
   * source `shell/lib.sh`, which defines how to store and to fetch.
   */
  readonly scripts: ScriptFolder;
  /** The way to the server. */
  readonly connection: EngineConnection;
  /**
   * Variables of all its jobs.
   * @default - none
   */
  readonly environment?: k8s.EnvVar[];
  /**
   * What a restore request may say beyond the recovery point.
   * @default - nothing
   */
  readonly restoreRequest?: RequestKey[];
  /**
   * The database that assertions ask when they name none.
   * @default - assertions have to name one
   */
  readonly defaultDatabase?: string;
  /**
   * What backups take where their props say nothing.
   * @default - as for every backup
   */
  readonly defaults?: EngineDefaults;
  /**
   * A backup reads earlier recovery points, and stores what has changed since. So it needs the key of an encrypted repository.
   * @default false
   */
  readonly incremental?: boolean;
  /**
   * Its log can be archived: `addLogArchive()`.
   * @default - there is none to archive
   */
  readonly log?: EngineLog;
  /**
   * Its jobs work on the server's own files.
   * @default - all jobs ask the server
   */
  readonly serverFiles?: EngineServerFiles;
  /**
   * What happens in a job's pod before its scripts, in this order.
   * @default - nothing
   */
  readonly steps?: EngineStep[];
  /**
   * The server is one of several, and a restore brings each of them back by itself.
   * @default - one server, the one that was bound
   */
  readonly cluster?: EngineCluster;
}

/** A kind of database: how to dump it, how to load a dump into a throw-away server, how to put it back. */
export interface IEngine {
  /**
   * Checks the engine's options and says what its jobs need.
   *
   * @param scope the construct that will use it, which errors name
   * @throws InputError when an option is invalid
   */
  bind(scope: Construct, options: EngineBindOptions): EngineConfig;
}
