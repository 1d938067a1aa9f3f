import { join } from 'node:path';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import type { SecretRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { IQuiesce, PreparationOptions, QuiesceBindOptions, QuiesceConfig } from '../../volumes/quiesce/quiesce';
import { preparationTime } from '../../volumes/quiesce/times';
import { type PostgresVersion, sslModeVariables } from './postgres';

/** Options of a quiesce of PostgreSQL. */
export interface PostgresQuiesceOptions extends PreparationOptions {
  /** The server's major version. */
  readonly version: PostgresVersion;
  /** The Secret with the keys `username` and `password`. */
  readonly credentials: SecretRef;
  /**
   * The server's port in its pod, on 127.0.0.1.
   * @default 5432
   */
  readonly port?: number;
  /**
   * A database to connect to.
   * @default 'postgres'
   */
  readonly maintenanceDatabase?: string;
  /**
   * libpq's sslmode for the connection, which never leaves the pod: disable, allow, prefer, require.
   * @default - libpq's own, 'prefer'
   */
  readonly sslMode?: string;
  /**
   * The image of the agent's container.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that the client runs as: 999 in Debian images, 70 in Alpine ones.
   * @default 999
   */
  readonly imageUser?: number;
}

/**
 * PostgreSQL, prepared by `CHECKPOINT`. A server that starts from the snapshot has less log to replay, and is up sooner. Nothing is held,
 * and nothing needs to be. An atomic snapshot of data, log and tablespaces (one volume, or several cut at one instant) is like the disk
 * after a power failure. (PostgreSQL documentation, "File System Level Backup".)
 *
 * `pg_backup_start` and `pg_backup_stop` are left out on purpose. They are for a copy that is not atomic. The label that the second returns
 * has to be in the copy, and a snapshot has no room for it. Without it the copy starts and is corrupt. `Engine.postgresPhysical` makes such
 * copies.
 *
 * The role needs `pg_checkpoint`, from PostgreSQL 15 on; before, it has to be a superuser.
 */
export class PostgresQuiesce implements IQuiesce {
  constructor(private readonly options: PostgresQuiesceOptions) {
    checkNew('PostgresQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    const { version, credentials, port = 5432, maintenanceDatabase = 'postgres', imageUser = 999, sslMode } = this.options;
    return {
      name: 'postgres',
      image: ImageCatalog.of(scope).image(scope, {
        key: `postgres:${version.major}`,
        prop: 'quiesce.image',
        image: this.options.image,
        defaultImage: version.image,
      }),
      user: imageUser,
      scripts: ScriptFolder.at('quiesce-postgres', join(__dirname, 'quiesce')),
      environment: [
        { name: 'PGHOST', value: '127.0.0.1' },
        { name: 'PGPORT', value: String(port) },
        { name: 'PGDATABASE', value: maintenanceDatabase },
        credentials.key('username').toEnvironment('PGUSER'),
        credentials.key('password').toEnvironment('PGPASSWORD'),
        ...sslModeVariables(scope, sslMode),
      ],
      grants: [`create role "<username>" login password '<password>';`, 'grant pg_checkpoint to "<username>";'],
      ...preparationTime(scope, this.options),
    };
  }
}
