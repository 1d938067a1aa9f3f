import { MariadbQuiesce, type MariadbQuiesceOptions, MysqlQuiesce, type MysqlQuiesceOptions } from '../../engines/mysql/mysql-quiesce';

export * from '../../engines/mysql/mysql-quiesce';
export * from './quiesce';

/**
 * How servers are held still while their volumes are snapshotted: those that come with this library. Another one is an `IQuiesce` of its own.
 *
 * Many need none of it. What survives a power failure survives an atomic snapshot: PostgreSQL, InnoDB of MySQL and MariaDB, etcd, and
 * MongoDB start from a snapshot of the one volume that holds all their data and log, or of several cut at one instant as a VolumeGroupSnapshot.
 * A copy of the files one after another, such as Velero's file system backup makes, is no snapshot: what a running server writes
 * meanwhile corrupts it, and the copy may start without a word of it.
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
}
