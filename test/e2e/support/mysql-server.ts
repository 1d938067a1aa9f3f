import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from '../../rehearsal';
import { loopbackAddress } from './postgres-server';
import { until } from './rehearse';

const USER = 999;

export interface MysqlServerOptions {
  /** A directory of this machine that is the server's data directory, such as that of a claim. @default one of its own */
  readonly data?: string;
  /** More options of the server: `{ 'log-bin': 'binlog', 'server-id': '1' }`. @default none */
  readonly options?: { [option: string]: string };
  /** The address to listen on; a server that takes another's place has its address. @default one of its own */
  readonly address?: string;
}

/** A real MariaDB or MySQL server, run from an image's root file system, on a loopback address and port 3306. */
export class MysqlServer {
  readonly address: string;
  readonly password = `correct "horse" \\ battery #staple's`;
  /** Where the server's data is, on this machine. */
  readonly data: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'e2e-mysql-'));
  readonly mariadb: boolean;
  private process: ChildProcess | undefined;

  private constructor(
    private readonly image: Image,
    private readonly options: MysqlServerOptions,
  ) {
    this.mariadb = image.name.startsWith('mariadb:');
    this.address = options.address ?? loopbackAddress();
    this.data = options.data ?? join(this.directory, 'data');
    for (const path of [this.directory, this.data, join(this.directory, 'data')]) {
      mkdirSync(path, { recursive: true });
      chownSync(path, USER, USER);
    }
  }

  /** Makes a data directory and starts a server over it. The user is `root`, from anywhere. */
  static async start(image: Image, options: MysqlServerOptions = {}): Promise<MysqlServer> {
    const server = new MysqlServer(image, options);
    if (server.mariadb) {
      server.inside([
        'mariadb-install-db',
        '--no-defaults',
        '--datadir=/var/lib/mysql',
        '--auth-root-authentication-method=normal',
        '--skip-test-db',
        '--force',
      ]);
    } else {
      server.inside(['mysqld', '--no-defaults', '--initialize-insecure', '--datadir=/var/lib/mysql', ...FAST]);
    }
    await server.launch(['--user=root', '--password=']);
    const password = server.password.replace(/[\\']/g, '\\$&');
    server.inside(
      [server.program('client'), ...SOCKET, '--user=root', '--password='],
      `set sql_log_bin = 0;
       create user 'root'@'%' identified by '${password}'; grant all on *.* to 'root'@'%' with grant option;
       alter user 'root'@'localhost' identified by '${password}';
       ${server.mariadb ? "delete from mysql.global_priv where user = '' or user = 'root' and host not in ('localhost', '%'); flush privileges;" : ''}`,
    );
    return server;
  }

  /** Starts a server over a data directory that holds one, such as a restored one; its password for `root` is the same. */
  static async over(image: Image, options: MysqlServerOptions): Promise<MysqlServer> {
    const server = new MysqlServer(image, options);
    await server.up();
    return server;
  }

  /** Starts the server again, over the data it has. */
  async up(): Promise<void> {
    await this.launch(['--user=root', `--password=${this.password}`]);
  }

  /** Its process. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** What a lost node does to it. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Ends it, and keeps the data. */
  async down(): Promise<void> {
    await this.end('SIGTERM');
  }

  async stop(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Runs a client program of the image against this server: `client`, `dump`, `admin`, `binlog`. */
  client(program: string, args: string[], input?: string): string {
    return this.inside([this.program(program), ...this.connection(), ...args], input);
  }

  /** Runs statements; what they answer, a line per row, columns separated by tabs. */
  query(database: string, sql: string): string {
    return this.client(
      'client',
      ['--batch', '--raw', '--skip-column-names', '--default-character-set=utf8mb4', '--binary-mode', `--database=${database}`],
      sql,
    ).trimEnd();
  }

  /** Starts a client with statements on its input and leaves it running. */
  background(database: string, sql: string): { stop(): Promise<void> } {
    const command = [this.program('client'), ...this.connection(), '--batch', '--force', `--database=${database}`];
    const child = spawn('unshare', this.wrap(command), { stdio: ['pipe', 'ignore', 'ignore'], env: this.environment() });
    child.stdin?.on('error', () => {});
    child.stdin?.end(sql);
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
    return {
      stop: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Ends the sessions in which a statement like this runs, and waits until they are gone. One may go by itself, once the server misses its client. */
  async endSessions(like: string): Promise<void> {
    const running = `select id from processlist where info like '${like}' and id <> connection_id()`;
    await until(`no session runs ${like}`, () => {
      const ids = this.query('information_schema', running).split('\n').filter(Boolean);
      for (const id of ids) {
        try {
          this.query('mysql', `kill ${id}`);
        } catch (problem) {
          if (!/Unknown thread id/.test(String(problem))) throw problem;
        }
      }
      return ids.length === 0;
    });
  }

  /**
   * Everything in a database by name: a checksum of each table's rows, columns, indexes and constraints, the text of views, routines,
   * triggers and events. What must be equal before and after; the name of the database itself is left out of it.
   */
  checksums(database: string): { [what: string]: string } {
    const name = `'${database.replace(/[\\']/g, '\\$&')}'`;
    const quoted = `\`${database.replace(/`/g, '``')}\``;
    const tables = this.query(
      'information_schema',
      `select concat('\`', replace(table_name, '\`', '\`\`'), '\`') from tables where table_schema = ${name} and table_type = 'BASE TABLE' order by table_name;`,
    );
    const sequences = this.mariadb
      ? this.query(
          'information_schema',
          `select concat('\`', replace(table_name, '\`', '\`\`'), '\`') from tables where table_schema = ${name} and table_type = 'SEQUENCE' order by table_name;`,
        )
      : '';
    const without = (column: string) => `replace(${column}, ${`'${quoted.replace(/[\\']/g, '\\$&')}.'`}, '')`;
    const catalog = [
      [
        'column',
        "concat_ws('.', table_name, column_name)",
        `concat_ws('|', ordinal_position, column_type, ifnull(${without('column_default')}, 'NULL'), is_nullable, ifnull(collation_name, ''), extra, column_comment, ifnull(generation_expression, ''))`,
        'columns',
        'table_schema',
      ],
      [
        'index',
        "concat_ws('.', table_name, index_name, seq_in_index)",
        "concat_ws('|', non_unique, column_name, ifnull(sub_part, ''), index_type)",
        'statistics',
        'table_schema',
      ],
      ['constraint', "concat_ws('.', table_name, constraint_name)", 'constraint_type', 'table_constraints', 'table_schema'],
      [
        'foreign key',
        "concat_ws('.', table_name, constraint_name)",
        "concat_ws('|', referenced_table_name, update_rule, delete_rule)",
        'referential_constraints',
        'constraint_schema',
      ],
      [
        'partition',
        "concat_ws('.', table_name, partition_name)",
        "concat_ws('|', partition_method, partition_expression, partition_description)",
        'partitions',
        'partition_name is not null and table_schema',
      ],
      [
        'table',
        'table_name',
        "concat_ws('|', engine, table_collation, create_options, table_comment)",
        'tables',
        "table_type = 'BASE TABLE' and table_schema",
      ],
      [
        'view',
        'table_name',
        `concat_ws('|', ${without('view_definition')}, check_option, definer, security_type)`,
        'views',
        'table_schema',
      ],
      [
        'routine',
        "concat(routine_type, ' ', routine_name)",
        "concat_ws('|', dtd_identifier, routine_definition, is_deterministic, sql_data_access, security_type, sql_mode, definer, routine_comment)",
        'routines',
        'routine_schema',
      ],
      [
        'trigger',
        'trigger_name',
        "concat_ws('|', event_manipulation, event_object_table, action_timing, action_order, action_statement, sql_mode, definer)",
        'triggers',
        'trigger_schema',
      ],
      [
        'event',
        'event_name',
        "concat_ws('|', event_definition, event_type, ifnull(interval_value, ''), ifnull(interval_field, ''), status, on_completion, sql_mode, definer, time_zone)",
        'events',
        'event_schema',
      ],
      ['database', "''", "concat_ws('|', default_character_set_name, default_collation_name)", 'schemata', 'schema_name'],
    ].map(
      ([what, key, value, table, column]) =>
        `select concat('${what} ', ${key}), sha2(${value}, 256) from information_schema.${table} where ${column} = ${name} order by 1, 2;`,
    );
    const statements = [
      "set names utf8mb4; set time_zone = '+00:00';",
      ...(tables ? [`checksum table ${tables.replaceAll('\n', ', ')} extended;`] : []),
      ...(sequences
        ? sequences
            .split('\n')
            .map(
              each =>
                `select ${`'sequence ${each.replace(/[\\']/g, '\\$&')}'`}, concat_ws('|', next_not_cached_value, minimum_value, maximum_value, increment, cache_size, cycle_option) from ${each};`,
            )
        : []),
      ...catalog,
    ];
    return Object.fromEntries(
      this.query(database, statements.join('\n'))
        .split('\n')
        .map(line => {
          const [what = '', ...values] = line.split('\t');
          return [what.startsWith(`${database}.`) ? `rows of ${what.slice(database.length + 1)}` : what, values.join('\t')];
        }),
    );
  }

  /** What accounts may do, by account; the server's own and those of the tests are left out. */
  grants(accounts: string[]): { [account: string]: string } {
    return Object.fromEntries(
      accounts.map(account => [account, this.query('mysql', `show grants for ${account}`).split('\n').sort().join('\n')]),
    );
  }

  private async launch(credentials: string[]): Promise<void> {
    const options = Object.entries(this.options.options ?? {}).map(([name, value]) => `--${name}=${value}`);
    const server = [
      this.mariadb ? 'mariadbd' : 'mysqld',
      ...['--no-defaults', '--datadir=/var/lib/mysql', '--socket=/srv/mysqld.sock', '--pid-file=/srv/mysqld.pid', '--tmpdir=/srv'],
      ...[`--bind-address=${this.address}`, '--port=3306', '--skip-name-resolve', '--event-scheduler=ON', '--character-set-server=utf8mb4'],
      ...(this.mariadb ? [] : ['--mysqlx=OFF']),
      ...FAST,
      ...options,
    ];
    this.process = spawn('unshare', this.wrap(server), { stdio: ['ignore', 'ignore', 'pipe'], env: this.environment() });
    let said = '';
    this.process.stderr?.on('data', chunk => {
      said = (said + chunk).slice(-5000);
    });
    for (let tries = 0; ; tries += 1) {
      try {
        this.inside([this.program('client'), ...SOCKET, ...credentials, '-e', 'select 1']);
        return;
      } catch (error) {
        if (tries > 150 || this.process.exitCode !== null) throw new Error(`the server did not start: ${String(error)}\n${said}`);
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise(resolve => process.once('exit', resolve));
    process.kill(signal);
    await ended;
  }

  private connection(): string[] {
    return ['--no-defaults', `--host=${this.address}`, '--port=3306', '--protocol=TCP', '--user=root', `--password=${this.password}`];
  }

  private program(name: string): string {
    const programs: { [name: string]: string } = this.mariadb
      ? { client: 'mariadb', dump: 'mariadb-dump', admin: 'mariadb-admin', binlog: 'mariadb-binlog' }
      : { client: 'mysql', dump: 'mysqldump', admin: 'mysqladmin' };
    return programs[name] ?? name;
  }

  private environment(): NodeJS.ProcessEnv {
    return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
  }

  private inside(command: string[], input?: string): string {
    return execFileSync('unshare', this.wrap(command), {
      input: input ?? '',
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      env: this.environment(),
      maxBuffer: 1 << 28,
    });
  }

  /** The image's root, with a device tree, this server's directory and its data directory, seen by this process alone. */
  private wrap(command: string[]): string[] {
    const mounts = 'mount --bind /dev "$1/dev" && mount --bind "$2" "$1/srv" && mount --bind "$3" "$1/var/lib/mysql"';
    return [
      '--mount',
      'sh',
      '-ec',
      `${mounts}; root=$1; shift 3; unset TMPDIR; exec chroot --userspec=${USER}:${USER} "$root" "$@"`,
      'sh',
      this.image.root,
      this.directory,
      this.data,
      ...command,
    ];
  }
}

const SOCKET = ['--no-defaults', '--socket=/srv/mysqld.sock', '--protocol=SOCKET'];

/** Tests end with the servers they start: nothing they hold has to survive the machine. */
const FAST = ['--innodb-flush-log-at-trx-commit=0', '--sync-binlog=0', '--innodb-doublewrite=0', '--innodb-buffer-pool-size=64M'];
