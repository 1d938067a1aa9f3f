import type { Namespace } from './namespace';
import { secret, startServer } from './server';

/** A MariaDB called `catalog-db`, with the database `catalog`. Its owner is `owner`. */
export async function startMariadb(namespace: Namespace): Promise<void> {
  await startServer(namespace, {
    ...{ name: 'catalog-db', image: 'mariadb:10.11.19-jammy', port: 3306 },
    command: [
      ...['sh', '-ec'],
      `mariadb-install-db --no-defaults --datadir=/data/db --auth-root-authentication-method=normal --skip-test-db --force >/dev/null
      exec mariadbd --no-defaults --datadir=/data/db --socket=/tmp/socket --pid-file=/tmp/pid --innodb-log-file-size=8M`,
    ],
    ready: ['mariadb', '--socket=/tmp/socket', '--user=root', '--execute=select 1'],
  });
  await mariadb(
    namespace,
    `create user owner@'%' identified by 'of owner'; grant all on *.* to owner@'%' with grant option; create database catalog; use catalog;
    create table items (n int primary key, name varchar(40)); insert into items select seq, sha1(seq) from seq_1_to_1000`,
  );
}

/** The Secret of the owner. */
export const ownerOf = (name: string) => secret(name, { username: 'owner', password: 'of owner' });

export const mariadb = (namespace: Namespace, statement: string) =>
  namespace.output('exec', 'catalog-db', '--', 'mariadb', '--socket=/tmp/socket', '--user=root', `--execute=${statement}`);

/** The whole of a database, as its server dumps it. */
export const mariadbDump = (namespace: Namespace, database: string) =>
  namespace.output(
    ...['exec', 'catalog-db', '--', 'mariadb-dump', '--socket=/tmp/socket', '--user=root', '--skip-comments'],
    ...['--routines', '--events', '--triggers', '--databases', database],
  );
