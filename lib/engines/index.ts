import { EtcdControlPlaneEngine, type EtcdControlPlaneOptions, EtcdEngine, type EtcdEngineOptions } from './etcd/etcd';
import { MongodbEngine, type MongodbEngineOptions } from './mongodb/mongodb';
import { MariadbEngine, type MariadbEngineOptions, MysqlEngine, type MysqlEngineOptions } from './mysql/mysql';
import {
  MariadbPhysicalEngine,
  type MariadbPhysicalEngineOptions,
  MysqlPhysicalEngine,
  type MysqlPhysicalEngineOptions,
} from './mysql-physical/mysql-physical';
import { OpenldapEngine, type OpenldapEngineOptions } from './openldap/openldap';
import { PostgresEngine, type PostgresEngineOptions } from './postgres/postgres';
import { PostgresPhysicalEngine, type PostgresPhysicalEngineOptions } from './postgres-physical/postgres-physical';
import { RabbitmqEngine, type RabbitmqEngineOptions } from './rabbitmq/rabbitmq';
import { RedisEngine, type RedisEngineOptions, ValkeyEngine, type ValkeyEngineOptions } from './redis/redis';

export * from './engine';
export * from './etcd/etcd';
export * from './etcd/etcd-cluster';
export * from './etcd/etcd-tls';
export * from './etcd/etcd-version';
export * from './mongodb/mongodb';
export * from './mysql/mysql';
export { MysqlTls } from './mysql/mysql-tls';
export {
  MariadbPhysicalEngine,
  type MariadbPhysicalEngineOptions,
  MysqlPhysicalEngine,
  type MysqlPhysicalEngineOptions,
  type MysqlPhysicalOptions,
  XtrabackupVersion,
} from './mysql-physical/mysql-physical';
export * from './openldap/openldap';
export { PostgresEngine, type PostgresEngineOptions, PostgresVersion } from './postgres/postgres';
export * from './postgres-physical/postgres-physical';
export * from './rabbitmq/rabbitmq';
export {
  RedisEngine,
  type RedisEngineOptions,
  type RedisOptions,
  RedisVersion,
  ValkeyEngine,
  type ValkeyEngineOptions,
  ValkeyVersion,
} from './redis/redis';

/** The engines of this library. Another engine is an `IEngine` of your own. */
export class Engine {
  /** MariaDB by logical dumps. */
  public static mariadb(options: MariadbEngineOptions): MariadbEngine {
    return new MariadbEngine(options);
  }

  /** MariaDB by copies of its files, made with mariadb-backup. */
  public static mariadbPhysical(options: MariadbPhysicalEngineOptions): MariadbPhysicalEngine {
    return new MariadbPhysicalEngine(options);
  }

  /** MySQL by logical dumps. */
  public static mysql(options: MysqlEngineOptions): MysqlEngine {
    return new MysqlEngine(options);
  }

  /** MySQL by copies of its files, made with Percona XtraBackup. */
  public static mysqlPhysical(options: MysqlPhysicalEngineOptions): MysqlPhysicalEngine {
    return new MysqlPhysicalEngine(options);
  }

  /** OpenLDAP by the protocol: its configuration, and all entries of all suffixes. */
  public static openldap(options: OpenldapEngineOptions): OpenldapEngine {
    return new OpenldapEngine(options);
  }

  /** PostgreSQL by logical dumps. */
  public static postgres(options: PostgresEngineOptions): PostgresEngine {
    return new PostgresEngine(options);
  }

  /** PostgreSQL by base backups. With an archive of its log, a restore goes to any moment. */
  public static postgresPhysical(options: PostgresPhysicalEngineOptions): PostgresPhysicalEngine {
    return new PostgresPhysicalEngine(options);
  }

  /** The definitions of a RabbitMQ broker; messages are not backed up. */
  public static rabbitmq(options: RabbitmqEngineOptions): RabbitmqEngine {
    return new RabbitmqEngine(options);
  }

  /** Redis by the dump that it sends to replicas. */
  public static redis(options: RedisEngineOptions): RedisEngine {
    return new RedisEngine(options);
  }

  /** Valkey by the dump that it sends to replicas. */
  public static valkey(options: ValkeyEngineOptions): ValkeyEngine {
    return new ValkeyEngine(options);
  }

  /** etcd by its own snapshots. */
  public static etcd(options: EtcdEngineOptions): EtcdEngine {
    return new EtcdEngine(options);
  }

  /** The etcd of a Kubernetes control plane by its own snapshots. */
  public static etcdControlPlane(options: EtcdControlPlaneOptions): EtcdControlPlaneEngine {
    return new EtcdControlPlaneEngine(options);
  }

  /** MongoDB by mongodump. For a replica set, with the oplog of the dump's time; other servers have none. */
  public static mongodb(options: MongodbEngineOptions): MongodbEngine {
    return new MongodbEngine(options);
  }
}
