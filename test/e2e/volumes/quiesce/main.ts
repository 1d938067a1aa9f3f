import { ApiObject, Chart, Duration } from 'cdk8s';
import { BackupApp, MariadbVersion, MongodbVersion, MysqlVersion, PostgresVersion, RedisVersion, SecretRef } from '../../../../lib';
import { Workload } from '../../../../lib/kubernetes/workload';
import { type IQuiesce, MysqlLock, Quiesce } from '../../../../lib/volumes';
import { quiesceAgent } from '../../../../lib/volumes/quiesce/agent';

// Servers on volumes of their own, each with the agent beside it. Nobody reaches the pods, nor do they reach anybody: their agents need nothing else.
const app = new BackupApp();
const chart = new Chart(app, 'quiesce', { namespace: 'quiesce' });
new ApiObject(chart, 'alone', {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'alone' },
  spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
});

/** The server is a child of its container's first process, so that a test can stop it dead. */
function server(name: string, image: string, start: string, quiesce: IQuiesce): void {
  const set = new ApiObject(chart, name, {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: {
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999 },
          containers: [
            {
              name: 'server',
              image,
              command: ['sh', '-ec', `${start} & wait`],
              volumeMounts: [
                { name: 'data', mountPath: '/srv' },
                { name: 'first', mountPath: '/first' },
              ],
            },
          ],
          volumes: [{ name: 'first', secret: { secretName: `${name}-first` } }],
        },
      },
      volumeClaimTemplates: [
        { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
      ],
    },
  });
  quiesceAgent(chart, Workload.of(chart, 'workload', set), quiesce, ['data']);
}

const sql =
  '--no-defaults --datadir=/srv/data --socket=/srv/socket --bind-address=127.0.0.1 --skip-name-resolve --init-file=/first/start.sql';
const held = { credentials: SecretRef.named('agent'), limit: Duration.seconds(12), wait: Duration.seconds(3) };
server(
  'mariadb',
  'mariadb:10.11.19-jammy',
  `[ -d /srv/data ] || mariadb-install-db --no-defaults --datadir=/srv/data --auth-root-authentication-method=normal --skip-test-db >/dev/null
  mariadbd ${sql}`,
  Quiesce.mariadb({ version: MariadbVersion.V10_11, ...held }),
);
const mysqld = `[ -d /srv/data ] || mysqld --no-defaults --initialize-insecure --datadir=/srv/data
  mysqld ${sql} --mysqlx=OFF --innodb-buffer-pool-size=64M`;
server('mysql', 'mysql:9.7.2-oraclelinux9', mysqld, Quiesce.mysql({ version: MysqlVersion.V9_7, ...held }));
server('mysql-tables', 'mysql:9.7.2-oraclelinux9', mysqld, Quiesce.mysql({ version: MysqlVersion.V9_7, lock: MysqlLock.TABLES, ...held }));
server(
  'postgres',
  'postgres:15.19-bookworm',
  `[ -d /srv/data ] || initdb -D /srv/data -U postgres -A scram-sha-256 --pwfile=/first/password -N >/dev/null
  postgres -D /srv/data -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c dynamic_shared_memory_type=mmap`,
  Quiesce.postgres({ version: PostgresVersion.V15, credentials: SecretRef.named('postgres-agent'), wait: Duration.seconds(30) }),
);
server(
  'redis',
  'redis:7.2.14-bookworm',
  'redis-server /first/redis.conf',
  Quiesce.redis({ version: RedisVersion.V7_2, credentials: SecretRef.named('agent'), wait: Duration.seconds(30) }),
);
server(
  'mongodb',
  'mongo:7.0.37-jammy',
  `mkdir -p /srv/data
  ROOT_PASSWORD="$(cat /first/password)" mongod --dbpath /srv/data --port 27018 &
  /usr/lib/mongosh/node /first/stand-in.js 27017 27018 /srv`,
  Quiesce.mongodb({
    version: MongodbVersion.V7_0,
    credentials: SecretRef.named('mongodb-agent'),
    replicaSet: 'rs0',
    limit: Duration.seconds(31),
    wait: Duration.seconds(30),
  }),
);
app.synth();
