import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import type { CaCertificates } from '../../core/ca-certificates';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';
import { POSTGRES_FLOORS, POSTGRES_PROGRAMS, type PostgresVersion, tlsVariables } from '../postgres/postgres';

/** Options of physical backups of PostgreSQL. */
export interface PostgresPhysicalEngineOptions {
  /** The server's major version. The copy's files belong to that version. */
  readonly version: PostgresVersion;
  /**
   * The primary's host, if `host` names a replica. The backup waits until the replica has replayed what the primary had written when the
   * run began.
   * @default - none: `host` is backed up as it is
   */
  readonly primary?: string;
  /**
   * How long to wait for the replica.
   * @default Duration.minutes(15)
   */
  readonly replayTimeout?: Duration;
  /**
   * The most that a base backup reads in a second, to spare a busy server's disk.
   * @default - as fast as it goes
   */
  readonly maxRate?: Size;
  /**
   * How many incremental backups follow a full one. From PostgreSQL 17 on they copy what has changed since the one before. The server needs
   * `summarize_wal = on`. A full backup is made if it is off, if a summary is missing, or after a restart, since older files may have been
   * put under the server. A restore combines a full one with its incrementals, which needs the size of the server twice. Pruning keeps what
   * a kept recovery point builds on. For a weekly full backup with a daily schedule, write 6. (PostgreSQL's documentation, "Making an
   * Incremental Backup".)
   * @default 0 - every backup is a full one
   */
  readonly incrementals?: number;
  /**
   * The most log that the server may keep for an archive that is down. The archive refuses to begin unless the server's
   * max_slot_wal_keep_size is set, and is not above this. A slot without a limit fills the server's disk. If the setting
   * changes later, the archive goes on receiving, and is not ready. (PostgreSQL's documentation, "max_slot_wal_keep_size".)
   * @default Size.gibibytes(16)
   */
  readonly slotLimit?: Size;
  /**
   * The replication slot of the log archive.
   * @default 'backup'
   */
  readonly slot?: string;
  /**
   * A database to connect to.
   * @default 'postgres'
   */
  readonly maintenanceDatabase?: string;
  /**
   * Parallel jobs of a verification's pg_amcheck.
   * @default 1
   */
  readonly jobs?: number;
  /**
   * A server without a table of its users is expected, and not an error.
   * @default false: a verification, and the check of a volume, fail
   */
  readonly allowEmpty?: boolean;
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
   * The image of the jobs. It must be of the server's own kind. Indexes of text are sorted by the C library's rules, so an Alpine image has
   * them wrong in a Debian server's files.
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
 * PostgreSQL by base backups: the whole server as a copy of its files. The files are streamed by pg_basebackup with the log that makes them
 * consistent, and checked file by file with pg_verifybackup. A restore takes the time of a copy, where a logical one builds every index
 * anew. With `addLogArchive()`, a restore goes to any moment.
 *
 * A verification recovers the newest base backup and all of the log archived since. It runs pg_amcheck over every database, and names a gap
 * in the log if it finds one.
 *
 * The verdict names what a copy of files does not carry: rows of unlogged tables, replication slots, and links in the data directory (for
 * example to a `postgresql.conf` elsewhere). If data is behind a link, a backup is refused.
 *
 * A restore works on the data volume (`dataVolume`), with the server scaled to zero. The old data is put aside, never deleted. The request
 * says `until`: `latest`, `gap` (up to where log is missing), `base`, a time, `lsn:<position>` or `name:<restore point>`.
 *
 * After a restore or a failover the history forks. A replay follows the newest timeline all the way; log that is missing before the fork is
 * a gap. A target beyond a fork is refused, and the refusal names the timelines that the archive has. Choose one with `timeline`.
 *
 * The Secret with the credentials has the keys `username` and `password`, of a role with REPLICATION. The server's pg_hba.conf has to let
 * it in for replication, which the official image's does not: `host replication backup samenet scram-sha-256`.
 */
export class PostgresPhysicalEngine implements IEngine {
  constructor(private readonly options: PostgresPhysicalEngineOptions) {
    checkNew('PostgresPhysicalEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const {
      version,
      primary,
      jobs = 1,
      imageUser = 999,
      maintenanceDatabase = 'postgres',
      slot = 'backup',
      maxRate,
      incrementals = 0,
    } = this.options;
    const { replayTimeout = Duration.minutes(15), slotLimit = Size.gibibytes(16) } = this.options;
    if (!/^[a-z0-9_]{1,63}$/.test(slot)) {
      throw new InputError(scope, {
        prop: 'engine.slot',
        got: slot,
        because: 'write at most 63 lower-case letters, digits and underscores',
      });
    }
    if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) {
      throw new InputError(scope, { prop: 'engine.jobs', got: jobs, because: 'write a whole number from 1 to 64' });
    }
    // pg_basebackup's own bounds for --max-rate.
    if (maxRate && (maxRate.toKibibytes() < 32 || maxRate.toKibibytes() > 1024 * 1024)) {
      throw new InputError(scope, { prop: 'engine.maxRate', got: maxRate.asString(), because: 'write a size from 32Ki to 1Gi' });
    }
    if (primary !== undefined && primary === options.host) {
      throw new InputError(scope, {
        prop: 'engine.primary',
        got: primary,
        because: 'it is the same server as host: leave it out, or name a replica as host',
      });
    }
    const authorities = this.options.caCertificates?._bind(scope, 'engine.caCertificates', 'postgres-ca');
    const canChain = Number(version.major) >= 17;
    // The same for both, or one role would be listed twice.
    const grants = [
      ...REPLICATION,
      `-- the server, where its log is archived: alter system set max_slot_wal_keep_size = '${slotLimit.toMebibytes()}MB'; or less`,
      ...(incrementals > 0 ? ['-- the server, for incremental backups: alter system set summarize_wal = on;'] : []),
    ];
    if (!Number.isInteger(incrementals) || incrementals < 0 || incrementals > 100) {
      throw new InputError(scope, { prop: 'engine.incrementals', got: incrementals, because: 'write a whole number from 0 to 100' });
    }
    if (incrementals > 0 && !canChain) {
      throw new InputError(scope, {
        prop: 'engine.incrementals',
        got: incrementals,
        because: `PostgreSQL ${version.major} has no incremental backups (17 and newer have them): leave it out`,
      });
    }
    const port = options.port ?? 5432;
    return {
      name: 'postgres-physical',
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
      scripts: ScriptFolder.at('postgres-physical', __dirname),
      environment: [
        { name: 'JOBS', value: String(jobs) },
        { name: 'ALLOW_EMPTY', value: this.options.allowEmpty ? 'yes' : 'no' },
        // Even when no more are made: those that were must not lose what they build on.
        ...(canChain ? [{ name: 'CHAINS', value: 'yes' }] : []),
      ],
      connection: {
        port,
        grants: { backup: grants, log: grants },
        environment: [
          { name: 'PGHOST', value: options.host },
          { name: 'PGPORT', value: String(port) },
          // By environment: libpq ignores a password file that a group can read, and that is how kubelet mounts Secrets.
          options.credentials.key('username').toEnvironment('PGUSER'),
          options.credentials.key('password').toEnvironment('PGPASSWORD'),
          ...tlsVariables(scope, this.options.sslMode, authorities),
          { name: 'MAINTENANCE_DATABASE', value: maintenanceDatabase },
          { name: 'PRIMARY', value: primary ?? '' },
          { name: 'REPLAY_TIMEOUT', value: String(replayTimeout.toSeconds()) },
          { name: 'INCREMENTALS', value: String(incrementals) },
          { name: 'MAX_RATE', value: maxRate ? String(Math.floor(maxRate.toKibibytes())) : '' },
          { name: 'SLOT', value: slot },
          { name: 'SLOT_LIMIT', value: String(slotLimit.toMebibytes()) },
        ],
        ...(authorities && { volumes: [authorities.volume], volumeMounts: [authorities.mount] }),
        ...(primary !== undefined && { alsoReaches: [{ host: primary, port }] }),
      },
      incremental: incrementals > 0,
      serverFiles: { restored: true, checked: true },
      log: {
        restoreRequest: [
          { key: 'until', variable: 'UNTIL', value: '' },
          { key: 'timeline', variable: 'TIMELINE', value: '' },
        ],
      },
      restoreRequest: [{ key: 'replace', variable: 'REPLACE', value: 'no' }],
    };
  }
}

const REPLICATION = [
  `create role "<username>" login replication password '<password>';`,
  '-- pg_hba.conf, in which "all" is no replication: host replication <username> samenet scram-sha-256',
];
