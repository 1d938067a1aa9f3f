import { Namespace } from '../namespace';
import { secret, startServer } from '../server';
import { applied, comesBack, type Series } from './comes-back';

const store = new Namespace('store');
const ROOT = ['--socket=/tmp/socket', '--user=root', '--default-character-set=utf8mb4'];

interface Server {
  readonly name: string;
  readonly image: string;
  readonly initialize: string;
  readonly program: string;
  readonly client: string;
  readonly dump: string;
  /** What the role that backs up may do. */
  readonly grants: string;
}

const SERVERS: { [series: string]: Server } = {
  catalog: {
    name: 'catalog-db',
    image: 'mariadb:10.11.19-jammy',
    initialize: 'mariadb-install-db --no-defaults --datadir=/data --auth-root-authentication-method=normal --skip-test-db --force',
    program: 'mariadbd --no-defaults --innodb-log-file-size=8M',
    client: 'mariadb',
    dump: 'mariadb-dump',
    grants: 'select, show view, trigger, event, process',
  },
  payments: {
    name: 'payments-db',
    image: 'mysql:9.7.2-oraclelinux9',
    initialize: 'mysqld --no-defaults --initialize-insecure --datadir=/data',
    program: 'mysqld --no-defaults --innodb-redo-log-capacity=8M --mysqlx=off',
    client: 'mysql',
    dump: 'mysqldump --set-gtid-purged=OFF',
    grants: 'select, show view, trigger, event, process',
  },
};

/** MariaDB and MySQL of dist/store.k8s.yaml; its mirrors are in a bucket of Amazon's, which no cluster of tests has. */
export function storeComesBack(): void {
  applied({ file: 'store.k8s.yaml', namespace: store, start: () => Promise.all(Object.keys(SERVERS).map(start)).then(() => {}) });
  for (const series of Object.keys(SERVERS)) comesBack(seriesOf(series));
}

function seriesOf(name: string): Series {
  const server = serverOf(name);
  return {
    namespace: store,
    name,
    content: async () => {
      const dump = await store.output(
        ...['exec', server.name, '--', ...server.dump.split(' '), ...ROOT, '--skip-comments'],
        ...['--routines', '--events', '--triggers', '--databases', name],
      );
      // MariaDB keeps the head of a trigger as it was written, with a database in it that goes with a restore.
      return dump.replaceAll(` ${name}.`, ' ');
    },
    lose: async () => {
      await sql(server, `drop database ${name}`);
    },
  };
}

function serverOf(series: string): Server {
  const server = SERVERS[series];
  if (!server) throw new Error(`no server of ${series}`);
  return server;
}

const sql = (server: Server, statement: string) =>
  store.output('exec', server.name, '--', server.client, ...ROOT, `--execute=${statement}`);

async function start(series: string): Promise<void> {
  const server = serverOf(series);
  const { name, image, initialize, program } = server;
  await store.apply(
    secret(`${series}-backup`, { username: 'backup', password: 'of backup' }),
    secret(`${series}-owner`, { username: 'owner', password: 'of owner' }),
  );
  await startServer(store, {
    // At the root of the volume, where ext4 has a directory of its own.
    ...{ name, image, port: 3306, claim: `data-${name}-0` },
    command: ['sh', '-ec', `${initialize} >/dev/null 2>&1\nexec ${program} --datadir=/data --socket=/tmp/socket --pid-file=/tmp/pid`],
    ready: [server.client, ...ROOT, '--execute=select 1'],
  });
  await sql(
    server,
    `create user backup@'%' identified by 'of backup'; grant ${server.grants} on *.* to backup@'%';
    create user owner@'%' identified by 'of owner'; grant all on *.* to owner@'%' with grant option;
    create user clerk@'%' identified by 'of clerk'; create database ${series} character set utf8mb4; grant select on ${series}.* to clerk@'%';
    create table ${series}.items (n int auto_increment primary key, name varchar(40) not null, price decimal(9,2), unique (name));
    create table ${series}.sold (item int, foreign key (item) references ${series}.items (n));
    create view ${series}.cheap as select * from ${series}.items where price < 10;
    create trigger ${series}.named before insert on ${series}.sold for each row set new.item = abs(new.item)`,
  );
  const rows = Array.from({ length: 50 }, (_, n) => `('item ${n} ж', ${n}.25)`).join(', ');
  await sql(server, `insert into ${series}.items (name, price) values ${rows}; insert into ${series}.sold values (1), (-2)`);
}
