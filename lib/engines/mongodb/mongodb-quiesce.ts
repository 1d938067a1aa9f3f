import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { SecretKeyRef, SecretRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { IQuiesce, QuiesceBindOptions, QuiesceConfig, QuiesceOptions } from '../../volumes/quiesce/quiesce';
import { holdingTimes } from '../../volumes/quiesce/times';
import { createUser } from './grants';
import type { MongodbVersion } from './mongodb';

/** Options of a quiesce of MongoDB. */
export interface MongodbQuiesceOptions extends QuiesceOptions {
  /** The server's release series. */
  readonly version: MongodbVersion;
  /** The Secret with the keys `username` and `password`. */
  readonly credentials: SecretRef;
  /**
   * The name of the replica set that the server is a member of, such as 'rs0'.
   * @default - none: a server without a replica set, which needs `onlyMember`
   */
  readonly replicaSet?: string;
  /**
   * The server is the only member of its set, or has no set. It is held although nobody can write meanwhile.
   * @default false
   */
  readonly onlyMember?: boolean;
  /**
   * The server's port in its pod, on 127.0.0.1.
   * @default 27017
   */
  readonly port?: number;
  /**
   * The database that knows the user.
   * @default 'admin'
   */
  readonly authenticationDatabase?: string;
  /**
   * Encrypt the connection, which never leaves the pod, and check who signed the server's certificate.
   * @default - when tlsCa is given
   */
  readonly tls?: boolean;
  /**
   * The certificate authorities to trust, as PEM.
   * @default - as in the image
   */
  readonly tlsCa?: SecretKeyRef;
  /**
   * The image of the agent's container.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that mongosh runs as.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/**
 * MongoDB, held by `fsyncLock`: what is in memory is written out, and no write reaches the files. Use it for a snapshot of a secondary that
 * is not atomic, such as one with journal and data on two volumes. With both on one volume an atomic snapshot needs no quiesce. (MongoDB
 * manual, "Back Up and Restore with Filesystem Snapshots".)
 *
 * The lock holds the whole server, and outlives the session that took it. So only a secondary is locked, after it has everything that the
 * primary had when it was asked. A primary is refused, unless it is the set's only member and `onlyMember` is set.
 *
 * - A `VolumeSnapshotGroup` asks the pods of a StatefulSet in turn, and holds the first secondary that is up to date. It snapshots the
 *   volumes of all pods. Its manifest and its verdict say which pod was held: restore from that pod's copy. The others are as after a power
 *   cut.
 * - A member that is elected while it is locked stays locked until the snapshots are cut.
 * - Hooks of Velero run in every pod, including the primary's, and fail there. Protect one member of the set.
 * - A locked secondary falls behind, and acknowledges no write. For up to `limit`, the majority of three has to do without it.
 * - The quiesce notices when somebody else locks or unlocks the server meanwhile.
 *
 * mongosh takes seconds to start, so `wait` is 30 s by default here.
 *
 * The user needs the roles `hostManager` and `clusterMonitor`. (MongoDB manual, "db.fsyncLock()".)
 *
 * The tests of this library run the real mongosh against a stand-in for mongod, since no free software is one. Have a backup succeed on
 * your server before you rely on it.
 */
export class MongodbQuiesce implements IQuiesce {
  constructor(private readonly options: MongodbQuiesceOptions) {
    checkNew('MongodbQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    const {
      version,
      credentials,
      replicaSet,
      onlyMember = false,
      port = 27017,
      authenticationDatabase = 'admin',
      imageUser = 999,
    } = this.options;
    const { tlsCa, tls = tlsCa !== undefined } = this.options;
    const wrong = (prop: string, got: unknown, because: string) => new InputError(scope, { prop: `quiesce.${prop}`, got, because });
    if (replicaSet !== undefined && !/^[^\s/,?&=]+$/.test(replicaSet)) {
      throw wrong('replicaSet', replicaSet, "write the name of the replica set, such as 'rs0'");
    }
    if (replicaSet === undefined && !onlyMember) {
      throw wrong(
        'replicaSet',
        replicaSet,
        'name the replica set, so that a secondary is held; or set onlyMember: true, and nobody can write during the backup',
      );
    }
    if (tlsCa && !tls) throw wrong('tls', tls, 'tlsCa needs a connection with TLS: leave one of them out');
    return {
      name: 'mongodb',
      image: ImageCatalog.of(scope).image(scope, {
        key: `mongodb:${version.series}`,
        prop: 'quiesce.image',
        image: this.options.image,
        defaultImage: version.image,
      }),
      user: imageUser,
      scripts: ScriptFolder.at('quiesce-mongodb', join(__dirname, 'quiesce')),
      environment: [
        { name: 'MONGODB_PORT', value: String(port) },
        { name: 'AUTHENTICATION_DATABASE', value: authenticationDatabase },
        credentials.key('username').toEnvironment('MONGODB_USERNAME'),
        credentials.key('password').toEnvironment('MONGODB_PASSWORD'),
        { name: 'REPLICA_SET', value: replicaSet ?? '' },
        { name: 'ONLY_MEMBER', value: onlyMember ? 'yes' : 'no' },
        { name: 'MONGODB_TLS', value: tls ? 'yes' : 'no' },
        { name: 'MONGODB_TLS_CA', value: tlsCa ? `${TLS}/ca.pem` : '' },
      ],
      grants: [createUser(authenticationDatabase, ['hostManager', 'clusterMonitor'])],
      ...(tlsCa && {
        volumes: [{ name: 'quiesce-tls', secret: { secretName: tlsCa.secretName, items: [{ key: tlsCa.keyName, path: 'ca.pem' }] } }],
        volumeMounts: [{ name: 'quiesce-tls', mountPath: TLS, readOnly: true }],
      }),
      holdsOne: !onlyMember,
      // mongosh is a program of its own size.
      memoryLimit: Size.mebibytes(256),
      ...holdingTimes(scope, { wait: Duration.seconds(30), ...this.options }),
    };
  }
}

const TLS = '/etc/mongodb-tls';
