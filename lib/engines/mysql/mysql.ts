import { Duration, Size, SizeRoundingBehavior } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { warn } from '../../core/warning';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';
import { CREATE_USER } from './grants';
import { MARIADB_PROGRAMS, MYSQL_PROGRAMS } from './mysql-programs';
import type { MysqlTls } from './mysql-tls';

/** A release series of MySQL. The jobs' programs are of the server's series, or of a newer one. */
export class MysqlVersion {
  /** MySQL 8.0, which its developers stopped maintaining in April 2026. Move to a newer one. */
  public static readonly V8_0 = MysqlVersion.of('8.0', 'mysql:8.0.46-oraclelinux9');
  /** MySQL 8.4, with long-term support. */
  public static readonly V8_4 = MysqlVersion.of('8.4', 'mysql:8.4.11-oraclelinux9');
  /** MySQL 9.7, with long-term support. */
  public static readonly V9_7 = MysqlVersion.of('9.7', 'mysql:9.7.2-oraclelinux9');

  /**
   * Another version.
   *
   * @param series the release series, e.g. '9.8'
   * @param image an image that ships that series' mysqld, mysql and mysqldump, a shell, GNU tools and zstd
   */
  public static of(series: string, image: string): MysqlVersion {
    return new MysqlVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'mysql';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/** A release series of MariaDB. The jobs' programs are of the server's series, or of a newer one. */
export class MariadbVersion {
  /** MariaDB 10.11, with long-term support. */
  public static readonly V10_11 = MariadbVersion.of('10.11', 'mariadb:10.11.19-jammy');
  /** MariaDB 11.4, with long-term support. */
  public static readonly V11_4 = MariadbVersion.of('11.4', 'mariadb:11.4.13-noble');
  /** MariaDB 11.8, with long-term support. */
  public static readonly V11_8 = MariadbVersion.of('11.8', 'mariadb:11.8.9-noble');
  /** MariaDB 12.3, with long-term support. */
  public static readonly V12_3 = MariadbVersion.of('12.3', 'mariadb:12.3.3-noble');

  /**
   * Another version, from 10.5 on.
   *
   * @param series the release series, e.g. '10.6'
   * @param image an image that ships that series' mariadbd, mariadb, mariadb-dump and mariadb-install-db, a shell, GNU tools and zstd
   */
  public static of(series: string, image: string): MariadbVersion {
    return new MariadbVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'mariadb';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/**
 * Releases with safe dumps (CVE-2024-21096). With older ones, a server that was taken over can make a dump run commands on the machine that
 * restores it.
 */
const MYSQL_FLOORS = ['8.0.37', '8.4.0'];
const MARIADB_FLOORS = ['10.5.25', '10.6.18', '10.11.8', '11.4.2'];

/** Options of MySQL and MariaDB. */
export interface MysqlOptions {
  /**
   * The databases to back up. A named database that does not exist or holds no table fails the run. Put databases whose views, triggers or
   * foreign keys refer to each other into one backup.
   * @default - all but the server's own; the role then needs its privileges on `*.*`, since it would not see what it misses
   */
  readonly databases?: string[];
  /**
   * A database without a table is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * A table whose storage engine has no transactions (MyISAM, Aria, MEMORY) fails the run: no dump sees it at the same moment as the
   * others. Without this, each such table is dumped as a whole, and named in the log and in the manifest.
   * @default false
   */
  readonly transactionalOnly?: boolean;
  /**
   * Notes the position in the binary log of each database's snapshot, which recovery to a point in time needs. The role then needs
   * REPLICATION CLIENT; for MySQL, RELOAD too. MySQL finds the position under a lock that stops all writes for a moment, and waits for it
   * behind every query that is running.
   * @default - MariaDB: where the server writes a binary log and the role may ask; MySQL: false
   */
  readonly binlogPosition?: boolean;
  /**
   * How much of a database's data gets a checksum (`CHECKSUM TABLE`) beside the dump, in a snapshot of its own, small tables first. A
   * verification and a restore then compare the values of these rows, not only their number. Tables that are written while the snapshots
   * are taken are left out. `Size.gibibytes(0)` switches it off.
   * @default Size.gibibytes(5), which a server reads in about half a minute
   */
  readonly checksums?: Size;
  /**
   * How long a statement waits for a table that somebody holds. A dump waits for an `ALTER TABLE`; a restore that replaces a database waits
   * for transactions that use it.
   * @default Duration.minutes(1)
   */
  readonly lockTimeout?: Duration;
  /**
   * How the connection to the server is encrypted.
   * @default - as the client does by itself: MySQL and MariaDB up to 11.3 encrypt if the server can; MariaDB from 11.4 on always encrypts
   */
  readonly tls?: MysqlTls;
  /**
   * The image of the jobs.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that the programs run as.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/** Options of MySQL. */
export interface MysqlEngineOptions extends MysqlOptions {
  /** The server's release series. */
  readonly version: MysqlVersion;
}

/** Options of MariaDB. */
export interface MariadbEngineOptions extends MysqlOptions {
  /** The server's release series. */
  readonly version: MariadbVersion;
}

/**
 * MySQL by logical dumps. Every database is dumped by itself, its tables in one consistent snapshot, and without a lock that writers would
 * notice. The exact number of rows in the dump is noted. Beside them, a recovery point has routines, triggers, views and events, the
 * accounts and their rights, and the server's variables.
 *
 * The Secret with the credentials has the keys `username` and `password`. To back up, the role needs
 * `grant select, show view, trigger, event on *.*`. With less, a dump would lack things silently, so it is refused. With `process` too, the
 * role sees which table was exchanged for another while the dump ran. Without it, the run fails whenever tables on that server were renamed
 * or altered (MySQL), or altered where there are partitions (MariaDB). To restore, the role needs all privileges, with grant option.
 *
 * The verdict names what a dump cannot carry:
 *
 * - a FLOAT of more than six digits, and text that Unicode lacks;
 * - broken views, and loadable functions;
 * - accounts that the role may not read, and second passwords;
 * - rows of tables that only show those of another server (FEDERATED, CONNECT, SPIDER);
 * - what prepared transactions have written, as far as the role may see these (MySQL: XA_RECOVER_ADMIN).
 *
 * Rows are counted, and get checksums (`checksums`).
 *
 * A restore creates each database beside the old one, checks it, and then moves all its tables in one statement. Triggers, views,
 * routines and events cannot be moved, and are made again right after it. For that fraction of a second writes meet no triggers. The old
 * database stays as `<name>_before_<time>`, its events disabled. Missing accounts are created, others stay as they are.
 *
 * Statements inside routines, triggers and events may name their own database, and still do after a restore under another name. So events
 * of a copy are disabled, and the verdict names the rest. Some settings of the target may refuse what the server had once accepted
 * (`max_allowed_packet`, required keys, functions beside a binary log). The restore changes such a setting, and sets it back. If the target
 * lacks a table's storage engine, tablespace or directory, the table is made with the target's usual ones, and the verdict names it.
 */
export class MysqlEngine implements IEngine {
  constructor(private readonly options: MysqlEngineOptions) {
    checkNew('MysqlEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { series, image } = this.options.version;
    if (series === '8.0') warn(scope, 'MySQL 8.0 and its image have had no security fixes since April 2026: upgrade to 8.4');
    return bindDialect(scope, options, this.options, {
      name: 'mysql',
      series,
      image,
      floors: MYSQL_FLOORS,
      programs: MYSQL_PROGRAMS,
    });
  }
}

/**
 * MariaDB, backed up as `MysqlEngine` describes for MySQL. Its sequences are included, and from 10.11 on the past of system-versioned
 * tables.
 */
export class MariadbEngine implements IEngine {
  constructor(private readonly options: MariadbEngineOptions) {
    checkNew('MariadbEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { series, image } = this.options.version;
    return bindDialect(scope, options, this.options, {
      name: 'mariadb',
      series,
      image,
      floors: MARIADB_FLOORS,
      programs: MARIADB_PROGRAMS,
    });
  }
}

/** Two dialects of one engine: the programs have other names and a few other options. */
interface Dialect {
  readonly name: string;
  readonly series: string;
  readonly image: string;
  readonly floors: string[];
  readonly programs: string[];
}

const READS = ['select', 'show view', 'trigger', 'event', 'process'];

const POSITION: { readonly [dialect: string]: string[] } = { mariadb: ['replication client'], mysql: ['replication client', 'reload'] };

const YES_NO_AUTO = (choice: boolean | undefined) => (choice === undefined ? 'auto' : choice ? 'yes' : 'no');

function bindDialect(scope: Construct, options: EngineBindOptions, engine: MysqlOptions, dialect: Dialect): EngineConfig {
  const { databases = [], lockTimeout = Duration.minutes(1) } = engine;
  databases.forEach((name, index) => {
    checkDatabase(scope, `engine.databases[${index}]`, name);
  });
  if (new Set(databases).size < databases.length) {
    throw new InputError(scope, { prop: 'engine.databases', got: databases, because: 'name each database once' });
  }
  if (lockTimeout.toSeconds() < 1) {
    throw new InputError(scope, { prop: 'engine.lockTimeout', got: lockTimeout.toHumanString(), because: 'write a second or more' });
  }
  const checksums = engine.checksums ?? Size.gibibytes(5);
  const port = options.port ?? 3306;
  const tls = engine.tls?._bind();
  const environment: k8s.EnvVar[] = [
    { name: 'SERVER_HOST', value: options.host },
    { name: 'SERVER_PORT', value: String(port) },
    options.credentials.key('username').toEnvironment('SERVER_USER'),
    options.credentials.key('password').toEnvironment('SERVER_PASSWORD'),
    { name: 'TLS', value: tls?.mode ?? '' },
    ...(tls?.ca ? [{ name: 'TLS_CA', value: tls.ca }] : []),
  ];
  return {
    name: dialect.name,
    image: {
      reference: ImageCatalog.of(scope).image(scope, {
        key: `${dialect.name}:${dialect.series}`,
        prop: 'engine.image',
        image: engine.image,
        defaultImage: dialect.image,
        floors: dialect.floors,
      }),
      user: engine.imageUser ?? 999,
      programs: dialect.programs,
    },
    scripts: ScriptFolder.at('mysql', __dirname),
    environment: [
      { name: 'DIALECT', value: dialect.name },
      { name: 'DATABASES', value: databases.join('\n') },
      { name: 'ALLOW_EMPTY', value: engine.allowEmpty ? 'yes' : 'no' },
      { name: 'TRANSACTIONAL', value: engine.transactionalOnly ? 'yes' : 'no' },
      { name: 'BINLOG_POSITION', value: YES_NO_AUTO(engine.binlogPosition) },
      { name: 'CHECKSUMS', value: String(checksums.toKibibytes({ rounding: SizeRoundingBehavior.FLOOR }) * 1024) },
      { name: 'LOCK_TIMEOUT', value: String(lockTimeout.toSeconds()) },
    ],
    connection: {
      port,
      grants: {
        backup: [
          CREATE_USER,
          `grant ${[...READS, ...(engine.binlogPosition ? (POSITION[dialect.name] ?? []) : [])].join(', ')} on *.* to '<username>'@'%';`,
        ],
        restore: [CREATE_USER, `grant all privileges on *.* to '<username>'@'%' with grant option;`],
      },
      environment,
      ...(tls && { volumes: tls.volumes, volumeMounts: tls.mounts }),
    },
    restoreRequest: [
      { key: 'database', variable: 'DATABASE', value: '' },
      { key: 'into', variable: 'INTO', value: '' },
      { key: 'replace', variable: 'REPLACE', value: 'no' },
    ],
    ...(databases.length === 1 && { defaultDatabase: databases[0] }),
  };
}

/** The server's own: their content belongs to its version. Accounts are backed up as statements. */
const SYSTEM = ['information_schema', 'performance_schema', 'mysql', 'sys'];

/** The names reach the scripts one per line. */
function checkDatabase(scope: Construct, prop: string, name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (name === '' || /[\u0000-\u001f]/.test(name)) {
    throw new InputError(scope, { prop, got: name, because: 'write the name of a database, without control characters' });
  }
  if ([...name].length > 64) throw new InputError(scope, { prop, got: name, because: 'names have at most 64 characters' });
  if (SYSTEM.includes(name.toLowerCase())) {
    throw new InputError(scope, { prop, got: name, because: "this database is the server's own: accounts are backed up without it" });
  }
}
