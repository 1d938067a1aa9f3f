import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

export interface RestServerOptions {
  /** Nothing that is there can be deleted or overwritten, but for locks. @default false */
  readonly appendOnly?: boolean;
  /** The files of a certificate and its key, for HTTPS. @default - HTTP */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What it serves; not removed in the end. @default - a directory of its own */
  readonly directory?: string;
}

/** A real server of restic's REST protocol: rclone's, over a directory. */
export class RestServer {
  readonly address = loopbackAddress();
  readonly username = 'backup';
  readonly password = 'a server password';
  readonly directory: string;
  private process: ChildProcess | undefined;

  private constructor(private readonly options: RestServerOptions) {
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'e2e-rest-'));
  }

  static async start(options: RestServerOptions = {}): Promise<RestServer> {
    const server = new RestServer(options);
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const { appendOnly, tls } = this.options;
    const flags = [...(appendOnly ? ['--append-only'] : []), ...(tls ? ['--cert', tls.cert, '--key', tls.key] : [])];
    this.process = spawn(
      'rclone',
      ['serve', 'restic', '--addr', `${this.address}:8000`, '--config', '/dev/null', ...flags, this.directory],
      {
        env: { PATH: process.env.PATH, RCLONE_USER: this.username, RCLONE_PASS: this.password },
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    );
    await until('the REST server listens', () => answers(this.address, 8000));
  }

  async down(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (!process || process.exitCode !== null) return;
    const ended = new Promise(resolve => process.once('exit', resolve));
    process.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.down();
    if (!this.options.directory) rmSync(this.directory, { recursive: true, force: true });
  }
}

export function answers(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
