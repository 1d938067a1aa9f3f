import { until } from '../kubectl';
import { Namespace } from '../namespace';

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
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'orders-db' },
  spec: { selector: { app: 'orders-db' }, ports: [{ port: 5432 }] },
};
const secret = (name: string, username: string) => ({
  ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name } },
  stringData: { username, password: `of ${username}` },
});

/** The namespace of dist/shop.k8s.yaml, with the server that is backed up there. Whoever uses it has it alone. */
export const shop = new Namespace('shop');

/** Brings up the server, with a database that the assertions of dist/ are satisfied with. */
export async function startServer(): Promise<void> {
  await shop.apply(SERVER, SERVICE, secret('orders-backup', 'backup'), secret('orders-owner', 'owner'));
  await shop.output('wait', 'pod/orders-db', '--for=condition=Ready', '--timeout=5m');
  await sql('postgres', "create role backup login password 'of backup'; grant pg_read_all_data to backup");
  await sql('postgres', "create role owner login superuser password 'of owner'");
  await sql('postgres', 'create database orders');
  await sql('orders', 'create table pgbench_branches (bid int, bbalance int); insert into pgbench_branches values (1, 0)');
  await sql('orders', 'create table pgbench_accounts as select n as aid, md5(n::text) as filler from generate_series(1, 20000) n');
}

export function sql(database: string, statement: string): Promise<string> {
  return shop.output('exec', 'orders-db', '--', 'psql', '-U', 'postgres', '-d', database, '-XAtqc', statement);
}

/** Has the server answer to its name, or not: what asks for it waits then. */
export async function answers(yes: boolean): Promise<void> {
  if (yes) await shop.apply(SERVICE);
  else await shop.output('delete', 'service', 'orders-db', '--ignore-not-found');
}

/** As `kubectl create job --from` makes a job, with a change to its specification. */
export async function createJob(name: string, cronJob: string, change: (spec: JobSpec) => void): Promise<void> {
  const job = JSON.parse(await shop.output('create', 'job', `--from=cronjob/${cronJob}`, name, '--dry-run=client', '--output=json'));
  change(job.spec);
  await shop.apply(job);
}

/** A Job's specification, as far as scenarios change it. */
export interface JobSpec {
  ttlSecondsAfterFinished?: number;
  readonly template: { readonly spec: { readonly containers: { readonly env: { readonly name: string; value?: string }[] }[] } };
}

/** Waits until a job's pod asks for its server, and names the pod. */
export async function waitsForServer(job: string): Promise<string> {
  const running = async () =>
    shop
      .output(
        'get',
        'pod',
        `--selector=job-name=${job}`,
        '--field-selector=status.phase=Running',
        '--output=jsonpath={.items[0].metadata.name}',
      )
      .catch(() => '');
  await until(`${job} waits for its server`, async () => {
    const pod = await running();
    return pod !== '' && (await shop.output('logs', pod, '--all-containers').catch(() => '')).includes('orders-db');
  });
  return running();
}
