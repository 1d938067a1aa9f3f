import type { Construct } from 'constructs';
import { checkNew } from '../../core/given';
import { ImageCatalog } from '../../core/image-catalog';
import { InputError } from '../../core/input-error';
import type { SecretKeyRef } from '../../core/secret-ref';
import { ScriptFolder } from '../../kubernetes/script-folder';
import type { EngineBindOptions, EngineConfig, IEngine } from '../engine';

/** A release series of RabbitMQ, the same as the broker's: a verification starts that version from the broker's definitions. */
export class RabbitmqVersion {
  /** RabbitMQ 3.13. */
  public static readonly V3_13 = RabbitmqVersion.of('3.13', 'rabbitmq:3.13.7-management');
  /** RabbitMQ 4.0. */
  public static readonly V4_0 = RabbitmqVersion.of('4.0', 'rabbitmq:4.0.9-management');
  /** RabbitMQ 4.1. */
  public static readonly V4_1 = RabbitmqVersion.of('4.1', 'rabbitmq:4.1.8-management');
  /** RabbitMQ 4.2. */
  public static readonly V4_2 = RabbitmqVersion.of('4.2', 'rabbitmq:4.2.8-management');

  /**
   * Another version, from 3.10 on.
   *
   * @param series the release series, e.g. '4.3'
   * @param image an image that ships that series' rabbitmq-server and rabbitmqctl, Erlang's escript, a shell and GNU tools
   */
  public static of(series: string, image: string): RabbitmqVersion {
    return new RabbitmqVersion(series, image);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'rabbitmq';

  private constructor(
    /** The release series. */
    public readonly series: string,
    /** The image for it. */
    public readonly image: string,
  ) {}
}

/** Options of RabbitMQ. */
export interface RabbitmqEngineOptions {
  /** The broker's release series. */
  readonly version: RabbitmqVersion;
  /**
   * A broker without a queue and an exchange of its own is expected, and not an error.
   * @default false
   */
  readonly allowEmpty?: boolean;
  /**
   * The plug-ins of the broker that its definitions need: for types of exchanges, for parameters of shovels and federation. The throw-away
   * broker of a verification has them, too.
   * @default - none
   */
  readonly plugins?: string[];
  /**
   * The certificate authority that signed the certificate of the management interface, as a PEM file in a Secret. The default
   * port is then 15671.
   * @default - no TLS
   */
  readonly tlsAuthority?: SecretKeyRef;
  /**
   * The image of the jobs.
   * @default - the version's
   */
  readonly image?: string;
  /**
   * The user of that image that the jobs run as.
   * @default 999, as in the official images
   */
  readonly imageUser?: number;
}

/**
 * The definitions of a RabbitMQ broker: users with their password hashes, virtual hosts, permissions, policies, parameters, exchanges,
 * queues and bindings. **Messages are not backed up**, here or anywhere. Keep what matters in replicated queues, or be able to publish it
 * again. The reason beside `published` says how many there were in durable queues.
 *
 * The definitions come from the management interface (the plug-in `rabbitmq_management`; `host` and `port` are its own). The Secret with
 * the credentials has the keys `username` and `password`. The user needs the tag `administrator`: no lesser one may export definitions.
 *
 * A verification starts a broker from the definitions and compares every object of what that broker then exports.
 *
 * A restore imports what a running broker lacks, and deletes nothing.
 *
 * - Users, virtual hosts and global parameters that exist keep their passwords and settings. The reason beside `restored` names those that
 *   differ.
 * - Permissions, policies and parameters that differ are overwritten only with `replace: yes` and `safetyBackup: yes`.
 * - A queue or an exchange of the same name with other properties stops the restore before anything is changed.
 * - Shovels and upstreams of federations are imported only with `moveMessages: yes`, since they move messages at once. If the original
 *   still runs, a copy takes its messages away.
 * - The broker does the import itself, and not atomically. If it fails half way, start the same restore again: it continues from there.
 *
 * Assertions are lists of rabbitmqctl, in the virtual host `/` or the one named as database, with lines joined by spaces:
 * `Assertion.equalTo('list_queues name', 'orders')`.
 */
export class RabbitmqEngine implements IEngine {
  constructor(private readonly options: RabbitmqEngineOptions) {
    checkNew('RabbitmqEngine', options);
  }

  public bind(scope: Construct, options: EngineBindOptions): EngineConfig {
    const { version, plugins = [], tlsAuthority, imageUser = 999 } = this.options;
    plugins.forEach((plugin, index) => {
      if (!/^[a-z][a-z0-9_]*$/.test(plugin)) {
        const because = "write the name of a plug-in, for example 'rabbitmq_shovel'";
        throw new InputError(scope, { prop: `engine.plugins[${index}]`, got: plugin, because });
      }
    });
    const port = options.port ?? (tlsAuthority ? 15671 : 15672);
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    const items = tlsAuthority && [{ key: tlsAuthority.keyName, path: 'ca.crt' }];
    return {
      name: 'rabbitmq',
      image: {
        reference: ImageCatalog.of(scope).image(scope, {
          key: `rabbitmq:${version.series}`,
          prop: 'engine.image',
          image: this.options.image,
          defaultImage: version.image,
        }),
        user: imageUser,
        programs: ['gzip', 'flock'],
      },
      scripts: ScriptFolder.at('rabbitmq', __dirname),
      environment: [
        { name: 'ALLOW_EMPTY', value: this.options.allowEmpty ? 'yes' : 'no' },
        { name: 'DEFINITION_PLUGINS', value: plugins.join(',') },
      ],
      connection: {
        port,
        grants: { backup: ADMINISTRATOR, restore: ADMINISTRATOR },
        environment: [
          { name: 'MANAGEMENT_URL', value: `${tlsAuthority ? 'https' : 'http'}://${host}:${port}` },
          options.credentials.key('username').toEnvironment('MANAGEMENT_USERNAME'),
          options.credentials.key('password').toEnvironment('MANAGEMENT_PASSWORD'),
          { name: 'TLS_AUTHORITY', value: tlsAuthority ? '/tls/ca.crt' : '' },
        ],
        ...(tlsAuthority && {
          volumes: [{ name: 'tls', secret: { secretName: tlsAuthority.secretName, items } }],
          volumeMounts: [{ name: 'tls', mountPath: '/tls', readOnly: true }],
        }),
      },
      restoreRequest: [
        { key: 'replace', variable: 'REPLACE', value: 'no' },
        { key: 'moveMessages', variable: 'MOVE_MESSAGES', value: 'no' },
      ],
      defaultDatabase: '/',
    };
  }
}

const ADMINISTRATOR = ["rabbitmqctl add_user '<username>' # asks for the password", "rabbitmqctl set_user_tags '<username>' administrator"];
