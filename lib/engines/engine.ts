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

/** Where the server is, and as whom to ask it. */
export interface EngineBindOptions {
  /** The server's host name: a Service, an IP address, or a name outside the cluster. */
  readonly host: string;
  /**
   * The server's port.
   * @default - the engine's own
   */
  readonly port?: number;
  /** The Secret with the credentials; each engine documents its keys. Where none was named its name is empty, and asking it for a key is an error. */
  readonly credentials: SecretRef;
  /** The series, by which the jobs' objects are named. */
  readonly series: string;
}

/** The image of an engine's jobs. */
export interface EngineImage {
  /** The image that ships the client tools, and the server for verification: `[registry/]repository:tag[@digest]`. */
  readonly reference: string;
  /** The user as which its programs run, as a number. */
  readonly user: number;
  /**
   * Which of the programs that a repository can use are in it: `zstd` or `gzip` to compress, `flock` to lock, `gpg` to encrypt, and
   * `gpg-agent`, without which gpg opens nothing with a private key. A shell, coreutils and awk are in every image.
   * @default ['zstd', 'gzip', 'flock']
   */
  readonly programs?: string[];
  /**
   * Containers that put further programs into /tools.
   * @default - none
   */
  readonly tools?: ToolContainer[];
}

/**
 * The way to the server. Only jobs that talk to it get its variables and its volumes; verification does not.
 */
export interface EngineConnection {
  /** The port on which the server listens: the one that was given, or the engine's own. NetworkPolicies let jobs reach no other of that host. */
  readonly port: number;
  /** Variables that lead to the server: address and credentials. */
  readonly environment: k8s.EnvVar[];
  /**
   * What somebody types once at the server, so that the role of the credentials may do its work: lines in the server's language, by
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
   * Further servers that jobs which talk to the server have to reach.
   * @default - none
   */
  readonly alsoReaches?: NetworkDestination[];
  /**
   * The client goes on to further servers, by names that the server tells it: in a copy of the namespace these are still production's.
   * @default false
   */
  readonly followsNames?: boolean;
  /**
   * The machine on which a backup and a restore have to run, in its network.
   * @default - any, in a network of the pod's own
   */
  readonly node?: EngineNode;
}

/** The machine whose own network or files are the only way to a server. No Pod Security Standard but "privileged" lets such pods in. */
export interface EngineNode {
  /** Why it has to be, as an annotation of the pods says. */
  readonly because: string;
  /** The user to whom the server's files belong there, as a number. */
  readonly user: number;
  /** Labels of the nodes. */
  readonly nodeSelector: { [label: string]: string };
  /** Taints of the nodes. */
  readonly tolerations: k8s.Toleration[];
}

/** What a backup takes where neither its own props nor its plan's say something. */
export interface EngineDefaults {
  /**
   * When backups are made.
   * @default - as for every backup
   */
  readonly schedule?: Schedule;
  /**
   * The drop in size, in percent, that is suspicious.
   * @default - as for every backup
   */
  readonly sizeDropLimit?: number;
  /**
   * Where backups and restores may write what dies with their pods.
   * @default - as for every backup
   */
  readonly scratch?: Scratch;
  /**
   * Where restores may write what dies with their pods, where neither they nor their backup say something.
   * @default - as backups
   */
  readonly restoreScratch?: Scratch;
}

/**
 * A log of the server's that can be archived beside the recovery points, and replayed after them to any moment.
 *
 * Its scripts are `log-follow.sh` (receives the log into $SPOOL until it is told to stop), `log-received.sh` (succeeds when $SPOOL
 * holds what the server had written when it was called, for which it waits $ARCHIVE_PATIENCE seconds), `log-choose.sh` (prints the names
 * of what is new there, a batch at most, and makes $SCRATCH/more when there is more), `log-pack.sh NAMES-FILE` (stores those with `put`,
 * notes a fact), `log-stored.sh NAMES-FILE` (they are safe: clears the spool), and `log-unpack.sh` (fetches batch $POINT with `get`), which
 * `shell/read-log.sh` calls for verify.sh and restore.sh, batch by batch.
 */
export interface EngineLog {
  /** What a restore request may say of the moment to which the log is replayed. */
  readonly restoreRequest: RequestKey[];
}

/** What jobs do with the server's own files, instead of asking the server. */
export interface EngineServerFiles {
  /**
   * A backup copies them: it has the data directory at this path, to read only, as its tools look for it where the server itself says it
   * is. DATA_DIRECTORY names it, too.
   * @default - a backup needs none of them
   */
  readonly backupDirectory?: string;
  /**
   * A restore writes them, while the server is stopped: it has the data volume at /data, and the directory's path as DATA_DIRECTORY. A
   * script `running.sh` tells whether the server runs (`shell/lib.sh`, `refuse_running_server`); without it `ready.sh` does.
   * @default false
   */
  readonly restored?: boolean;
  /**
   * The server can be started on them as a snapshot of their volume has them: a script `check-volume.sh` starts it on $DATA_DIRECTORY, a
   * volume of its own that may be written and is thrown away, waits until it has recovered, runs its consistency checks, and answers the
   * assertions.
   * @default false
   */
  readonly checked?: boolean;
}

/** What an engine's jobs do. */
export enum EngineOperation {
  /** Makes a recovery point. */
  BACKUP = 'backup',
  /** Brings one up without the server. */
  VERIFY = 'verify',
  /** Puts one back. */
  RESTORE = 'restore',
}

/**
 * Something that has to happen in a job's pod before its scripts, by a program of an image in which there is no shell to run
 * them. Before the first step the engine's image prepares: `examine.sh` looks at the server (backup), or `fetch.sh` stores in the scratch
 * volume what the steps need of the recovery point (verify and restore). Steps work in the scratch volume.
 *
 * A step that fails ends the pod, and what it said last is its termination message; only scripts give a result line.
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
   * The names of those of the scripts' variables that it gets as well; it gets no others.
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
   * It does not end: what comes after it runs beside it, and it is stopped when the scripts have ended. Kubernetes 1.29 or newer
   * (documentation, "Sidecar Containers").
   * @default false
   */
  readonly runsBeside?: boolean;
}

/** The servers of one cluster, which a restore brings back from one recovery point that all have in common. */
export interface EngineCluster {
  /** The servers, in the order in which they are restored: each by a job of its own, on its own data volume. */
  readonly members: EngineMember[];
  /**
   * What a person does, in which order, as no job alone can bring the cluster back: Markdown, for a ConfigMap.
   * @default - none
   */
  readonly runbook?: string;
}

/** One server of a cluster. */
export interface EngineMember {
  /** Its name, which ends that of its restore. */
  readonly name: string;
  /** The volume with its data directory. */
  readonly dataVolume: DataVolume;
  /**
   * The volume with its write-ahead log, where that lies outside of the data directory: its restore has this one, too, at /wal, and the
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
   * @default - that of the engine's connection
   */
  readonly node?: EngineNode;
}

/**
 * What an engine tells the constructs. An engine knows its database and its image; it knows nothing of where bytes go.
 *
 * The first four members are all that a server needs which is asked for its data. The others are what an engine can do besides; some
 * have scripts of their own, and synthesis refuses an engine whose folder lacks one of them.
 */
export interface EngineConfig {
  /** The engine's name, in lower case: in manifests and in labels. */
  readonly name: string;
  /** The image of its jobs. */
  readonly image: EngineImage;
  /**
   * The engine's scripts: `ready.sh`, `dump.sh`, `verify.sh` and `restore.sh`, which source `shell/lib.sh` and find there how
   * to store and to fetch; those of what else it can do; and whatever all these need.
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
   * A backup reads earlier recovery points and stores what has changed since: it has to have the key of an encrypted repository.
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
   * The server is one of several, each of which a restore brings back by itself.
   * @default - one server, the one that was bound
   */
  readonly cluster?: EngineCluster;
}

/**
 * A kind of database: how to dump it, how to bring a dump up in a throw-away server, how to put it back.
 */
export interface IEngine {
  /**
   * Checks the engine's options and says what its jobs need.
   *
   * @param scope the construct that will use it, which errors name
   * @throws InputError when an option is invalid
   */
  bind(scope: Construct, options: EngineBindOptions): EngineConfig;
}
