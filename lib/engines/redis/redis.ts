import type { k8s } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { SecretKeyRef, SecretRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';

/** A release series of Redis, the same as the server's: an older Redis cannot read the dumps of a newer one. */
export class RedisVersion {
  /** Redis 7.2. */
  public static readonly V7_2 = RedisVersion.of('7.2', 'redis:7.2.14-bookworm');
  /** Redis 7.4. */
  public static readonly V7_4 = RedisVersion.of('7.4', 'redis:7.4.9-bookworm');
  /** Redis 8.0. */
  public static readonly V8_0 = RedisVersion.of('8.0', 'redis:8.0.6-bookworm');
  /** Redis 8.2. */
  public static readonly V8_2 = RedisVersion.of('8.2', 'redis:8.2.6-bookworm');
  /** Redis 8.8. */
  public static readonly V8_8 = RedisVersion.of('8.8', 'redis:8.8.3-trixie');
  /** Redis 8.10. */
  public static readonly V8_10 = RedisVersion.of('8.10', 'redis:8.10.2-trixie');

  /**
   * Another version, from 7.0 on.
   *
   * @param series the release series, e.g. '8.4'
   * @param image an image that ships that series' redis-server, redis-cli and redis-check-rdb, a shell, and GNU or busybox tools
   */
  public static of(series: string, image: string): RedisVersion {
    return new RedisVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'redis';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/** A release series of Valkey, the same as the server's: an older Valkey cannot read the dumps of a newer one. */
export class ValkeyVersion {
  /** Valkey 7.2. */
  public static readonly V7_2 = ValkeyVersion.of('7.2', 'valkey/valkey:7.2.13-trixie');
  /** Valkey 8.0. */
  public static readonly V8_0 = ValkeyVersion.of('8.0', 'valkey/valkey:8.0.9-trixie');
  /** Valkey 8.1. */
  public static readonly V8_1 = ValkeyVersion.of('8.1', 'valkey/valkey:8.1.8-trixie');

  /**
   * Another version.
   *
   * @param series the release series, e.g. '9.0'
   * @param image an image that ships that series' valkey-server, valkey-cli and valkey-check-rdb, a shell, and GNU or busybox tools
   */
  public static of(series: string, image: string): ValkeyVersion {
    return new ValkeyVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'valkey';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/** Options of Redis and Valkey. */
export interface RedisOptions {
  /**
   * A server without a key is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * The host is one node of a Redis Cluster, always the same one, and the other primaries have backups of their own. A node has only the
   * keys of its own slots. Without this, a backup of a cluster's node fails.
   * @default false
   */
  readonly clusterNode?: boolean;
  /**
   * The server's `dbfilename`.
   * @default 'dump.rdb'
   */
  readonly dumpFile?: string;
  /**
   * The server's `appendfilename`.
   * @default 'appendonly.aof'
   */
  readonly appendFile?: string;
  /**
   * The server's `appenddirname`.
   * @default 'appendonlydir'
   */
  readonly appendDirectory?: string;
  /**
   * The certificate authority that signed the server's certificate, as a PEM file in a Secret. Redis does not check the name in a
   * certificate, so name an authority that signs for nobody else.
   * @default - no TLS
   */
  readonly tlsAuthority?: SecretKeyRef;
  /**
   * A Secret with `tls.crt` and `tls.key`, for servers that ask for a client certificate.
   * @default - none
   */
  readonly tlsClient?: SecretRef;
  /**
   * The image of the jobs.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user that the server runs as in its own pod. Restored files belong to it.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/** Options of Redis. */
export interface RedisEngineOptions extends RedisOptions {
  /** The server's release series. */
  readonly version: RedisVersion;
}

/** Options of Valkey. */
export interface ValkeyEngineOptions extends RedisOptions {
  /** The server's release series. */
  readonly version: ValkeyVersion;
}

/**
 * Redis by the dump that it sends to replicas: one consistent state of all its numbered databases, streamed. On the way, redis-check-rdb
 * checks the stream; its counts are the recovery point's facts.
 *
 * The Secret with the credentials has the keys `username` and `password`; for a server with `requirepass` the username is `default`. The
 * user needs at least: `ACL SETUSER backup on >... +ping +replconf +sync +psync`. To back up a replica, name it as the host. In a Redis
 * Cluster, each primary needs a backup of its own (`clusterNode`).
 *
 * The server forks to dump, as it does for every replica: it needs memory for what is written meanwhile. A verification and a restore hold
 * all data in memory too (`pods.memoryLimit`).
 *
 * A restore works on the data volume of a server that is scaled to zero (`dataVolume`). The server then loads the same data with
 * `appendonly yes` and `no`. Users and settings are not data: they are the server's configuration.
 *
 * Assertions are commands as you type them to redis-cli, in database 0 or the one named by its number: `Assertion.atLeast('dbsize', 10)`.
 * Their answer is what `redis-cli --raw` prints, with lines joined by spaces.
 */
export class RedisEngine implements IEngine {
  constructor(private readonly options: RedisEngineOptions) {
    checkNew('RedisEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { series, image } = this.options.version;
    return bindProgram(scope, options, this.options, { program: 'redis', series, image, floors: ['7.2.11', '7.4.6', '8.0.4', '8.2.2'] });
  }
}

/** Valkey, backed up as `RedisEngine` describes for Redis. */
export class ValkeyEngine implements IEngine {
  constructor(private readonly options: ValkeyEngineOptions) {
    checkNew('ValkeyEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { series, image } = this.options.version;
    return bindProgram(scope, options, this.options, { program: 'valkey', series, image, floors: ['7.2.11', '8.0.6', '8.1.4'] });
  }
}

/** The two have the same files, protocol and options; their programs and images have other names. */
interface Program {
  readonly program: string;
  readonly series: string;
  readonly image: string;
  /** Releases that fixed a hole by which a script could execute code (CVE-2025-49844). */
  readonly floors: string[];
}

function bindProgram(scope: Construct, options: EngineBindOptions, engine: RedisOptions, program: Program): EngineConfig {
  const { dumpFile = 'dump.rdb', appendFile = 'appendonly.aof', appendDirectory = 'appendonlydir' } = engine;
  for (const [prop, name] of Object.entries({ dumpFile, appendFile, appendDirectory })) {
    if (!/^[\w-][\w.-]*$/.test(name)) {
      throw new InputError(scope, {
        prop: `engine.${prop}`,
        got: name,
        because: 'write only the file name, as in the configuration of the server: letters, digits, dots and dashes',
      });
    }
  }
  const tls = bindTls(scope, 'engine', engine);
  const port = options.port ?? 6379;
  return {
    name: program.program,
    image: {
      reference: ImageCatalog.of(scope).image(scope, {
        key: `${program.program}:${program.series}`,
        prop: 'engine.image',
        image: engine.image,
        defaultImage: program.image,
        floors: program.floors,
      }),
      user: engine.imageUser ?? 999,
      programs: ['gzip', 'flock'],
    },
    scripts: ScriptFolder.at('redis', __dirname),
    environment: [
      { name: 'PROGRAM', value: program.program },
      { name: 'ALLOW_EMPTY', value: engine.allowEmpty ? 'yes' : 'no' },
      { name: 'CLUSTER_NODE', value: engine.clusterNode ? 'yes' : 'no' },
      { name: 'DUMP_FILE', value: dumpFile },
      { name: 'APPEND_FILE', value: appendFile },
      { name: 'APPEND_DIRECTORY', value: appendDirectory },
    ],
    connection: {
      port,
      grants: { backup: ["ACL SETUSER <username> on '><password>' +ping +replconf +sync +psync"] },
      environment: [
        { name: 'REDIS_HOST', value: options.host },
        { name: 'REDIS_PORT', value: String(port) },
        options.credentials.key('username').toEnvironment('REDIS_USERNAME'),
        options.credentials.key('password').toEnvironment('REDISCLI_AUTH'),
        ...tls.environment,
      ],
      volumes: tls.volumes,
      volumeMounts: tls.mounts,
    },
    serverFiles: { restored: true, checked: true },
    restoreRequest: [{ key: 'replace', variable: 'REPLACE', value: 'no' }],
    defaultDatabase: '0',
  };
}

/** @internal */
export interface RedisTls {
  readonly environment: k8s.EnvVar[];
  readonly volumes: k8s.Volume[];
  readonly mounts: k8s.VolumeMount[];
}

/**
 * What a container needs to talk TLS with the server, or that it talks without.
 *
 * @param of what the props belong to, for errors
 * @internal
 */
export function bindTls(
  scope: Construct,
  of: string,
  { tlsAuthority, tlsClient }: Pick<RedisOptions, 'tlsAuthority' | 'tlsClient'>,
): RedisTls {
  if (tlsClient && !tlsAuthority) {
    throw new InputError(scope, {
      prop: `${of}.tlsAuthority`,
      got: undefined,
      because: "name the authority too, for example SecretRef.named('redis-tls').key('ca.crt'): the images have none",
    });
  }
  const secrets = [
    ...(tlsAuthority
      ? [{ name: 'tls-authority', secretName: tlsAuthority.secretName, items: [{ key: tlsAuthority.keyName, path: 'ca.crt' }] }]
      : []),
    ...(tlsClient ? [{ name: 'tls-client', secretName: tlsClient.name }] : []),
  ];
  return {
    environment: [
      { name: 'TLS_AUTHORITY', value: tlsAuthority ? '/tls/tls-authority/ca.crt' : '' },
      { name: 'TLS_CLIENT', value: tlsClient ? '/tls/tls-client' : '' },
    ],
    volumes: secrets.map(({ name, ...secret }) => ({ name, secret })),
    mounts: secrets.map(({ name }) => ({ name, mountPath: `/tls/${name}`, readOnly: true })),
  };
}
