import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { inImage } from './in-image';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

const USER = 999;

export interface RedisServerOptions {
  readonly image: Image;
  /** What the programs are called, before -server and -cli. @default 'redis' */
  readonly program?: 'redis' | 'valkey';
  /** Its data directory. @default - a directory of its own */
  readonly directory?: string;
  /** Whether it reads and writes append-only files. @default true */
  readonly appendOnly?: boolean;
  /** Further words for redis-cli. @default none */
  readonly client?: string[];
  /** Further settings. @default none */
  readonly settings?: { [name: string]: string };
}

/** A real Redis or Valkey server, run from an image's root file system, on a loopback address and port 6379. */
export class RedisServer {
  readonly address = loopbackAddress();
  readonly password = "correct horse 'battery' $taple";
  readonly directory: string;
  private readonly program: string;
  private process: ChildProcess | undefined;

  private constructor(private readonly options: RedisServerOptions) {
    this.program = options.program ?? 'redis';
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'e2e-redis-'));
    mkdirSync(this.directory, { recursive: true });
    chownSync(this.directory, USER, USER);
  }

  static async start(options: RedisServerOptions): Promise<RedisServer> {
    const server = new RedisServer(options);
    await server.up();
    return server;
  }

  /** Starts the server again, over the data it has. */
  async up(appendOnly = this.options.appendOnly ?? true): Promise<void> {
    const settings = {
      bind: this.address,
      port: '6379',
      dir: '/srv',
      requirepass: this.password,
      appendonly: appendOnly ? 'yes' : 'no',
      save: '',
      'repl-diskless-sync-delay': '0',
      'enable-debug-command': 'yes',
      ...this.options.settings,
    };
    const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn('unshare', inImage(this.options.image, this.directory, USER, [`${this.program}-server`, ...words]), {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.process = child;
    await until('the server answers', () => {
      if (child.exitCode !== null) throw new Error(`${this.program}-server ended with ${child.exitCode}`);
      return this.ask('ping') === 'PONG';
    });
  }

  /** Its process. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What a lost node does to it. */
  async kill(): Promise<void> {
    await this.end(child => child.kill('SIGKILL'));
  }

  /** As a StatefulSet that is scaled to zero stops it: it saves what it holds where it is told to. */
  async down(): Promise<void> {
    await this.end(() => this.ask('shutdown', this.options.appendOnly === false ? 'save' : 'nosave'));
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.options.directory === undefined) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** The server's answer to a command, as redis-cli prints it; an error is an answer, too. */
  ask(...command: string[]): string {
    const words = [`${this.program}-cli`, ...(this.options.client ?? []), '-h', this.address, ...command];
    try {
      return execFileSync('unshare', inImage(this.options.image, this.directory, USER, words), {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, REDISCLI_AUTH: this.password },
      }).trim();
    } catch (error) {
      return String((error as { stderr?: string }).stderr);
    }
  }

  /** Runs many commands, one a line. */
  feed(commands: string[]): void {
    execFileSync(
      'unshare',
      inImage(this.options.image, this.directory, USER, [`${this.program}-cli`, ...(this.options.client ?? []), '-h', this.address]),
      {
        input: commands.join('\n'),
        stdio: ['pipe', 'ignore', 'inherit'],
        env: { PATH: process.env.PATH, REDISCLI_AUTH: this.password },
      },
    );
  }

  /** Runs one command again and again until it is stopped. */
  repeat(...command: string[]): { stop(): Promise<void> } {
    const words = [`${this.program}-cli`, ...(this.options.client ?? []), '-h', this.address, '-r', '-1', ...command];
    const child = spawn('unshare', inImage(this.options.image, this.directory, USER, words), {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, REDISCLI_AUTH: this.password },
    });
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    return {
      stop: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Of all content in all databases. */
  digest(): string {
    return this.ask('debug', 'digest');
  }

  private async end(how: (child: ChildProcess) => unknown): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    how(child);
    await ended;
  }
}
