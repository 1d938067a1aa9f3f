import { beforeAll, expect, test } from 'vitest';
import { Namespace, until } from '../kubectl';

/** The server that dist/shop.k8s.yaml protects, as somebody may run it. */
const SERVER = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'orders-db', labels: { app: 'orders-db' } },
  spec: {
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
};
export const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'orders-db' },
  spec: { selector: { app: 'orders-db' }, ports: [{ port: 5432 }] },
};
const secret = (name: string, username: string) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name } },
  stringData: { username, password: `of ${username}` },
});

/** What runs in pods, from dist/ as it is: a database is backed up, verified, lost, and comes back. */
export function postgresComesBack(): void {
  const shop = new Namespace('shop');
  let jobs = 0;

  const sql = (database: string, statement: string) =>
    shop.output('exec', 'orders-db', '--', 'psql', '-U', 'postgres', '-d', database, '-XAtqc', statement);
  const count = () => sql('orders', 'select count(*), sum(hashtext(a::text)::bigint) from pgbench_accounts a');

  /** Starts a CronJob's job by hand, and waits for its end; its result line. */
  async function run(cronJob: string): Promise<{ verdict: string; id: string; reason: string }> {
    jobs += 1;
    const name = `${cronJob}-by-hand-${jobs}`;
    await shop.output('create', 'job', `--from=cronjob/${cronJob}`, name);
    const ended = () => shop.output('get', 'job', name, '--output=jsonpath={.status.conditions[*].type}');
    await until(`${name} has ended`, async () => /Complete|Failed/.test(await ended()), 600);
    const path = '{.items[0].status.containerStatuses[0].state.terminated.message}';
    const said = await shop.output('get', 'pod', `--selector=job-name=${name}`, `--output=jsonpath=${path}`);
    if (said === '') throw new Error(`${name} said nothing:\n${await shop.output('describe', 'pod', `--selector=job-name=${name}`)}`);
    return JSON.parse(said);
  }

  beforeAll(async () => {
    await shop.apply(SERVER, SERVICE, secret('orders-backup', 'backup'), secret('orders-owner', 'owner'));
    await shop.output('wait', 'pod/orders-db', '--for=condition=Ready', '--timeout=5m');
    await sql('postgres', "create role backup login password 'of backup'; grant pg_read_all_data to backup");
    await sql('postgres', "create role owner login superuser password 'of owner'");
    await sql('postgres', 'create database orders');
    await sql('orders', 'create table pgbench_branches (bid int, bbalance int); insert into pgbench_branches values (1, 0)');
    await sql('orders', 'create table pgbench_accounts as select n as aid, md5(n::text) as filler from generate_series(1, 20000) n');
  }, 600_000);

  test('it is backed up by a job that was made by hand, and verified', async () => {
    const { verdict, id } = await run('orders-backup');
    expect(verdict).toBe('published');
    expect(await run('orders-verify')).toMatchObject({ verdict: 'verified', id });
  });

  test('it is lost, and comes back', async () => {
    const before = await count();
    await sql('postgres', 'drop database orders with (force)');
    expect(await run('orders-restore')).toMatchObject({ verdict: 'restored' });
    expect(await count()).toBe(before);
  });
}
