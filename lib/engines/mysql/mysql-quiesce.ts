import { join } from 'node:path';
import { Duration } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { SecretRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { IQuiesce, QuiesceBindOptions, QuiesceConfig, QuiesceOptions } from '../../volumes/quiesce/quiesce';
import { holdingTimes } from '../../volumes/quiesce/times';
import { CREATE_USER } from './grants';
import type { MariadbVersion, MysqlVersion } from './mysql';
import type { MysqlTls } from './mysql-tls';

/** Options of a quiesce of MySQL and MariaDB. */
export interface MysqlServerQuiesceOptions extends QuiesceOptions {
  /** The Secret with the keys `username` and `password`. */
  readonly credentials: SecretRef;
  /**
   * The server's port in its pod, on 127.0.0.1.
   * @default 3306
   */
  readonly port?: number;
  /**
   * How the connection is encrypted; it never leaves the pod.
   * @default - as the client does by itself, whatever certificate the server has
   */
  readonly tls?: MysqlTls;
  /**
   * The image of the agent's container.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that the client runs as.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/** Options of a quiesce of MariaDB. */
export interface MariadbQuiesceOptions extends MysqlServerQuiesceOptions {
  /** The server's release series. */
  readonly version: MariadbVersion;
}

/** The lock that MySQL is held by. */
export enum MysqlLock {
  /** `LOCK INSTANCE FOR BACKUP`: definitions, accounts and files stay as they are; rows are written. */
  INSTANCE = 'instance',
  /** `FLUSH TABLES WITH READ LOCK`: nothing is written. */
  TABLES = 'tables',
}

/** Options of a quiesce of MySQL. */
export interface MysqlQuiesceOptions extends MysqlServerQuiesceOptions {
  /** The server's release series. */
  readonly version: MysqlVersion;
  /**
   * The lock that it is held by.
   * @default MysqlLock.INSTANCE
   */
  readonly lock?: MysqlLock;
  /**
   * With `MysqlLock.TABLES`: if a statement has been running for this long, no lock is tried, and the backup fails. Whole seconds.
   * @default Duration.seconds(2)
   */
  readonly longestQuery?: Duration;
}

/**
 * MariaDB, held by `BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT` in one session. Tables without transactions (Aria, MyISAM) are closed on
 * disk. Commits, definitions and writes to those tables wait; reads go on.
 *
 * A snapshot of its volumes then opens with every table sound; without the quiesce, tables of MyISAM and Aria are corrupt. InnoDB alone, on
 * one volume that is snapshotted atomically, needs no quiesce.
 *
 * The kernel may still hold the closed tables, and a snapshot of a disk lacks what the kernel holds. So the agent has the node write
 * everything out (`sync`) before it reports the server as held. That takes longer if others on the node have written much, within `wait`.
 *
 * A statement that is already writing to a crash-safe Aria table writes its rows, and waits at its end. A copy has those rows in that
 * table's log.
 *
 * The lock waits for running definitions and for writes to tables without transactions, but not for long reads or open transactions. The
 * role needs RELOAD: `GRANT RELOAD ON *.* TO backup@'127.0.0.1'`. (MariaDB Server documentation, "BACKUP STAGE".)
 */
export class MariadbQuiesce implements IQuiesce {
  constructor(private readonly options: MariadbQuiesceOptions) {
    checkNew('MariadbQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    return bindSession(scope, this.options, { name: 'mariadb', ...this.options.version, lock: 'stage' });
  }
}

/**
 * MySQL, held by one session. Choose the lock by what the snapshot has to keep:
 *
 * - InnoDB on one volume that is snapshotted atomically needs nothing. The default, `LOCK INSTANCE FOR BACKUP`, helps with a copy of
 *   several volumes. It blocks definitions, and everything that makes, renames and removes files. Rows are read and written. The role needs
 *   BACKUP_ADMIN. (MySQL manual, "LOCK INSTANCE FOR BACKUP and UNLOCK INSTANCE Statements".)
 * - Tables of MyISAM need `MysqlLock.TABLES`, `FLUSH TABLES WITH READ LOCK`: all writes wait. It first waits for all running statements.
 *   Everybody who comes later waits for it, readers too, even after it has given up. So it is not tried while a statement has been running
 *   for `longestQuery`. A short statement that turns out long still stalls the server. The role needs RELOAD, or FLUSH_TABLES, and PROCESS
 *   to see those statements. (MySQL manual, "FLUSH Statement".)
 */
export class MysqlQuiesce implements IQuiesce {
  constructor(private readonly options: MysqlQuiesceOptions) {
    checkNew('MysqlQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    const { version, lock = MysqlLock.INSTANCE, longestQuery = Duration.seconds(2) } = this.options;
    const longest = longestQuery.toMilliseconds() / 1000;
    if (!Number.isInteger(longest) || longest < 1) {
      const because = 'write whole seconds, 1 or more';
      throw new InputError(scope, { prop: 'quiesce.longestQuery', got: longestQuery.toHumanString(), because });
    }
    if (this.options.longestQuery && lock !== MysqlLock.TABLES) {
      const because = 'only MysqlLock.TABLES waits for statements: set lock, or leave it out';
      throw new InputError(scope, { prop: 'quiesce.longestQuery', got: longestQuery.toHumanString(), because });
    }
    const config = bindSession(scope, this.options, { name: 'mysql', ...version, lock });
    if (lock !== MysqlLock.TABLES) return config;
    return { ...config, environment: [...config.environment, { name: 'LONGEST_QUERY', value: String(longest) }] };
  }
}

/** Two dialects of one session: the clients have other names and a few other options. */
interface Session {
  readonly name: string;
  readonly series: string;
  readonly image: string;
  readonly lock: string;
}

/** The privileges, by the lock. */
const PRIVILEGES: { readonly [lock: string]: string } = { stage: 'reload', instance: 'backup_admin', tables: 'reload, process' };

function bindSession(scope: Construct, options: MysqlServerQuiesceOptions, session: Session): QuiesceConfig {
  const { credentials, port = 3306, imageUser = 999 } = options;
  const tls = options.tls?._bind();
  const environment: k8s.EnvVar[] = [
    { name: 'DIALECT', value: session.name },
    { name: 'LOCK', value: session.lock },
    { name: 'SERVER_PORT', value: String(port) },
    credentials.key('username').toEnvironment('SERVER_USER'),
    credentials.key('password').toEnvironment('SERVER_PASSWORD'),
    { name: 'TLS', value: tls?.mode ?? '' },
    ...(tls?.ca ? [{ name: 'TLS_CA', value: tls.ca }] : []),
  ];
  return {
    name: session.name,
    image: ImageCatalog.of(scope).image(scope, {
      key: `${session.name}:${session.series}`,
      prop: 'quiesce.image',
      image: options.image,
      defaultImage: session.image,
    }),
    user: imageUser,
    scripts: ScriptFolder.at('quiesce-mysql', join(__dirname, 'quiesce')),
    environment,
    grants: [CREATE_USER, `grant ${PRIVILEGES[session.lock]} on *.* to '<username>'@'%';`],
    ...(tls && { volumes: tls.volumes, volumeMounts: tls.mounts }),
    ...holdingTimes(scope, options),
  };
}
