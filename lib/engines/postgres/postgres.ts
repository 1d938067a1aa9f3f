import { Duration, Size, SizeRoundingBehavior } from 'cdk8s';
import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import type { CaCertificates, CaCertificatesConfig } from '../../core/ca-certificates';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';

/**
 * A major version of PostgreSQL. The client tools are of the server's major version: pg_dump refuses a newer server, and
 * pg_restore an archive of a newer pg_dump.
 */
export class PostgresVersion {
  /** PostgreSQL 14, which its developers stopped maintaining in November 2026. */
  public static readonly V14 = PostgresVersion.of('14', 'postgres:14.24-bookworm');
  /** PostgreSQL 15. */
  public static readonly V15 = PostgresVersion.of('15', 'postgres:15.19-bookworm');
  /** PostgreSQL 16. */
  public static readonly V16 = PostgresVersion.of('16', 'postgres:16.15-bookworm');
  /** PostgreSQL 17. */
  public static readonly V17 = PostgresVersion.of('17', 'postgres:17.11-trixie');
  /** PostgreSQL 18. */
  public static readonly V18 = PostgresVersion.of('18', 'postgres:18.6-trixie');

  /**
   * Another version.
   *
   * @param major the major version, e.g. '19'
   * @param image an image that ships that version's client tools, server, a shell, GNU or busybox tools and zstd
   */
  public static of(major: string, image: string): PostgresVersion {
    return new PostgresVersion(major, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'postgres';

  private constructor(
    /** The major version. */
    public readonly major: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/**
 * Minor releases that fixed holes in the client tools. One is code in a dump that runs on an older client on the day of the restore
 * (CVE-2025-8714 and its follow-up in psql). Another is a heap overflow in pg_dump. (postgresql.org, "Security Information".)
 *
 * @internal
 */
export const POSTGRES_FLOORS = ['14.24', '15.19', '16.15', '17.11', '18.6'];

/**
 * The official image on Debian has the package gnupg, and with it the agent (docker-library/postgres, Dockerfile-debian.template).
 *
 * @internal
 */
export const POSTGRES_PROGRAMS = ['zstd', 'gzip', 'flock', 'gpg', 'gpg-agent'];

/** Options of PostgreSQL. */
export interface PostgresEngineOptions {
  /** The server's major version. */
  readonly version: PostgresVersion;
  /**
   * The databases to back up. A named database that does not exist or holds no table fails the run.
   * @default - all that hold something, except templates and those that the role may not connect to
   */
  readonly databases?: string[];
  /**
   * A database without a table is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * A database to connect to when none in particular is meant.
   * @default 'postgres'
   */
  readonly maintenanceDatabase?: string;
  /**
   * How much of a database's data gets a checksum while its rows are counted, in the snapshot of the dump, small tables first. A
   * verification and a restore then compare the values of these rows, not only their number. A difference fails a verification; a restore
   * names it. `Size.gibibytes(0)` switches it off.
   * @default Size.gibibytes(5), which a server reads in some forty seconds
   */
  readonly checksums?: Size;
  /**
   * How long a dump waits for a table that somebody holds exclusively.
   * @default Duration.minutes(1)
   */
  readonly lockTimeout?: Duration;
  /**
   * Parallel jobs of a restore and of a verification. More than one needs scratch space for the archive. A dump always has one job: it is a
   * stream, and needs no scratch space.
   * @default 1
   */
  readonly jobs?: number;
  /**
   * libpq's sslmode for the connection to the server: disable, allow, prefer, require, verify-ca, verify-full.
   * @default - libpq's own, 'prefer'
   */
  readonly sslMode?: string;
  /**
   * The certificates of the authorities that may have signed the server's. The modes verify-ca and verify-full need them, since the image
   * has none of its own. (PostgreSQL documentation, "SSL Support", section "Client Verification of Server Certificates".)
   * @default - none
   */
  readonly caCertificates?: CaCertificates;
  /**
   * Settings of the server that a verification starts, by name. Give what the databases need to come up there, such as
   * `shared_preload_libraries` and `cron.database_name` for pg_cron. Libraries have to be in `image`.
   * @default - none
   */
  readonly scratchSettings?: { [name: string]: string };
  /**
   * The image of the jobs. It has to contain the databases' extensions, since a verification loads the databases there.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that PostgreSQL runs as: 999 in Debian images, 70 in Alpine ones.
   * @default 999
   */
  readonly imageUser?: number;
}

/**
 * PostgreSQL by logical dumps. Every database is an archive of its own, in a consistent snapshot. It has exact row counts of that snapshot,
 * and checksums of the rows (`checksums`). Beside them, a recovery point has the roles, what creates each database again, and the server's
 * settings.
 *
 * The Secret with the credentials has the keys `username` and `password`. To back up, the role needs `pg_read_all_data`. With large objects
 * or row-level security, it also needs to own them or `BYPASSRLS`. To restore, it needs to create databases and roles. To back up a
 * replica, name it as the host.
 *
 * The verdict names what is left out:
 *
 * - databases that the role may not connect to, and templates;
 * - what pg_dump leaves out, such as replication slots and transactions that are only prepared;
 * - subscriptions and the passwords of user mappings, if the role is not a superuser.
 *
 * Additions to an extension's tables (indexes, policies, triggers) are left out, too; a verification and a restore name them. If the role
 * may not read something within a database, the run is refused. A materialized view comes back with the rows that its query gives at the
 * restore, not with those it had.
 *
 * A restore by a role without superuser rights (CREATEDB and CREATEROLE, as on managed servers) brings back what it can own, and names what
 * was refused.
 */
export class PostgresEngine implements IEngine {
  constructor(private readonly options: PostgresEngineOptions) {
    checkNew('PostgresEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const {
      version,
      databases = [],
      jobs = 1,
      imageUser = 999,
      lockTimeout = Duration.minutes(1),
      checksums = Size.gibibytes(5),
      maintenanceDatabase = 'postgres',
      sslMode,
      scratchSettings = {},
    } = this.options;
    const authorities = this.options.caCertificates?._bind(scope, 'engine.caCertificates', 'postgres-ca');
    databases.forEach((name, index) => {
      checkDatabase(scope, `engine.databases[${index}]`, name);
    });
    checkDatabase(scope, 'engine.maintenanceDatabase', maintenanceDatabase);
    if (new Set(databases).size < databases.length) {
      throw new InputError(scope, { prop: 'engine.databases', got: databases, because: 'name each database once' });
    }
    if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) {
      throw new InputError(scope, { prop: 'engine.jobs', got: jobs, because: 'write a whole number from 1 to 64' });
    }
    const port = options.port ?? 5432;
    return {
      name: 'postgres',
      image: {
        reference: ImageCatalog.of(scope).image(scope, {
          key: `postgres:${version.major}`,
          prop: 'engine.image',
          image: this.options.image,
          defaultImage: version.image,
          floors: POSTGRES_FLOORS,
        }),
        user: imageUser,
        programs: POSTGRES_PROGRAMS,
      },
      scripts: ScriptFolder.at('postgres', __dirname),
      environment: [
        { name: 'DATABASES', value: databases.join('\n') },
        { name: 'ALLOW_EMPTY', value: this.options.allowEmpty ? 'yes' : 'no' },
        { name: 'MAINTENANCE_DATABASE', value: maintenanceDatabase },
        { name: 'CHECKSUMS', value: String(checksums.toKibibytes({ rounding: SizeRoundingBehavior.FLOOR }) * 1024) },
        { name: 'LOCK_TIMEOUT', value: String(lockTimeout.toSeconds()) },
        { name: 'JOBS', value: String(jobs) },
        ...scratchVariables(scope, scratchSettings),
      ],
      connection: {
        port,
        grants: {
          backup: [
            `create role "<username>" login password '<password>';`,
            'grant pg_read_all_data to "<username>";',
            '-- row-level security: alter role "<username>" bypassrls; it has to own large objects, or be granted select on them',
          ],
          restore: [
            `create role "<username>" login password '<password>'; -- where it is not there yet`,
            'alter role "<username>" createdb createrole;',
            '-- the verdict of a restore names what only a superuser can bring back',
          ],
        },
        environment: [
          { name: 'PGHOST', value: options.host },
          { name: 'PGPORT', value: String(port) },
          // By environment: libpq ignores a password file that a group can read, and that is how kubelet mounts Secrets.
          options.credentials.key('username').toEnvironment('PGUSER'),
          options.credentials.key('password').toEnvironment('PGPASSWORD'),
          ...tlsVariables(scope, sslMode, authorities),
        ],
        ...(authorities && { volumes: [authorities.volume], volumeMounts: [authorities.mount] }),
      },
      restoreRequest: [
        { key: 'database', variable: 'DATABASE', value: '' },
        { key: 'into', variable: 'INTO', value: '' },
        { key: 'replace', variable: 'REPLACE', value: 'no' },
      ],
      ...(databases.length === 1 && { defaultDatabase: databases[0] }),
    };
  }
}

/** @internal */
export function sslModeVariables(scope: Construct, sslMode: string | undefined): k8s.EnvVar[] {
  if (sslMode === undefined) return [];
  const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];
  if (!modes.includes(sslMode)) {
    throw new InputError(scope, { prop: 'engine.sslMode', got: sslMode, because: `write one of ${modes.join(', ')}` });
  }
  return [{ name: 'PGSSLMODE', value: sslMode }];
}

/**
 * The variables of a connection that checks the server's certificate, if the mode says so.
 *
 * @internal
 */
export function tlsVariables(scope: Construct, sslMode: string | undefined, authorities: CaCertificatesConfig | undefined): k8s.EnvVar[] {
  const mode = sslMode ?? (authorities ? 'verify-full' : undefined);
  if (mode?.startsWith('verify-') && !authorities) {
    throw new InputError(scope, {
      prop: 'engine.sslMode',
      got: sslMode,
      because: 'name the authorities that may have signed the certificate, in caCertificates: the image has none',
    });
  }
  return [...sslModeVariables(scope, mode), ...(authorities ? [{ name: 'PGSSLROOTCERT', value: authorities.path }] : [])];
}

/** Settings that let a server reach out of its pod, or be reached in it. */
const OURS = ['listen_addresses', 'unix_socket_directories', 'port', 'archive_mode', 'data_directory', 'hba_file', 'config_file'];

/** The settings as lines of postgresql.conf. */
function scratchVariables(scope: Construct, settings: { [name: string]: string }): k8s.EnvVar[] {
  const lines = Object.keys(settings)
    .sort()
    .map(name => {
      const value = settings[name] ?? '';
      const prop = `engine.scratchSettings["${name}"]`;
      if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/i.test(name)) {
        throw new InputError(scope, { prop, got: value, because: 'write the name of a setting, such as shared_preload_libraries' });
      }
      if (OURS.includes(name.toLowerCase())) {
        throw new InputError(scope, { prop, got: value, because: 'the verification sets it itself: leave it out' });
      }
      if (/[\r\n]/.test(value)) throw new InputError(scope, { prop, got: value, because: 'write the value in one line' });
      return `${name} = '${value.replace(/['\\]/g, '$&$&')}'`;
    });
  return lines.length > 0 ? [{ name: 'SCRATCH_SETTINGS', value: lines.join('\n') }] : [];
}

/** The names reach the scripts one per line; PostgreSQL itself cuts names longer than 63 bytes. */
function checkDatabase(scope: Construct, prop: string, name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (name === '' || /[\u0000-\u001f]/.test(name)) {
    throw new InputError(scope, { prop, got: name, because: 'write the name of a database, without control characters' });
  }
  if (Buffer.byteLength(name) > 63) {
    throw new InputError(scope, { prop, got: name, because: 'PostgreSQL names have at most 63 bytes' });
  }
}
