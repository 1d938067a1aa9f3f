import type { MysqlServer } from './mysql-server';

/** Names that break scripts which build SQL, file names or JSON from them. */
export const ODD_DATABASE = `odd \`name\` with 'quotes' "=" ünï.код \\ %s`;

/** The accounts that the sample data makes. */
export const ACCOUNTS = ["'clerk'@'%'", "'shop owner'@'10.0.0.%'"];

/** A database with a bit of everything that a dump can lose. */
export function fillStore(server: MysqlServer, database: string): void {
  const { mariadb } = server;
  const name = `\`${database}\``;
  // Values of noise: compression does not make them small.
  server.query(
    'information_schema',
    `
    set session sql_mode = 'NO_ENGINE_SUBSTITUTION';
    create user 'shop owner'@'10.0.0.%' identified by 'a "pass" \\\\ word';
    create ${mariadb ? "role 'seller'" : "role 'seller'@'%'"};
    grant select on *.* to ${mariadb ? "'seller'" : "'seller'@'%'"};
    create user 'clerk'@'%' identified by 'clerk';
    grant ${mariadb ? "'seller'" : "'seller'@'%'"} to 'clerk'@'%';
    ${mariadb ? "set default role 'seller' for 'clerk'@'%'" : "set default role 'seller'@'%' to 'clerk'@'%'"};
    create database ${name} character set utf8mb4 collate utf8mb4_unicode_ci;
    use ${name};
    create table customers (
      id int auto_increment primary key, name varchar(100) not null default 'it''s \\\\ a "name"' comment 'a\\nnote; -- with (''),(''',
      born date default '0000-00-00', photo varbinary(100), flags bit(9) default b'101', props json, place point, secret int ${mariadb ? 'invisible' : 'default 7 invisible'},
      initial char(1) generated always as (left(name, 1)) stored, shout varchar(200) as (upper(name)) virtual, amount decimal(20,6), ratio double, at timestamp(6) null,
      kind enum('a', 'b''c', 'd,e'), tags set('x', 'y'), latin varchar(20) character set latin1, unique key (name), key (born, kind), fulltext key (name), check (ratio < 10)
    ) comment 'the customers';
    insert into customers (name, born, photo, flags, props, place, ratio, amount, at, kind, tags, latin) values
      ('a),(b', default, null, null, null, null, null, null, null, null, null, null),
      ('x', '0000-00-00', x'00ff270a5c', b'111111111', '{"a": "),(", "ж": ["\\\\"", 1]}', point(1.5, -2), 0.1e-5, 12345678901234.567891, '2026-01-02 03:04:05.678901', 'b''c', 'x,y', 'é'),
      ('back\\\\slash\\'quote"\\n\\r\\t\\0\\Z end;', null, null, null, null, null, null, null, null, null, '', null),
      ('😀 four bytes', default, '', 0, 'null', null, 1e300 / 1e300, -1, null, 'd,e', 'y', '');`,
  );
  server.query(
    database,
    `
    set session sql_mode = 'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO';
    insert into customers (id, name, secret) values (0, 'zero', 42);
    create table orders (
      id bigint primary key, customer int not null, noise char(64), constraint \`of "customer"\` foreign key (customer) references customers (id) on update cascade
    );
    insert into orders select seq, 1, sha2(concat(seq, rand()), 256) from (${numbers(server, 40000)}) n;
    create table \`odd \`\`tab.le"' ж\\\\\` (\`Col umn\` int, \`),(\` varchar(20), \` VALUES (\` int, primary key (\`Col umn\`));
    insert into \`odd \`\`tab.le"' ж\\\\\` values (1, '),(', 2), (2, ' VALUES (', 3);
    create table events (at date not null, what text, unique key (at, what(50))) partition by range (to_days(at)) (
      partition p2025 values less than (to_days('2026-01-01')), partition p2026 values less than maxvalue);
    insert into events select date '2025-06-01' + interval seq day, concat('event ', seq) from (${numbers(server, 500)}) n;
    create table empty_table (x int);
    create table tally (n int) engine=MyISAM;
    insert into tally values (1), (2), (3);
    create table log (what varchar(100), at timestamp default current_timestamp);
    create view recent as select id, name, shout from customers where id > 0;
    create view \`view on a view\` as select count(*) as n from recent;
    ${mariadb ? 'create sequence invoice start with 1000 increment by 5; select nextval(invoice), nextval(invoice); create table bills (id bigint default nextval(invoice) primary key, v int); insert into bills (v) values (1), (2);' : ''}
    create table ticks (n int);`,
  );
  const programs = [
    'create function total(at_least int) returns int reads sql data begin -- a comment\n  declare n int; /* another */\n  select count(*) into n from orders where id >= at_least;\n  return n;\nend',
    "create definer='clerk'@'%' procedure remember(in what varchar(100)) comment 'it''s' begin\n  insert into log (what) values (what);\nend",
    "create trigger before_order before insert on orders for each row set new.noise = ifnull(new.noise, 'none')",
    "create definer='shop owner'@'10.0.0.%' trigger after_order after delete on orders for each row begin insert into log (what) values ('deleted; order'); end",
    "create event tick on schedule every 1 day starts '2020-01-01 00:00:00' on completion preserve do insert into ticks values (1)",
    "create event at_night on schedule every 1 hour disable comment 'x; y' do begin delete from log; end",
  ];
  server.query(database, `delimiter //\n${programs.join('//\n')}//\ndelimiter ;\ncreate view sums as select total(1) as n;`);
  server.query(
    database,
    `grant select, update (name) on customers to 'clerk'@'%'; grant execute on procedure remember to 'clerk'@'%'; grant all on ${name.replace(/_/g, '\\_')}.* to 'shop owner'@'10.0.0.%' with grant option;`,
  );
}

/** A query of the numbers from 1 on, as column seq. */
function numbers(server: MysqlServer, count: number): string {
  if (server.mariadb) return `select seq from seq_1_to_${count}`;
  return `with recursive s as (select 1 as seq union all select seq + 1 from s where seq < ${count}) select /*+ set_var(cte_max_recursion_depth=1000000) */ seq from s`;
}

/** A database whose every name is odd. */
export function fillOdd(server: MysqlServer): void {
  const name = `\`${ODD_DATABASE.replaceAll('`', '``')}\``;
  server.query('information_schema', `create database ${name} character set latin1`);
  server.query(
    ODD_DATABASE,
    'create table things (x int); insert into things values (1), (2), (3); create view seen as select * from things',
  );
}

/** A role with no more rights than a backup needs. */
export function leastPrivileged(server: MysqlServer, name: string, password: string): void {
  server.query(
    'mysql',
    `create user '${name}'@'%' identified by '${password.replace(/[\\']/g, '\\$&')}'; grant select, show view, trigger, event, execute${server.mariadb ? ', replication client' : ''} on *.* to '${name}'@'%'`,
  );
}

/** Statements of an application that never stops to write. */
export function writing(rounds: number): string {
  const statements = [
    'insert into orders (id, customer) select max(id) + 1, 1 from orders;',
    'delete from orders where id = 5 + floor(rand() * 30000);',
    "insert into log (what) values ('written');",
    'update customers set amount = ifnull(amount, 0) + 1 where id = 1;',
  ];
  return Array.from({ length: rounds }, () => statements.join('\n')).join('\n');
}
