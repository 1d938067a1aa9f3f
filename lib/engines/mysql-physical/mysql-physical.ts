import { createHash } from 'node:crypto';
import { Duration } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog, ImageReference } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { ToolContainer } from '../../kubernetes/pod';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';
import { CREATE_USER } from '../mysql/grants';
import type { MariadbVersion, MysqlVersion } from '../mysql/mysql';
import { MARIADB_PROGRAMS, MYSQL_PROGRAMS } from '../mysql/mysql-programs';
import type { MysqlTls } from '../mysql/mysql-tls';

/** Options of physical backups of MariaDB and MySQL. */
export interface MysqlPhysicalOptions {
  /**
   * The server's `datadir`, as its own container sees it. The backup's pod has the files at this path, too, since mariadb-backup looks
   * where the server says.
   * @default '/var/lib/mysql', that of the official images
   */
  readonly dataDirectory?: string;
  /**
   * A server without a table of its users is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * How long a backup waits for statements that block its locks. While it waits, new statements of that kind wait behind it.
   * @default Duration.minutes(1)
   */
  readonly lockTimeout?: Duration;
  /**
   * How the connection to the server is encrypted. The files do not go over this connection.
   * @default - what the client does by itself
   */
  readonly tls?: MysqlTls;
  /**
   * The image of the jobs: the server's own, or one with the same server.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user that the server runs as in its own pod. The backup reads the server's files as this user, and restored files belong to it.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/** Options of physical backups of MariaDB. */
export interface MariadbPhysicalEngineOptions extends MysqlPhysicalOptions {
  /** The server's release series. */
  readonly version: MariadbVersion;
  /**
   * The `server_id` of the archive as a receiver of the log. No replica of the server, and no other archive, may use it.
   * @default - a number of the upper half, from host and series
   */
  readonly replicaId?: number;
}

/** Options of physical backups of MySQL. */
export interface MysqlPhysicalEngineOptions extends MysqlPhysicalOptions {
  /** The server's release series. */
  readonly version: MysqlVersion;
  /**
   * The release of Percona XtraBackup, of the server's series.
   * @default - the one that this library knows for the series
   */
  readonly xtrabackup?: XtrabackupVersion;
}

/** A release of Percona XtraBackup, by the series of MySQL whose files it can read. */
export class XtrabackupVersion {
  /** For MySQL 8.0. */
  public static readonly V8_0 = XtrabackupVersion.of('8.0', 'percona/percona-xtrabackup:8.0.35-36.1');
  /** For MySQL 8.4. */
  public static readonly V8_4 = XtrabackupVersion.of('8.4', 'percona/percona-xtrabackup:8.4.0-6.1');

  /**
   * Another release.
   *
   * @param series the series of MySQL it is for, e.g. '9.7'
   * @param image an image with /usr/bin/xtrabackup and /usr/bin/xbstream, a shell and ldd
   */
  public static of(series: string, image: string): XtrabackupVersion {
    return new XtrabackupVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'xtrabackup';

  private constructor(
    /** The series of MySQL. */
    public readonly series: string,
    /** The image that ships it. */
    public readonly image: string,
  ) {}
}

/**
 * MariaDB by copies of its files, which `mariadb-backup` makes while the server works. Use it for databases that take too long to dump, or
 * to load again. A restore takes as long as copying the files.
 *
 * - A recovery point is the state of the whole server (all databases, accounts, routines, events) at one instant at the end of the backup.
 *   It carries the position of the redo log at that instant. Per database it carries the number of definitions of tables and views, copied
 *   while nobody could change them. It carries no counts of rows, since nobody can count the rows of that instant.
 * - A verification unpacks it, applies the redo log, starts a server over it, and compares those facts. CHECK TABLE reads every page of
 *   every table and index. Assertions say what must be true of the content.
 * - A restore works on the data volume of a server that is scaled to zero. It does the same in a directory beside the old one, and then
 *   puts the old one aside. The server starts with all accounts and passwords of the recovery point, without binary logs.
 *
 * `dataVolume` is the volume of the server that `host` names; a backup checks that. `podLabels` places the backup's pod on the server's
 * node; the pod mounts the volume read-only. A verification and a restore need space for all files: a verification as `scratch`, a restore
 * on the data volume itself.
 *
 * The Secret with the credentials has the keys `username` and `password`. The account needs at least:
 * `GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO backup`.
 *
 * Keep the data directory in a directory of its volume (`DataVolume.claim('data-stock-db-0', 'data')`). In a volume's root, the server
 * takes the leftovers of an interrupted restore for a database, until the next restore or somebody removes `.restoring-*`.
 *
 * With `addLogArchive()`, a restore goes to any moment. The archive receives the binary log as a replica does, and a restore replays it
 * over the copy.
 *
 * - The server needs `log_bin`, ROW or MIXED as `binlog_format`, and `binlog_expire_logs_seconds` of 0, or a day or more. The server keeps
 *   nothing for an archive that is down.
 * - A replica, or a node of a cluster, needs `log_slave_updates`. Without that, its log lacks what others send it.
 * - The account also needs REPLICATION SLAVE.
 * - The request says `until`: `latest`, `gap` (up to where log is missing), `base`, `binlog:<file>:<position>`, or a time in whole seconds,
 *   UTC.
 * - For a time, the replay ends before the first statement in the log that began in that second or later. For a transaction of several
 *   statements, its COMMIT counts.
 * - What a session kept out of the log (`sql_log_bin = 0`) does not come back. No replay goes past a statement that was interrupted half
 *   way in a table without transactions.
 * - A server that was restored, replaced or reset begins another history of its log, with the same names. No earlier recovery point leads
 *   there. A replay to the end is then refused until a backup was taken, or the request names a history that the refusal lists
 *   (`timeline`).
 * - A verification replays the whole archive, and names a gap if it finds one. Besides the data, its scratch needs twice the largest file
 *   of the log.
 *
 * Refused: tables that the server encrypts (data-at-rest encryption), and files outside the data directory. Left out, as every verdict then
 * says: files of storage engines that `mariadb-backup` does not know (CONNECT, Mroonga), and the primary of a replica.
 */
export class MariadbPhysicalEngine implements IEngine {
  constructor(private readonly options: MariadbPhysicalEngineOptions) {
    checkNew('MariadbPhysicalEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { series, image } = this.options.version;
    const { replicaId: id } = this.options;
    if (id !== undefined && (!Number.isInteger(id) || id < 1 || id >= 2 ** 32)) {
      throw new InputError(scope, { prop: 'engine.replicaId', got: id, because: `write a whole number from 1 to ${2 ** 32 - 1}` });
    }
    return bindPhysical(scope, options, this.options, {
      name: 'mariadb',
      series,
      image,
      programs: MARIADB_PROGRAMS,
      tools: [],
      hasLog: true,
    });
  }
}

/**
 * MySQL by copies of its files, which Percona XtraBackup makes while the server works. Everything is as for `MariadbPhysicalEngine`, except
 * two things. Instead of definitions, the files of InnoDB tables are counted. No log is archived, since the image of MySQL has no
 * mysqlbinlog; a restore goes to recovery points only.
 *
 * The image of the jobs is the server's own. XtraBackup is put beside it, with its libraries, from its makers' image.
 *
 * The Secret with the credentials has the keys `username` and `password`. As Percona documents, the account needs at least:
 *
 * - `GRANT BACKUP_ADMIN, PROCESS, RELOAD, LOCK TABLES, REPLICATION CLIENT ON *.* TO backup`;
 * - `GRANT SELECT ON` each of `performance_schema.log_status`, `performance_schema.keyring_component_status` and
 *   `performance_schema.replication_group_members` `TO backup`.
 *
 * (Percona XtraBackup documentation, "Connection and privileges needed".)
 *
 * The parts shared with mariadb-backup are tested with MariaDB. The tests of this library have not run XtraBackup itself: have a
 * verification succeed on your server before you rely on it.
 */
export class MysqlPhysicalEngine implements IEngine {
  constructor(private readonly options: MysqlPhysicalEngineOptions) {
    checkNew('MysqlPhysicalEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { version } = this.options;
    const known = [XtrabackupVersion.V8_0, XtrabackupVersion.V8_4];
    const xtrabackup = this.options.xtrabackup ?? known.find(each => each.series === version.series);
    if (!xtrabackup) {
      throw new InputError(scope, {
        prop: 'engine.xtrabackup',
        got: undefined,
        because: `name a release for MySQL ${version.series}: XtrabackupVersion.of('${version.series}', '<image>')`,
      });
    }
    if (xtrabackup.series !== version.series) {
      throw new InputError(scope, {
        prop: 'engine.xtrabackup',
        got: xtrabackup.series,
        because: `XtraBackup reads only files of the same MySQL series, and the server's is ${version.series} (Percona XtraBackup documentation, "Server version and backup version comparison")`,
      });
    }
    const image = ImageReference.of(xtrabackup.image).bind(scope, 'engine.xtrabackup');
    return bindPhysical(scope, options, this.options, {
      name: 'mysql',
      series: version.series,
      image: version.image,
      programs: MYSQL_PROGRAMS,
      tools: [programsOf('xtrabackup', image, ['xtrabackup', 'xbstream'])],
      hasLog: false,
    });
  }
}

/**
 * The number of the replica that receives the log. It is of the upper half of the numbers, where no server of a real topology is likely to
 * be. Every series and server has another one, since a server hangs up on the elder of two replicas with one number.
 */
function replicaId(host: string, series: string): number {
  return 2 ** 31 + (createHash('sha256').update(`${host} ${series}`).digest().readUInt32BE() % (2 ** 31 - 1));
}

/** The two work the same; their programs have other names. */
interface Dialect {
  readonly name: string;
  readonly series: string;
  readonly image: string;
  readonly programs: string[];
  readonly tools: ToolContainer[];
  readonly hasLog: boolean;
}

function grantsOf({ name }: Dialect): { [operation: string]: string[] } {
  if (name === 'mariadb') {
    return {
      backup: [CREATE_USER, "grant reload, process, binlog monitor on *.* to '<username>'@'%';"],
      log: [
        CREATE_USER,
        "grant replication slave on *.* to '<username>'@'%';",
        '-- the server: log_bin, server_id, binlog_format = ROW or MIXED, binlog_expire_logs_seconds = 0, or a day or more',
      ],
    };
  }
  const tables = ['log_status', 'keyring_component_status', 'replication_group_members'];
  return {
    backup: [
      CREATE_USER,
      "grant backup_admin, process, reload, lock tables, replication client on *.* to '<username>'@'%';",
      ...tables.map(table => `grant select on performance_schema.${table} to '<username>'@'%';`),
    ],
  };
}

function bindPhysical(
  scope: Construct,
  options: EngineBindOptions,
  engine: MysqlPhysicalOptions & { readonly replicaId?: number },
  dialect: Dialect,
): EngineConfig {
  const { dataDirectory = '/var/lib/mysql', lockTimeout = Duration.minutes(1) } = engine;
  if (!/^(\/[\w.-]+)+$/.test(dataDirectory) || dataDirectory.split('/').includes('..')) {
    throw new InputError(scope, {
      prop: 'engine.dataDirectory',
      got: dataDirectory,
      because: "write the server's datadir, an absolute path without a trailing slash, such as '/var/lib/mysql'",
    });
  }
  if (lockTimeout.toSeconds() < 1) {
    throw new InputError(scope, { prop: 'engine.lockTimeout', got: lockTimeout.toHumanString(), because: 'write a second or more' });
  }
  const port = options.port ?? 3306;
  const tls = engine.tls?._bind();
  return {
    name: `${dialect.name}-physical`,
    image: {
      reference: ImageCatalog.of(scope).image(scope, {
        key: `${dialect.name}:${dialect.series}`,
        prop: 'engine.image',
        image: engine.image,
        defaultImage: dialect.image,
      }),
      user: engine.imageUser ?? 999,
      programs: dialect.programs,
      tools: dialect.tools,
    },
    scripts: ScriptFolder.at('mysql-physical', __dirname),
    environment: [
      { name: 'DIALECT', value: dialect.name },
      { name: 'LOCK_TIMEOUT', value: String(lockTimeout.toSeconds()) },
      { name: 'ALLOW_EMPTY', value: engine.allowEmpty ? 'yes' : 'no' },
    ],
    connection: {
      port,
      grants: grantsOf(dialect),
      environment: [
        { name: 'SERVER_HOST', value: options.host },
        { name: 'SERVER_PORT', value: String(port) },
        options.credentials.key('username').toEnvironment('SERVER_USER'),
        options.credentials.key('password').toEnvironment('SERVER_PASSWORD'),
        ...(dialect.hasLog ? [{ name: 'REPLICA_ID', value: String(engine.replicaId ?? replicaId(options.host, options.series)) }] : []),
        { name: 'TLS', value: tls?.mode ?? '' },
        ...(tls?.ca ? [{ name: 'TLS_CA', value: tls.ca }] : []),
      ],
      ...(tls && { volumes: tls.volumes, volumeMounts: tls.mounts }),
    },
    serverFiles: { backupDirectory: dataDirectory, restored: true, checked: true },
    ...(dialect.hasLog && {
      log: {
        restoreRequest: [
          { key: 'until', variable: 'UNTIL', value: '' },
          { key: 'timeline', variable: 'TIMELINE', value: '' },
        ],
      },
    }),
    restoreRequest: [{ key: 'replace', variable: 'REPLACE', value: 'no' }],
  };
}

/**
 * Puts programs into /tools with the libraries and the loader they were built for. They then run in an image with other libraries, or none.
 *
 * @internal
 */
export function programsOf(name: string, image: string, programs: string[]): ToolContainer {
  const script = [
    'mkdir /tools/lib',
    `for program in ${programs.join(' ')}`,
    'do cp "$(command -v "$program")" "/tools/$program"',
    `ldd "/tools/$program" | grep -oE '/[^ ]+' | sort -u | while read -r library`,
    'do cp -L "$library" /tools/lib/',
    'done',
    'done',
  ];
  return { name, image, command: ['sh', '-ec', script.join('\n')] };
}
