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
  /**
   * Labels of the database's pods, to which NetworkPolicies then narrow the jobs' traffic.
   * @default - every pod of the Service's namespace
   */
  readonly podLabels?: { [label: string]: string };
  /**
   * The volume with the server's data directory.
   * @default - none: an engine whose jobs need it says so
   */
  readonly dataVolume?: DataVolume;
  /** The series, by which the jobs' objects are named. */
  readonly series: string;
  /**
   * Which of the engine's `restoreTargets` is restored.
   * @default - none: the engine has none, or is bound for another operation
   */
  readonly restoreTarget?: string;
}

/**
 * Something that has to happen in a job's pod before its scripts, by a program of an image in which there is no shell to run
 * them. Before the first step the engine's image prepares: it waits for the server (backup), or fetches the recovery point
 * (verify and restore). Steps work in the scratch volume.
 *
 * A step that fails ends the pod, and what it said last is its termination message; only scripts give a result line.
 */
export interface EngineStep {
  /** The container's name. */
  readonly name: string;
  /** The operations, of 'backup', 'verify' and 'restore', that it belongs to. */
  readonly operations: string[];
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
   * It asks the server, and needs the engine's `connectionMounts`.
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
 * What an engine tells the constructs. An engine knows its database and its image; it knows nothing of where bytes go.
 */
export interface EngineConfig {
  /** The engine's name, in lower case: in manifests, in labels and in the names of its scripts' ConfigMap. */
  readonly name: string;
  /** The image that ships the client tools, and the server for verification. */
  readonly image: string;
  /** The user as which that image's tools run, as a number. */
  readonly user: number;
  /**
   * The engine's scripts: `ready.sh`, `dump.sh`, `verify.sh` and `restore.sh`, which source `shell/lib.sh` and find there how
   * to store and to fetch; and whatever else these need.
   */
  readonly scripts: ScriptFolder;
  /** Variables of all its jobs. */
  readonly environment: k8s.EnvVar[];
  /** Variables that lead to the server: address and credentials. Only jobs that talk to it get them; verification does not. */
  readonly connection: k8s.EnvVar[];
  /**
   * Volumes that lead to the server: certificates. They go where `connection` goes.
   * @default - none
   */
  readonly connectionVolumes?: k8s.Volume[];
  /**
   * Where they are mounted.
   * @default - none
   */
  readonly connectionMounts?: k8s.VolumeMount[];
  /** The server, for NetworkPolicies. */
  readonly destination: NetworkDestination;
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
   * The engine has a log that can be archived beside the recovery points, and replayed after them to any moment. Its scripts are
   * `log-follow.sh` (receives the log into $SPOOL until it is told to stop), `log-received.sh` (succeeds when $SPOOL holds what the
   * server had written when it was called, for which it waits $ARCHIVE_PATIENCE seconds), `log-choose.sh` (prints the names of what is new
   * there, a batch at most, and makes $SCRATCH/more when there is more), `log-pack.sh NAMES-FILE` (stores those with `put`, notes
   * a fact), `log-stored.sh NAMES-FILE` (they are safe: clears the spool), and `log-unpack.sh` (fetches batch $POINT with `get`),
   * which `shell/read-log.sh` calls for verify.sh and restore.sh, batch by batch.
   * @default false
   */
  readonly hasLog?: boolean;
  /**
   * The operations, of 'backup' and 'restore', that work on the server's files: they get the data volume at /data, a backup to
   * read only, and the directory's path as DATA_DIRECTORY.
   * @default - none
   */
  readonly needsDataVolume?: string[];
  /**
   * The engine's server can be started on its files as a snapshot of their volume has them: a script `check-volume.sh` starts it on
   * $DATA_DIRECTORY, a volume of its own that may be written and is thrown away, waits until it has recovered, runs its consistency
   * checks, and answers the assertions.
   * @default false
   */
  readonly checksVolumes?: boolean;
  /**
   * Where a backup has the data directory, for tools that look for it where the server itself says it is.
   * @default - below /data
   */
  readonly backupDataDirectory?: string;
  /**
   * Containers that put programs into /tools which the image lacks.
   * @default - none
   */
  readonly tools?: ToolContainer[];
  /**
   * What happens in a job's pod before its scripts, in this order. An engine with steps has two more scripts: `fetch.sh` stores what they
   * need of a recovery point in the scratch volume, and `examine.sh` looks at the server before those of a backup ask it for its data.
   * @default - nothing
   */
  readonly steps?: EngineStep[];
  /**
   * The machine on which a backup and a restore have to run, in its network. A verification never does.
   * @default - any, in a network of the pod's own
   */
  readonly node?: EngineNode;
  /**
   * What backups take where their props say nothing.
   * @default - as for every backup
   */
  readonly defaults?: EngineDefaults;
  /**
   * The servers of one cluster, each of which a restore brings back by itself, on its own data volume, from one recovery point
   * that all have in common. Each becomes a job of its own, bound with its name.
   * @default - one server, the one that was bound
   */
  readonly restoreTargets?: string[];
  /**
   * The data volume of the server that was bound, where the engine knows it.
   * @default - the backup's, or the restore's
   */
  readonly dataVolume?: DataVolume;
  /**
   * What a person does, in which order, when a job alone cannot bring the server back: Markdown, for a ConfigMap.
   * @default - none
   */
  readonly runbook?: string;
  /**
   * The volume with the write-ahead log of that server, where it lies outside of the data directory: the jobs that get the data volume
   * get this one, too, at /wal, and the directory's path as WAL_DIRECTORY.
   * @default - none: the log is in the data directory
   */
  readonly walVolume?: DataVolume;
  /**
   * The compression programs that the image ships, the best first.
   * @default ['zstd', 'gzip']
   */
  readonly compressors?: string[];
  /**
   * Programs that a repository may need beside sh, coreutils, awk and the compressors, and that the image does not ship: `flock`.
   * @default - none is missing
   */
  readonly missingPrograms?: string[];
  /**
   * The encryption programs that the image ships: `gpg`, and `gpg-agent`, without which it opens nothing with a private key.
   * @default - none
   */
  readonly encryptors?: string[];
  /**
   * A backup reads earlier recovery points, as incremental ones do: it has to have the key of an encrypted repository.
   * @default false
   */
  readonly buildsOnOthers?: boolean;
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
}

/**
 * A kind of database: how to dump it, how to bring a dump up in a throw-away server, how to put it back.
 */
export interface IEngine {
  /**
   * Checks the engine's options and says what its jobs need.
   *
   * @param scope the construct that will use it, which errors name
   * @throws InputError when an option cannot stand
   */
  bind(scope: Construct, options: EngineBindOptions): EngineConfig;
}
