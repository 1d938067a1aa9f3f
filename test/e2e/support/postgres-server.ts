import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';

const USER = '999';

/** Every server has a loopback address of its own, so that all can listen on the port they have in a cluster. */
let last = 0;
export function loopbackAddress(): string {
  last += 1;
  return `127.${77 + (process.pid % 100)}.${(process.pid >> 8) % 250}.${last + 1}`;
}

export function childrenOf(pid: number | undefined): number[] {
  return pid === undefined ? [] : readText(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** Empty when there is no such file, as of a process that has just ended. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** A real PostgreSQL server, run from an image's root file system, on a loopback address and port 5432. */
export class PostgresServer {
  readonly address = loopbackAddress();
  readonly password = 'correct horse battery staple';
  private process: ChildProcess | undefined;

  private constructor(
    private readonly image: Image,
    private readonly major: string,
    private readonly settings: { [name: string]: string } = {},
    private readonly volume?: string,
    private readonly directory = volume ?? mkdtempSync(join(tmpdir(), 'e2e-postgres-')),
  ) {}

  /**
   * @param settings beside those that every test needs
   * @param volume a directory, such as a claim's, that keeps the data in `data`; it is not removed
   */
  static async start(image: Image, major: string, settings?: { [name: string]: string }, volume?: string): Promise<PostgresServer> {
    const server = new PostgresServer(image, major, settings, volume);
    chownSync(server.directory, Number(USER), Number(USER));
    const secret = join(server.directory, 'password');
    writeFileSync(secret, server.password);
    chownSync(secret, Number(USER), Number(USER));
    server.inside([
      server.program('initdb'),
      '-D',
      '/srv/data',
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '--pwfile=/srv/password',
      '--locale=en_US.utf8',
      '-N',
    ]);
    await server.up();
    return server;
  }

  /** A server on the data that something restored to `data` of a directory; its accounts are those of another server. */
  static async over(volume: string, like: PostgresServer): Promise<PostgresServer> {
    const server = new PostgresServer(like.image, like.major, like.settings, volume);
    await server.up();
    return server;
  }

  /** A hot standby that follows another server. */
  static async standbyOf(primary: PostgresServer): Promise<PostgresServer> {
    const server = new PostgresServer(primary.image, primary.major, primary.settings);
    chownSync(server.directory, Number(USER), Number(USER));
    const copy = [
      server.program('pg_basebackup'),
      '-D',
      '/srv/data',
      '-h',
      primary.address,
      '-U',
      'postgres',
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '-N',
    ];
    server.inside(copy, undefined, { PGPASSWORD: primary.password });
    await server.up();
    return server;
  }

  /** Starts the server again, over the data it has. */
  async up(): Promise<void> {
    // A new server finds the old one's processes, and does not start beside them.
    while (this.dying.some(pid => readText(`/proc/${pid}/cmdline`) !== '')) await new Promise(resolve => setTimeout(resolve, 20));
    const settings = {
      listen_addresses: this.address,
      unix_socket_directories: '',
      dynamic_shared_memory_type: 'mmap',
      fsync: 'off',
      max_connections: '40',
      log_min_messages: 'fatal',
      ...this.settings,
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.process = spawn('unshare', this.wrap([this.program('postgres'), '-D', '/srv/data', ...options]), {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (let tries = 0; ; tries += 1) {
      try {
        this.query('postgres', 'select 1');
        return;
      } catch (error) {
        if (tries > 100 || this.process.exitCode !== null) throw error;
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
  }

  /** Its first process. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What a lost node does to it. */
  kill(): void {
    // The children notice that their postmaster is gone, and end; those that are paused never would.
    this.dying = [this.process?.pid ?? 0, ...childrenOf(this.process?.pid)];
    this.process?.kill('SIGKILL');
    for (const pid of this.paused) signal(pid, 'SIGKILL');
    this.process = undefined;
  }

  /** Stops every process that sends files or log to a client, until the returned function is called. */
  pauseSenders(): () => void {
    const timer = setInterval(() => {
      for (const pid of childrenOf(this.process?.pid)) {
        if (this.paused.has(pid) || !/walsender/.test(readText(`/proc/${pid}/cmdline`))) continue;
        this.paused.add(pid);
        signal(pid, 'SIGSTOP');
      }
    }, 3);
    return () => {
      clearInterval(timer);
      for (const pid of this.paused) signal(pid, 'SIGCONT');
      this.paused.clear();
    };
  }
  readonly paused = new Set<number>();
  private dying: number[] = [];

  async stop(): Promise<void> {
    const { process } = this;
    if (process && process.exitCode === null) {
      const ended = new Promise(resolve => process.once('exit', resolve));
      process.kill('SIGINT');
      await ended;
    }
    this.process = undefined;
    if (!this.volume) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Runs a client program of the image against this server. */
  client(program: string, args: string[], input?: string): string {
    return this.inside([this.program(program), ...args], input, {
      PGHOST: this.address,
      PGUSER: 'postgres',
      PGPASSWORD: this.password,
      PGCLIENTENCODING: 'UTF8',
      // Said when it connects: a database's own millisecond passes before a statement of ours could lift it.
      PGOPTIONS: '-c statement_timeout=0',
    });
  }

  query(database: string, sql: string): string {
    return this.client(
      'psql',
      ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', `dbname='${database.replace(/[\\']/g, '\\$&')}'`, '-f', '-'],
      sql,
    ).trim();
  }

  /** A checksum of every table's content, of large objects and of sequences: what must be equal before and after. */
  checksums(database: string): { [table: string]: string } {
    const tables = this.query(
      database,
      `select format('select %L, count(*) || '' '' || coalesce(md5(string_agg(md5(t::text), '''' order by md5(t::text))), '''') from only %I.%I t;', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const others = `
      select 'large object ' || oid, md5(lo_get(oid)) from pg_largeobject_metadata order by oid;
      select 'sequence ' || format('%I.%I', schemaname, sequencename), last_value from pg_sequences order by 1;
      select 'view ' || viewname, md5(pg_get_viewdef(format('%I.%I', schemaname, viewname)::regclass)) from pg_views where schemaname not in ('pg_catalog', 'information_schema') order by 1;
      select 'owner ' || c.oid::regclass, pg_get_userbyid(relowner) || ' ' || coalesce(relacl::text, '') from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1;
      select 'database', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, (select array_agg(a::text order by a::text) from unnest(datacl) a), (select array_agg(c order by c) from pg_db_role_setting s, unnest(setconfig) c where setdatabase = d.oid and setrole = 0) from pg_database d where datname = current_database();`;
    return Object.fromEntries(
      this.query(database, tables + others)
        .split('\n')
        .map(line => [line.slice(0, line.indexOf('|')), line.slice(line.indexOf('|') + 1)]),
    );
  }

  /** Starts a client program of the image and leaves it running. */
  background(program: string, args: string[]): { stop(): Promise<void> } {
    const child = spawn('unshare', this.wrap([this.program(program), ...args]), {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', PGHOST: this.address, PGUSER: 'postgres', PGPASSWORD: this.password },
    });
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    return {
      stop: async () => {
        child.kill('SIGTERM');
        await ended;
      },
    };
  }

  private program(name: string): string {
    return `/usr/lib/postgresql/${this.major}/bin/${name}`;
  }

  private inside(command: string[], input?: string, env: NodeJS.ProcessEnv = {}): string {
    return execFileSync('unshare', this.wrap(command), {
      input: input ?? '',
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...env },
      maxBuffer: 1 << 28,
    });
  }

  /** The image's root, with a device tree and this server's directory, seen by this process alone. */
  private wrap(command: string[]): string[] {
    const mountPoints = 'mount --bind /dev "$1/dev" && mount -t tmpfs tmpfs "$1/srv" && mkdir -p "$1/srv" && mount --bind "$2" "$1/srv"';
    return [
      '--mount',
      'sh',
      '-ec',
      `${mountPoints}; root=$1; shift 2; unset TMPDIR; exec chroot --userspec=${USER}:${USER} "$root" "$@"`,
      'sh',
      this.image.root,
      this.directory,
      ...command,
    ];
  }
}
