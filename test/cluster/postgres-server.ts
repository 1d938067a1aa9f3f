import { until } from './kubectl';
import type { Namespace } from './namespace';
import { secret, service, startServer } from './server';
import { POSTGRES_PATH } from './stateful-server';

const COMMAND = [
  ...['bash', '-ec'],
  `initdb --username=postgres --auth-local=trust --auth-host=scram-sha-256 /data/pg >/dev/null
  echo "host all all all scram-sha-256" >>/data/pg/pg_hba.conf
  exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/data -c fsync=off`,
];

/** The Secrets of the accounts that may read and restore. */
export const ACCOUNTS = [
  secret('orders-backup', { username: 'backup', password: 'of backup' }),
  secret('orders-owner', { username: 'owner', password: 'of owner' }),
];

/** A server with the database `orders`, and with the Secrets `orders-backup` and `orders-owner`, of accounts that may read and restore. */
export class PostgresServer {
  constructor(
    private readonly namespace: Namespace,
    readonly name = 'orders-db',
  ) {}

  /** With a database that the assertions of dist/ are satisfied with. */
  async start(): Promise<void> {
    const { namespace, name } = this;
    await namespace.apply(...ACCOUNTS);
    const env = { PGHOST: '/data', PATH: POSTGRES_PATH };
    await startServer(namespace, { name, image: 'postgres:15.19-bookworm', port: 5432, command: COMMAND, env, ready: ['pg_isready'] });
    await this.sql('postgres', "create role backup login password 'of backup'; grant pg_read_all_data to backup");
    await this.sql('postgres', "create role owner login superuser password 'of owner'");
    await this.sql('postgres', 'create database orders');
    await this.sql('orders', 'create table pgbench_branches (bid int, bbalance int); insert into pgbench_branches values (1, 0)');
    await this.sql('orders', 'create table pgbench_accounts as select n as aid, md5(n::text) as filler from generate_series(1, 20000) n');
  }

  sql(database: string, statement: string): Promise<string> {
    return this.namespace.output('exec', this.name, '--', 'psql', '-U', 'postgres', '-d', database, '-XAtqc', statement);
  }

  /** The whole of a database, as the server dumps it. */
  async dump(database: string): Promise<string> {
    const dump = await this.namespace.output('exec', this.name, '--', 'pg_dump', '-U', 'postgres', '--create', database);
    // Newer versions have a word in it that is another one each time.
    return dump.replace(/^\\(un)?restrict .*$/gm, '');
  }

  /** Has the server answer to its name, or not: what asks for it waits then. */
  async answers(yes: boolean): Promise<void> {
    if (yes) await this.namespace.apply(service(this.name, this.name, 5432));
    else await this.namespace.output('delete', 'service', this.name, '--ignore-not-found');
  }

  /** Waits until a job's pod asks for it, and names the pod. */
  async waitsForIt(job: string): Promise<string> {
    const running = () =>
      this.namespace
        .output(
          'get',
          'pod',
          `--selector=job-name=${job}`,
          '--field-selector=status.phase=Running',
          '--output=jsonpath={.items[0].metadata.name}',
        )
        .catch(() => '');
    await until(`${job} waits for its server`, async () => {
      const name = await running();
      return name !== '' && (await this.namespace.output('logs', name, '--all-containers').catch(() => '')).includes(this.name);
    });
    return running();
  }
}
