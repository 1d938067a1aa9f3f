import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';
import { answers } from './rest-server';

/** A real SFTP server, rclone's, over a directory, on a loopback address and port 2022. */
export class SftpServer {
  readonly address = loopbackAddress();
  private readonly keys = mkdtempSync(join(tmpdir(), 'e2e-sftp-'));
  readonly directory = join(this.keys, 'served');
  private process: ChildProcess | undefined;

  static async start(): Promise<SftpServer> {
    const server = new SftpServer();
    for (const name of ['host', 'client'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(server.keys, name)]);
    mkdirSync(server.directory);
    const keys = ['--key', join(server.keys, 'host'), '--authorized-keys', join(server.keys, 'client.pub')];
    server.process = spawn(
      'rclone',
      ['serve', 'sftp', '--addr', `${server.address}:2022`, '--user', 'backup', '--config', '/dev/null', ...keys, server.directory],
      { stdio: 'ignore' },
    );
    await until('the SFTP server listens', () => answers(server.address, 2022));
    return server;
  }

  /** What a client needs that knows the server by this name, and by this key of its own or another's. */
  secret(host: string, key: 'host' | 'client' = 'host'): { [name: string]: string } {
    const [type, text] = readFileSync(join(this.keys, `${key}.pub`), 'utf8').split(' ');
    return {
      privateKey: readFileSync(join(this.keys, 'client'), 'utf8'),
      knownHosts: `[${host}]:2022 ${type} ${text?.trim()}\n`,
    };
  }

  stop(): void {
    this.process?.kill();
    rmSync(this.keys, { recursive: true, force: true });
  }
}
