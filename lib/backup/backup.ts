import type { ApiObject, Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import type { Schedule } from '../core/schedule';
import type { Operation } from './operation';
import type { DatabaseBackupProps } from './options';

/** A backup, as what hangs on it sees it. Make one by `new DatabaseBackup(...)`, or by `addBackup()` of a plan. */
export interface IDatabaseBackup extends IConstruct {
  /** The name under which recovery points are kept. */
  readonly series: string;
  /** The CronJob that makes recovery points. */
  readonly cronJob: ApiObject;
  /** When it runs. */
  readonly schedule: Schedule;
  /** The longest expected time between two runs. */
  readonly interval: Duration;
  /** What the backup was made with. */
  readonly props: DatabaseBackupProps;
  /** @internal */
  readonly _operation: Operation;
  /**
   * Of the log's archive, where there is one.
   *
   * @internal
   */
  _maximumLag: Duration | undefined;
  /** @internal */
  _prunedBy(pruner: IConstruct): void;
}
