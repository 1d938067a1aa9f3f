import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

/** A real server of restic's REST protocol: rclone's, over a directory. */
export class RestServer {
  readonly address = loopbackAddress();
  readonly username = 'backup';
  readonly password = 'a server password';
  readonly directory = mkdtempSync(join(tmpdir(), 'e2e-rest-'));
  private process: ChildProcess | undefined;

  static async start(): Promise<RestServer> {
    const server = new RestServer();
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    this.process = spawn('rclone', ['serve', 'restic', '--addr', `${this.address}:8000`, '--config', '/dev/null', this.directory], {
      env: { PATH: process.env.PATH, RCLONE_USER: this.username, RCLONE_PASS: this.password },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
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
    rmSync(this.directory, { recursive: true, force: true });
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
