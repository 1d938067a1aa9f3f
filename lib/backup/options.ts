import type { Duration, Size } from 'cdk8s';
import type { DataVolume } from '../core/data-volume';
import type { Destination } from '../core/destination';
import type { PodOptions } from '../core/pod-options';
import type { Retention } from '../core/retention';
import type { Schedule } from '../core/schedule';
import type { Scratch } from '../core/scratch';
import type { SecretRef } from '../core/secret-ref';
import type { IEngine } from '../engines/engine';
import type { IRepository } from '../repositories/repository';

/** What you can say of a backup, or of all backups of a plan. */
export interface BackupOptions {
  /**
   * When backups are made.
   * @default Schedule.daily({ at: '02:00', spread: Duration.hours(1) }) - between 02:00 and 03:00 UTC, unless the engine knows better
   */
  readonly schedule?: Schedule;
  /**
   * How late a run may start when the cluster could not start it on time. Longer than that, and the run is skipped.
   * @default - four hours, or the schedule's interval if that is shorter
   */
  readonly startingDeadline?: Duration;
  /**
   * The longest that a run may take. Then it is stopped and has failed. No other run starts meanwhile.
   * @default - four intervals of the schedule, an hour at least and twelve at most
   */
  readonly deadline?: Duration;
  /**
   * How often a failed run is tried again. A failure that no retry can mend is not tried again.
   * @default 2
   */
  readonly retries?: number;
  /**
   * How long to wait for the server to accept connections, so that a server that starts late costs no retry.
   * @default Duration.minutes(5)
   */
  readonly readyTimeout?: Duration;
  /**
   * How long to wait for a repository that another run has locked, or that does not answer.
   * @default Duration.minutes(15) - longer than the lock of a killed run stays
   */
  readonly repositoryWait?: Duration;
  /**
   * The largest accepted drop in size against the recovery point before, in percent. A larger drop fails the run, which then keeps
   * everything. 100 switches the check off.
   * @default 50, unless the engine knows better
   */
  readonly sizeDropLimit?: number;
  /**
   * The size below which a recovery point is refused.
   * @default - none but that of the manifest's own contents
   */
  readonly minimumSize?: Size;
  /**
   * The cluster that this backup is for: the SHA-256 of the certificates of the cluster's authority. Every namespace has them in the
   * ConfigMap `kube-root-ca.crt`: `kubectl get configmap kube-root-ca.crt -o jsonpath='{.data.ca\.crt}' | sha256sum`.
   *
   * A copied namespace contains the CronJobs, too. So pods refuse to work in any namespace but their chart's. Otherwise they would publish
   * a copy's data among production's, or act on production's servers. With this prop they refuse to work in another cluster, too. A restore
   * still runs in a copy, and restores into it, if the host is a Service named without its namespace.
   * @default - any cluster, as long as the namespace has the chart's name
   */
  readonly cluster?: string;
  /**
   * Where the series comes from, after the database has moved. Recovery points note the namespace (and the cluster, where it is given) of
   * their backup, and a backup of another place is refused. Write what the refusal names; remove it after the next recovery point.
   * @default - the series is of this place
   */
  readonly takesOverFrom?: string;
  /**
   * Where a backup or a restore may write temporary data, which is lost with its pod. Backups stream and need little; a restore with
   * several jobs keeps an archive there.
   * @default Scratch.emptyDir(Size.gibibytes(2)), unless the engine knows better
   */
  readonly scratch?: Scratch;
  /**
   * How the pods are placed and what they may use.
   * @default - see PodOptions; PodDefaults says them for many
   */
  readonly pods?: PodOptions;
}

/** The database that is backed up. */
export interface DatabaseOptions {
  /** The kind of database. */
  readonly engine: IEngine;
  /** The server: a Service (`orders-db`, `orders-db.shop`), an IP address, or a host name outside the cluster. */
  readonly host: string;
  /**
   * The server's port.
   * @default - the engine's own
   */
  readonly port?: number;
  /**
   * The Secret with the credentials of a role that may read all of the data. The engine documents its keys.
   * @default - none: an engine that needs them says so
   */
  readonly credentials?: SecretRef;
  /**
   * Labels of the database's pods. They narrow the NetworkPolicy, and place jobs that need the server's volume beside it.
   * @default - every pod of the Service's namespace
   */
  readonly podLabels?: { [label: string]: string };
  /**
   * Where packets to the server go, for the NetworkPolicies of its jobs; for a cluster, list all of its servers. Give it where `host` and
   * `port` are not enough: pods that listen on another port than their Service, a Service without selector, an outside host name with a
   * single dot.
   * @default - guessed from host, port and podLabels; see NetworkDestination
   */
  readonly destinations?: Destination[];
  /**
   * The volume with the server's data directory, for engines whose jobs work on files. It must be the volume of the server that `host`
   * names.
   * @default - none: an engine whose jobs need it says so
   */
  readonly dataVolume?: DataVolume;
  /**
   * The name under which recovery points are kept in the repository. It outlives everything else. Renaming it begins a new series, which
   * does not know the recovery points of the old one.
   * @default - the construct's id
   */
  readonly series?: string;
}

/** Props of a backup. */
export interface DatabaseBackupProps extends BackupOptions, DatabaseOptions {
  /** Where recovery points are kept. */
  readonly repository: IRepository;
  /** Which recovery points are kept. */
  readonly retention: Retention;
}
