import { join } from 'node:path';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import type { SecretKeyRef, SecretRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { IQuiesce, PreparationOptions, QuiesceBindOptions, QuiesceConfig } from '../../volumes/quiesce/quiesce';
import { preparationTime } from '../../volumes/quiesce/times';
import { bindTls, type RedisVersion, type ValkeyVersion } from './redis';

/** Options of a quiesce of Redis and Valkey. */
export interface RedisServerQuiesceOptions extends PreparationOptions {
  /**
   * The Secret with the keys `username` and `password`; for a server with `requirepass` the username is `default`.
   * @default - none: the server asks for no credentials
   */
  readonly credentials?: SecretRef;
  /**
   * The server's port in its pod, on 127.0.0.1.
   * @default 6379
   */
  readonly port?: number;
  /**
   * The certificate authority that signed the server's certificate, as a PEM file in a Secret.
   * @default - no TLS
   */
  readonly tlsAuthority?: SecretKeyRef;
  /**
   * A Secret with `tls.crt` and `tls.key`, for servers that ask for a client certificate.
   * @default - none
   */
  readonly tlsClient?: SecretRef;
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

/** Options of a quiesce of Redis. */
export interface RedisQuiesceOptions extends RedisServerQuiesceOptions {
  /** The server's release series. */
  readonly version: RedisVersion;
}

/** Options of a quiesce of Valkey. */
export interface ValkeyQuiesceOptions extends RedisServerQuiesceOptions {
  /** The server's release series. */
  readonly version: ValkeyVersion;
}

/**
 * Redis, prepared by `BGSAVE`. When the snapshot is taken, `dump.rdb` is whole and of this minute. Nothing is held, reads and writes go on;
 * the dump does not have what is written after it began. The server forks, as for every dump, and needs memory for what is written
 * meanwhile.
 *
 * A server with `appendonly yes` loads its append-only files and not the dump; they need an atomic snapshot and no quiesce.
 *
 * The user needs at least: `ACL SETUSER quiesce on >... +bgsave +info +time`. (Redis documentation, "BGSAVE".)
 */
export class RedisQuiesce implements IQuiesce {
  constructor(private readonly options: RedisQuiesceOptions) {
    checkNew('RedisQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    return bindProgram(scope, this.options, 'redis');
  }
}

/** Valkey, prepared as `RedisQuiesce` describes for Redis. */
export class ValkeyQuiesce implements IQuiesce {
  constructor(private readonly options: ValkeyQuiesceOptions) {
    checkNew('ValkeyQuiesce', options);
  }

  public bind(scope: Construct, _options: QuiesceBindOptions): QuiesceConfig {
    return bindProgram(scope, this.options, 'valkey');
  }
}

function bindProgram(scope: Construct, options: RedisQuiesceOptions | ValkeyQuiesceOptions, program: string): QuiesceConfig {
  const { version, credentials, port = 6379, imageUser = 999 } = options;
  const tls = bindTls(scope, 'quiesce', options);
  return {
    name: program,
    image: ImageCatalog.of(scope).image(scope, {
      key: `${program}:${version.series}`,
      prop: 'quiesce.image',
      image: options.image,
      defaultImage: version.image,
    }),
    user: imageUser,
    scripts: ScriptFolder.at('quiesce-redis', join(__dirname, 'quiesce')),
    environment: [
      { name: 'PROGRAM', value: program },
      { name: 'REDIS_PORT', value: String(port) },
      ...(credentials
        ? [credentials.key('username').toEnvironment('REDIS_USERNAME'), credentials.key('password').toEnvironment('REDISCLI_AUTH')]
        : []),
      ...tls.environment,
    ],
    grants: ["ACL SETUSER <username> on '><password>' +bgsave +info +time"],
    volumes: tls.volumes,
    volumeMounts: tls.mounts,
    ...preparationTime(scope, options),
  };
}
