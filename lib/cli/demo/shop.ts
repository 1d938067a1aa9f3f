import { join } from 'node:path';
import { type Machine, must, type Variables } from './machine';
import { SHOP } from './plan';

/** psql's result for one table: the number of rows, and a checksum of them all. */
export interface TableSum {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

const CONTENT = `
create table customers (id int primary key, name text not null, mail text not null unique, since date not null);
create table products (id int primary key, name text not null, price numeric(10, 2) not null check (price > 0));
create table orders (id int primary key, customer int not null references customers, placed timestamptz not null, note text);
create table order_lines (
  "order" int references orders, line int, product int not null references products, pieces int not null, primary key ("order", line));
insert into customers
  select i, 'Customer ' || i, 'customer' || i || '@shop.example', date '2020-01-01' + i % 1500 from generate_series(1, 500) i;
insert into products select i, 'Product ' || i, (100 + i * 37 % 9900) / 100.0 from generate_series(1, 80) i;
insert into orders
  select i, 1 + i * 17 % 500, timestamptz '2026-01-01 08:00Z' + i * interval '97 seconds', case i % 3 when 0 then md5(i::text) end
  from generate_series(1, 4000) i;
insert into order_lines select o, l, 1 + (o * 7 + l * 13) % 80, 1 + (o + l) % 4 from generate_series(1, 4000) o, generate_series(1, 3) l;
create index on orders (customer);
create view turnover as
  select customer, sum(price * pieces) from orders join order_lines l on l."order" = orders.id join products p on p.id = product group by customer;
`;

/** A PostgreSQL with a small shop in it, reachable only by a socket. */
export class ShopServer {
  private readonly data: string;
  private readonly log: string;

  /** @param password the superuser's */
  constructor(
    private readonly machine: Machine,
    private readonly password: string,
  ) {
    this.data = join(machine.home, 'server', 'data');
    this.log = join(machine.home, 'server', 'log');
  }

  /** Where its socket is. */
  public get socket(): string {
    return join(this.machine.home, 'server');
  }

  /** Creates it, and waits until it answers. @throws Error with its log when it does not */
  public async start(): Promise<void> {
    await must(this.machine, 'mkdir', ['-p', this.socket]);
    const passwordFile = join(this.socket, 'password');
    await must(this.machine, 'sh', ['-c', 'umask 077; cat >"$1"', 'sh', passwordFile], {}, this.password);
    const secret = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
    await must(this.machine, 'initdb', ['-D', this.data, '-U', 'postgres', ...secret, '--no-locale', '--encoding=UTF8', '--no-sync'], {
      TZ: 'UTC',
    });
    await must(this.machine, 'rm', [passwordFile]);
    const settings = ['listen_addresses=', `unix_socket_directories=${this.socket}`, 'unix_socket_permissions=0700', 'fsync=off'];
    this.machine.serve('postgres', ['-D', this.data, ...settings.flatMap(setting => ['-c', setting])], this.log);
    for (let tries = 0; ; tries++) {
      const { code, stderr } = await this.psql('postgres', 'select 1');
      if (code === 0) return;
      if (tries === 300) {
        const { stdout } = await this.machine.run('cat', [this.log]);
        throw new Error(`the server did not come up: ${stderr.trim()}\n${stdout}`);
      }
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }

  /** Fills it, and creates the role that backs up, as docs/quick-start.md does. */
  public async fill(password: string): Promise<void> {
    await this.sql('postgres', `create database ${SHOP.database}`);
    await this.sql(SHOP.database, CONTENT);
    await this.sql('postgres', `create role backup login password '${password}'; grant pg_read_all_data to backup`);
  }

  public async tables(): Promise<string[]> {
    return this.lines("select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1");
  }

  /** Counts and checksums by psql alone, without anything that the scripts of backups use. */
  public async sums(): Promise<TableSum[]> {
    const sums: TableSum[] = [];
    for (const table of await this.tables()) {
      const query = `select count(*), md5(string_agg(t::text, E'\\n' order by t::text collate "C")) from "${table}" t`;
      const [rows = '', checksum = ''] = (await this.lines(query))[0]?.split('|') ?? [];
      sums.push({ table, rows: Number(rows), checksum });
    }
    return sums;
  }

  /** The disaster. */
  public async dropTables(): Promise<void> {
    const tables = (await this.tables()).map(table => `"${table}"`);
    await this.sql(SHOP.database, `drop table ${tables.join(', ')} cascade`);
  }

  private async lines(query: string): Promise<string[]> {
    return (await this.sql(SHOP.database, query)).split('\n').filter(Boolean);
  }

  private async sql(database: string, statements: string): Promise<string> {
    const { code, stdout, stderr } = await this.psql(database, statements);
    if (code !== 0) throw new Error(`psql: ${stderr.trim()}`);
    return stdout.toString();
  }

  private psql(database: string, statements: string) {
    const variables: Variables = {
      PGHOST: this.socket,
      PGUSER: 'postgres',
      PGPASSWORD: this.password,
      PGTZ: 'UTC',
      PGOPTIONS: '-c client_min_messages=error',
    };
    return this.machine.run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'], variables, statements);
  }
}
