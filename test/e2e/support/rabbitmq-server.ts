import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { inImage } from './in-image';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

const USER = 999;
let last = 0;

/** What a broker exports, by kind. */
export interface Definitions {
  // biome-ignore lint/suspicious/noExplicitAny: objects of RabbitMQ
  [kind: string]: any;
}

/** A real RabbitMQ broker, run from an image's root file system, with its management interface on a loopback address and port 15672. */
export class RabbitmqServer {
  readonly address = loopbackAddress();
  readonly username = 'admin';
  readonly password = `correct "horse" 'battery' $taple: ü`;
  private readonly directory = mkdtempSync(join(tmpdir(), 'e2e-rabbitmq-'));
  private readonly number = (process.pid % 400) * 10 + ++last;
  private broker: ChildProcess | undefined;

  private constructor(
    private readonly image: Image,
    plugins: string[],
  ) {
    chownSync(this.directory, USER, USER);
    const settings = {
      'listeners.tcp': 'none',
      'management.tcp.ip': this.address,
      'management.tcp.port': '15672',
      default_user: this.username,
      default_pass: 'changed below',
      'log.console.level': 'error',
    };
    writeFileSync(
      join(this.directory, 'rabbitmq.conf'),
      Object.entries(settings)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join(''),
    );
    writeFileSync(join(this.directory, 'enabled_plugins'), `[${['rabbitmq_management', ...plugins].join(',')}].\n`);
  }

  static async start(image: Image, plugins: string[] = []): Promise<RabbitmqServer> {
    const server = new RabbitmqServer(image, plugins);
    await server.up('changed below');
    await server.request('PUT', `/api/users/${server.username}`, { password: server.password, tags: 'administrator' }, 'changed below');
    return server;
  }

  /** Starts the broker again, over the data it has. */
  async up(password = this.password): Promise<void> {
    const environment = {
      PATH: `/opt/rabbitmq/sbin:${process.env.PATH}`,
      HOME: '/srv',
      RABBITMQ_NODENAME: `e2e${this.number}@localhost`,
      RABBITMQ_CONFIG_FILE: '/srv/rabbitmq.conf',
      RABBITMQ_ENABLED_PLUGINS_FILE: '/srv/enabled_plugins',
      RABBITMQ_MNESIA_BASE: '/srv/mnesia',
      RABBITMQ_FEATURE_FLAGS_FILE: '/srv/feature_flags',
      RABBITMQ_GENERATED_CONFIG_DIR: '/srv/generated',
      RABBITMQ_LOG_BASE: '/srv/log',
      RABBITMQ_LOGS: '-',
      RABBITMQ_DIST_PORT: String(20_000 + this.number * 2),
      ERL_EPMD_PORT: String(20_001 + this.number * 2),
      ERL_EPMD_ADDRESS: '127.0.0.1',
    };
    // Processes of its own: what Erlang starts beside the broker ends with it.
    const child = spawn('unshare', ['--pid', '--fork', ...inImage(this.image, this.directory, USER, ['rabbitmq-server'])], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: environment,
    });
    this.broker = child;
    await until('the broker answers', async () => {
      if (child.exitCode !== null) throw new Error(`rabbitmq-server ended with ${child.exitCode}`);
      return this.request('GET', '/api/whoami', undefined, password).then(
        () => true,
        () => false,
      );
    });
  }

  /** What a lost node does to it. */
  async kill(): Promise<void> {
    const { broker: child } = this;
    this.broker = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    // The first process of the namespace, and all others with it; `unshare` only waits for it.
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
    process.kill(Number(first), 'SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async request(method: string, path: string, body?: unknown, password = this.password): Promise<Definitions> {
    const answer = await fetch(`http://${this.address}:15672${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${this.username}:${password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  }

  define(definitions: Definitions): Promise<Definitions> {
    return this.request('POST', '/api/definitions', definitions);
  }

  /** Everything that is defined, but for what tells a cluster from others; in an order of its own. */
  async definitions(): Promise<Definitions> {
    const all = await this.request('GET', '/api/definitions');
    const kinds = Object.entries(all).filter(([kind, objects]) => Array.isArray(objects) && kind !== 'global_parameters');
    const text = (object: unknown) =>
      JSON.stringify(object, (_, value) => (isObject(value) ? Object.fromEntries(Object.entries(value).sort()) : value));
    return Object.fromEntries(kinds.map(([kind, objects]) => [kind, objects.map(text).sort()]));
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
