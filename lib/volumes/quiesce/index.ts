import { MongodbQuiesce, type MongodbQuiesceOptions } from '../../engines/mongodb/mongodb-quiesce';
import { MariadbQuiesce, type MariadbQuiesceOptions, MysqlQuiesce, type MysqlQuiesceOptions } from '../../engines/mysql/mysql-quiesce';
import { PostgresQuiesce, type PostgresQuiesceOptions } from '../../engines/postgres/postgres-quiesce';
import { RedisQuiesce, type RedisQuiesceOptions, ValkeyQuiesce, type ValkeyQuiesceOptions } from '../../engines/redis/redis-quiesce';
import { FileSystemQuiesce, type FileSystemQuiesceOptions } from './file-system-quiesce';

export * from '../../engines/mongodb/mongodb-quiesce';
export * from '../../engines/mysql/mysql-quiesce';
export * from '../../engines/postgres/postgres-quiesce';
export * from '../../engines/redis/redis-quiesce';
export * from './file-system-quiesce';
export * from './quiesce';

/**
 * How servers are held still while their volumes are snapshotted: the quiesces of this library. Another quiesce is an `IQuiesce` of your
 * own.
 *
 * Many servers need none. What survives a power failure survives an atomic snapshot: PostgreSQL, InnoDB of MySQL and MariaDB, etcd, and
 * MongoDB. An atomic snapshot shows one instant: of the single volume with all data and log, or of several volumes, such as a
 * VolumeGroupSnapshot. A copy of the files one after another, such as Velero's file system backup, is not a snapshot. What a running server
 * writes meanwhile corrupts it, and the copy may start without an error.
 *
 * A container in the server's own pod holds the lock, for `limit` at most, and needs nobody to release it. It is restarted with the
 * server's pod. So a new version of this library with other scripts restarts the server once.
 *
 * A missing or misspelt Secret stops no server: the agent starts without it. A run fails, and its reason names the Secret and its key.
 * Files of a Secret appear when it is created. Variables, such as user and password, do not. For them, restart the agent's container, as
 * the reason says.
 */
export class Quiesce {
  /** MariaDB: commits and writes wait, reads go on. */
  public static mariadb(options: MariadbQuiesceOptions): MariadbQuiesce {
    return new MariadbQuiesce(options);
  }

  /** MySQL: definitions wait, rows are written; or, on request, nothing is written. */
  public static mysql(options: MysqlQuiesceOptions): MysqlQuiesce {
    return new MysqlQuiesce(options);
  }

  /** MongoDB: a secondary is locked, by fsyncLock. */
  public static mongodb(options: MongodbQuiesceOptions): MongodbQuiesce {
    return new MongodbQuiesce(options);
  }

  /** PostgreSQL: a checkpoint; nothing is held. */
  public static postgres(options: PostgresQuiesceOptions): PostgresQuiesce {
    return new PostgresQuiesce(options);
  }

  /** Redis: its dump is written anew; nothing is held. */
  public static redis(options: RedisQuiesceOptions): RedisQuiesce {
    return new RedisQuiesce(options);
  }

  /** Valkey: its dump is written anew; nothing is held. */
  public static valkey(options: ValkeyQuiesceOptions): ValkeyQuiesce {
    return new ValkeyQuiesce(options);
  }

  /** The file system of a volume: every write to it waits. Needs a privileged container. */
  public static fileSystem(options: FileSystemQuiesceOptions): FileSystemQuiesce {
    return new FileSystemQuiesce(options);
  }
}
