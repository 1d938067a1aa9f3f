import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import { Scratch } from '../../core/scratch';
import type { SecretKeyRef } from '../../core/secret-ref';
import { warn } from '../../core/warning';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';
import { createUser } from './grants';

/** A release series of MongoDB, the same as the server's. Its image ships that server, and the tools that know it. */
export class MongodbVersion {
  /** MongoDB 6.0, which its makers stopped maintaining in July 2025. */
  public static readonly V6_0 = MongodbVersion.of('6.0', 'mongo:6.0.28-jammy');
  /** MongoDB 7.0. */
  public static readonly V7_0 = MongodbVersion.of('7.0', 'mongo:7.0.37-jammy');
  /** MongoDB 8.0. */
  public static readonly V8_0 = MongodbVersion.of('8.0', 'mongo:8.0.26-noble');

  /**
   * Another version, from 6.0 on.
   *
   * @param series the release series, e.g. '8.2'
   * @param image an image that ships that series' mongod, mongosh, mongodump and mongorestore, a shell and GNU tools
   */
  public static of(series: string, image: string): MongodbVersion {
    return new MongodbVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'mongodb';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/** Releases that fixed a hole: anybody who could reach the server could read its memory (CVE-2025-14847). */
const FLOORS = ['6.0.27', '7.0.28', '8.0.17'];

/** Which member of a replica set is dumped. */
export enum MongodbReadFrom {
  /** A secondary that is up to date; the primary while no such secondary answers. */
  SECONDARY_PREFERRED = 'secondaryPreferred',
  /** A secondary; while none answers, the backup fails. */
  SECONDARY = 'secondary',
  /** The primary. */
  PRIMARY = 'primary',
}

/** Options of MongoDB. */
export interface MongodbEngineOptions {
  /** The server's release series. */
  readonly version: MongodbVersion;
  /**
   * The name of the replica set that the host is a member of, such as 'rs0'. Its members' own names (`rs.conf()`) must be
   * reachable from the jobs.
   * @default - none: a standalone server
   */
  readonly replicaSet?: string;
  /**
   * Dumps the oplog of the dump's time, so that a restore brings everything to one instant. It needs the whole instance, and a replica set.
   * For anything else write `false`: collections are then dumped one after another, so that documents of two collections may not fit each
   * other. (MongoDB Database Tools, "mongodump", option --oplog.)
   * @default true
   */
  readonly oplog?: boolean;
  /**
   * The databases to back up, each as an archive of its own. A named database that does not exist or holds no collection fails the run.
   * Each includes the users and roles that live in it; those of the database `admin` are part of a whole instance only.
   * @default - the whole instance, with users and roles
   */
  readonly databases?: string[];
  /**
   * The host is a mongos.
   * @default false
   */
  readonly mongos?: boolean;
  /**
   * A server or database without a collection is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * Which member of the replica set is dumped.
   * @default MongodbReadFrom.SECONDARY_PREFERRED
   */
  readonly readFrom?: MongodbReadFrom;
  /**
   * How far a secondary may be behind its primary, measured by what a majority of the members has. Beyond that the primary is dumped; if
   * `readFrom` does not allow it, the backup fails.
   * @default Duration.minutes(10)
   */
  readonly maximumLag?: Duration;
  /**
   * The database that knows the user.
   * @default 'admin'
   */
  readonly authenticationDatabase?: string;
  /**
   * Encrypts the connection, and checks the server's certificate.
   * @default - when tlsCa is given
   */
  readonly tls?: boolean;
  /**
   * The certificate authorities to trust, as PEM.
   * @default - as in the image
   */
  readonly tlsCa?: SecretKeyRef;
  /**
   * The image of the jobs.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that MongoDB runs as.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/**
 * MongoDB by mongodump. A replica set is dumped as a whole instance, with the oplog of the dump's time, from one secondary, with majority
 * read concern. Other servers are dumped one database after the other. The documents of every collection are counted by mongodump itself,
 * so the counts are exact whatever is written meanwhile.
 *
 * The Secret with the credentials has the keys `username` and `password`. To back up, the user needs the role `backup`; to restore it needs
 * `restore` and `readWriteAnyDatabase`.
 *
 * A restore puts collections beside the old ones and then renames both. It first loads the archive of a whole instance into a server of its
 * own pod. Give it scratch space for all data (20 GiB by default).
 *
 * A recovery point contains users and roles, with their passwords; that of a single database contains those that live in it. A restore
 * creates those that the target lacks, and leaves existing ones alone. `accounts: no` creates none. Of the server's own databases, only
 * collections that users have put into `admin` come back.
 *
 * mongodump cannot bring a sharded cluster to one instant. Through a mongos, use `oplog: false`, or MongoDB's own tools.
 *
 * Assertions are expressions of mongosh with one value: `Assertion.atLeast('db.reviews.countDocuments({})', 10)`.
 */
export class MongodbEngine implements IEngine {
  constructor(private readonly options: MongodbEngineOptions) {
    checkNew('MongodbEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { version, replicaSet, databases = [], mongos = false, oplog = true, authenticationDatabase = 'admin' } = this.options;
    const { imageUser = 999, readFrom = MongodbReadFrom.SECONDARY_PREFERRED, tlsCa, tls = tlsCa !== undefined } = this.options;
    const { maximumLag = Duration.minutes(10) } = this.options;
    const wrong = (prop: string, got: unknown, because: string) => {
      throw new InputError(scope, { prop: `engine.${prop}`, got, because });
    };
    databases.forEach((name, index) => {
      checkDatabase(name, because => wrong(`databases[${index}]`, name, because));
    });
    checkDatabase(authenticationDatabase, because => wrong('authenticationDatabase', authenticationDatabase, because), ['admin']);
    if (new Set(databases).size < databases.length) wrong('databases', databases, 'name each database once');
    if (replicaSet !== undefined && !/^[^\s/,?&=]+$/.test(replicaSet)) {
      wrong('replicaSet', replicaSet, "write the name of the replica set, such as 'rs0'");
    }
    if (mongos && replicaSet !== undefined) wrong('replicaSet', replicaSet, 'a mongos is not a member of a replica set: leave it out');
    if (readFrom !== MongodbReadFrom.SECONDARY_PREFERRED && replicaSet === undefined) {
      wrong('readFrom', readFrom, 'only a replica set has several members: set replicaSet, or leave it out');
    }
    if (maximumLag.toSeconds() < 10) {
      wrong(
        'maximumLag',
        `${maximumLag.toSeconds()} s`,
        'an idle replica set writes every ten seconds: write at least Duration.seconds(10)',
      );
    }
    if (tlsCa && !tls) wrong('tls', tls, 'tlsCa needs a connection with TLS: leave one of them out');
    const loses = 'write oplog: false if it is acceptable that collections are dumped one after another, each at its own point in time';
    if (oplog && mongos) wrong('oplog', oplog, `a dump through a mongos cannot have the oplog: ${loses}`);
    if (oplog && replicaSet === undefined)
      wrong('oplog', oplog, `only a member of a replica set has an oplog: set replicaSet, or ${loses}`);
    if (oplog && databases.length > 0) {
      wrong('databases', databases, `a dump with the oplog covers the whole instance: leave databases out, or ${loses}`);
    }
    if (!oplog) {
      warn(
        scope,
        'engine.oplog is false: collections are dumped one after another, so documents of different collections may be inconsistent',
      );
    }

    const port = options.port ?? 27017;
    return {
      name: 'mongodb',
      image: {
        reference: ImageCatalog.of(scope).image(scope, {
          key: `mongodb:${version.series}`,
          prop: 'engine.image',
          image: this.options.image,
          defaultImage: version.image,
          floors: FLOORS,
        }),
        user: imageUser,
        programs: ['gzip', 'flock'],
      },
      scripts: ScriptFolder.at('mongodb', __dirname),
      environment: [
        { name: 'DATABASES', value: databases.join('\n') },
        { name: 'OPLOG', value: oplog ? 'yes' : 'no' },
        { name: 'MONGOS', value: mongos ? 'yes' : 'no' },
        { name: 'READ_FROM', value: readFrom },
        { name: 'MAXIMUM_LAG', value: String(maximumLag.toSeconds()) },
        { name: 'ALLOW_EMPTY', value: this.options.allowEmpty ? 'yes' : 'no' },
      ],
      connection: {
        port,
        grants: {
          backup: [createUser(authenticationDatabase, ['backup'])],
          restore: [createUser(authenticationDatabase, ['restore', 'readWriteAnyDatabase'])],
        },
        environment: [
          { name: 'MONGODB_HOST', value: options.host },
          { name: 'MONGODB_PORT', value: String(port) },
          { name: 'REPLICA_SET', value: replicaSet ?? '' },
          { name: 'AUTHENTICATION_DATABASE', value: authenticationDatabase },
          options.credentials.key('username').toEnvironment('MONGODB_USERNAME'),
          options.credentials.key('password').toEnvironment('MONGODB_PASSWORD'),
          { name: 'MONGODB_TLS', value: tls ? 'yes' : 'no' },
          { name: 'MONGODB_TLS_CA', value: tlsCa ? `${TLS}/ca.pem` : '' },
        ],
        ...(tlsCa && {
          volumes: [
            {
              name: 'mongodb-tls',
              secret: { secretName: tlsCa.secretName, items: [{ key: tlsCa.keyName, path: 'ca.pem' }], defaultMode: 0o440 },
            },
          ],
          volumeMounts: [{ name: 'mongodb-tls', mountPath: TLS, readOnly: true }],
        }),
        followsNames: replicaSet !== undefined,
      },
      serverFiles: { checked: true },
      // As much as a verification has, which brings up the same.
      defaults: { restoreScratch: Scratch.emptyDir(Size.gibibytes(20)) },
      restoreRequest: [
        { key: 'database', variable: 'DATABASE', value: '' },
        { key: 'into', variable: 'INTO', value: '' },
        { key: 'replace', variable: 'REPLACE', value: 'no' },
        { key: 'accounts', variable: 'ACCOUNTS', value: 'yes' },
        { key: 'until', variable: 'UNTIL', value: '' },
      ],
      ...(databases.length === 1 && { defaultDatabase: databases[0] }),
    };
  }
}

const TLS = '/etc/mongodb-tls';

/** MongoDB manual, "MongoDB Limits and Thresholds", "Naming Restrictions", and those of the server itself. */
function checkDatabase(name: string, wrong: (because: string) => void, allowed: string[] = []): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (name === '' || /[\u0000-\u001f/\\. "$*<>:|?]/.test(name) || Buffer.byteLength(name) > 63) {
    wrong('write the name of a database: at most 63 bytes, none of /\\. "$*<>:|?');
  }
  if (['admin', 'config', 'local'].includes(name) && !allowed.includes(name)) {
    wrong("the server's own databases cannot be backed up by name: for users and roles, back up the whole instance");
  }
}
