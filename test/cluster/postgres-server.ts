import { until } from './kubectl';
import type { Namespace } from './namespace';

/** How somebody may run a PostgreSQL 15: a pod, which has no right beyond "restricted". Its data go with it. */
const pod = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 5,
    securityContext: { runAsNonRoot: true, runAsUser: 999, runAsGroup: 999, fsGroup: 999, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'server',
        image: 'postgres:15.19-bookworm',
        command: [
          ...['bash', '-ec'],
          `initdb --username=postgres --auth-local=trust --auth-host=scram-sha-256 /data/pg >/dev/null
          echo "host all all all scram-sha-256" >>/data/pg/pg_hba.conf
          exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/data -c fsync=off`,
        ],
        env: [{ name: 'PGHOST', value: '/data' }],
        readinessProbe: { exec: { command: ['pg_isready'] }, periodSeconds: 1 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', emptyDir: {} }],
  },
});
const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 5432 }] },
});
const secret = (name: string, username: string) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name } },
  stringData: { username, password: `of ${username}` },
});

/** A server with the database `orders`, and with the Secrets `orders-backup` and `orders-owner`, of accounts that may read and restore. */
export class PostgresServer {
  constructor(
    private readonly namespace: Namespace,
    readonly name = 'orders-db',
  ) {}

  /** With a database that the assertions of dist/ are satisfied with. */
  async start(): Promise<void> {
    const { namespace, name } = this;
    await namespace.apply(pod(name), service(name), secret('orders-backup', 'backup'), secret('orders-owner', 'owner'));
    await namespace.output('wait', `pod/${name}`, '--for=condition=Ready', '--timeout=5m');
    await this.sql('postgres', "create role backup login password 'of backup'; grant pg_read_all_data to backup");
    await this.sql('postgres', "create role owner login superuser password 'of owner'");
    await this.sql('postgres', 'create database orders');
    await this.sql('orders', 'create table pgbench_branches (bid int, bbalance int); insert into pgbench_branches values (1, 0)');
    await this.sql('orders', 'create table pgbench_accounts as select n as aid, md5(n::text) as filler from generate_series(1, 20000) n');
  }

  sql(database: string, statement: string): Promise<string> {
    return this.namespace.output('exec', this.name, '--', 'psql', '-U', 'postgres', '-d', database, '-XAtqc', statement);
  }

  /** Has the server answer to its name, or not: what asks for it waits then. */
  async answers(yes: boolean): Promise<void> {
    if (yes) await this.namespace.apply(service(this.name));
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
