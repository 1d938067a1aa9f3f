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
 * How servers are held still while their volumes are snapshotted: those that come with this library. Another one is an `IQuiesce` of its own.
 *
 * Many need none of it. What survives a power failure survives an atomic snapshot: PostgreSQL, InnoDB of MySQL and MariaDB, etcd, and
 * MongoDB start from a snapshot of the one volume that holds all their data and log, or of several cut at one instant as a VolumeGroupSnapshot.
 * A copy of the files one after another, such as Velero's file system backup makes, is no snapshot: what a running server writes
 * meanwhile corrupts it, and the copy may start without a word of it.
 *
 * The lock is held by a container in the server's own pod, for `limit` at most, and needs nobody to release it. What holds it is restarted
 * with the server's pod: a new version of this library whose scripts are others restarts the server once.
 *
 * A Secret that is absent or misspelt stops no server: the agent starts without it, and a run fails with a reason that names the Secret and its
 * key. Files of a Secret appear when it is made. Variables, such as user and password, do not: the agent's container has to be started
 * anew, as the reason says.
 */
export class Quiesce {
  /** MariaDB: commits and writes wait, reads go on. */
  public static mariadb(options: MariadbQuiesceOptions): MariadbQuiesce {
    return new MariadbQuiesce(options);
  }

  /** MySQL: definitions wait, rows are written; or, where asked for, nothing is written. */
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
