import type { Chart } from 'cdk8s';
import { PostgresVersion } from '../../../lib';
import { POSTGRES_PATH, statefulServer } from '../stateful-server';

const START = `
[ -d /data/data ] || initdb --username=postgres --auth=trust /data/data >/dev/null
exec postgres -D /data/data -c listen_addresses= -c unix_socket_directories=/tmp
`;

/** A PostgreSQL on the claim `data-<name>-0`, whoever made that. */
export function server(chart: Chart, name: string, replicas: number): void {
  statefulServer(chart, name, {
    ...{ replicas, image: PostgresVersion.V15.image, start: START, claims: { data: '/data' } },
    env: { PGHOST: '/tmp', PATH: POSTGRES_PATH },
    // Over its socket psql has a server that recovers as one that is not there.
    ready: ['psql', '-U', 'postgres', '-c', 'select 1'],
  });
}
