import type { Chart, Duration } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';
import { MariadbVersion, SecretRef } from '../../lib';
import { type IQuiesce, Quiesce } from '../../lib/volumes';
import { type StatefulServerOptions, statefulServer } from './stateful-server';

const START = `
mkdir -p /var/lib/mysql/data
test -d /var/lib/mysql/data/mysql || mariadb-install-db --no-defaults --datadir=/var/lib/mysql/data --auth-root-authentication-method=normal --skip-test-db --force >/dev/null
printf %s "$SETUP" >/tmp/setup.sql
exec mariadbd --no-defaults --datadir=/var/lib/mysql/data --socket=/tmp/mysqld.sock --pid-file=/tmp/pid --bind-address=127.0.0.1 --port=3306 --init-file=/tmp/setup.sql --innodb-log-file-size=8M
`;

export interface HeldMariadbOptions extends Omit<StatefulServerOptions, 'image' | 'start' | 'env' | 'claims'> {
  /** Tables of its database `shop`, as `create table if not exists` has them. */
  readonly tables: string[];
  /** Where claims beside `data` are mounted. @default - there are none */
  readonly claims?: StatefulServerOptions['claims'];
  /** As Quiesce.mariadb has it. */
  readonly limit: Duration;
  /** As Quiesce.mariadb has it. @default - its own */
  readonly wait?: Duration;
}

/** A MariaDB whose volumes are snapshotted, and by what it is held still meanwhile. */
export function heldMariadb(chart: Chart, name: string, options: HeldMariadbOptions): { server: k8s.KubeStatefulSet; quiesce: IQuiesce } {
  const { tables, claims = {}, limit, wait, ...rest } = options;
  const account = 'quiesce';
  new k8s.KubeSecret(chart, account, { metadata: { name: account }, stringData: { username: account, password: account } });
  const setup = [
    'create database if not exists shop;',
    ...tables.map(table => `create table if not exists shop.${table};`),
    `create user if not exists ${account}@'127.0.0.1' identified by '${account}';`,
    `grant reload on *.* to ${account}@'127.0.0.1';`,
    '',
  ];
  const version = MariadbVersion.V10_11;
  const server = statefulServer(chart, name, {
    ...{ ...rest, image: version.image, start: START, env: { SETUP: setup.join('\n') } },
    claims: { data: '/var/lib/mysql', ...claims },
  });
  return { server, quiesce: Quiesce.mariadb({ version, credentials: SecretRef.named(account), wait, limit }) };
}
