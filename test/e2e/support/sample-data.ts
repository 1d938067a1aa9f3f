import type { PostgresServer } from './postgres-server';

/** Names that break scripts which build SQL, file names or JSON from them. */
export const ODD_DATABASE = `odd "name" with 'quotes' = ünï/код \\ %s`;

/** A database with a bit of everything that a dump can lose. */
export function fillOrders(server: PostgresServer, scale: number): void {
  server.client('createdb', ['orders']);
  server.client('pgbench', ['--quiet', '--initialize', '--scale', String(scale), 'orders']);
  server.query(
    'orders',
    `
    create extension pg_trgm;
    create extension hstore;
    create role "order owner" nologin;
    create role clerk login password 'clerk' in role pg_monitor;
    grant "order owner" to clerk;
    create schema "Odd Schema";
    create table "Odd Schema"."Tab""le ж" ("Col umn" int primary key, "päyload" jsonb, tags hstore);
    insert into "Odd Schema"."Tab""le ж" select i, jsonb_build_object('n', i, 's', repeat('x', i % 50)), hstore('k', i::text) from generate_series(1, 5000) i;
    create index "odd index" on "Odd Schema"."Tab""le ж" using gin ((("päyload" ->> 's')) gin_trgm_ops);
    alter table "Odd Schema"."Tab""le ж" owner to "order owner";
    create table events (id bigint generated always as identity, at date not null, what text, primary key (id, at)) partition by range (at);
    create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
    create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
    insert into events (at, what) select date '2025-01-01' + (i % 700), md5(i::text) from generate_series(1, 20000) i;
    create view recent as select * from events where at > '2026-01-01';
    create materialized view per_day as select at, count(*) from events group by at;
    create sequence invoice start 1000;
    select nextval('invoice') from generate_series(1, 42);
    create function total(int) returns bigint language sql as 'select count(*) from events where id > $1';
    create table parent (a int);
    create table child (b int) inherits (parent);
    insert into child values (1, 2);
    insert into parent values (3);
    create unlogged table cache (v text);
    insert into cache values ('warm');
    create table documents (name text, content oid);
    insert into documents values ('a', lo_from_bytea(0, repeat('binary', 20000)::bytea)), ('b', lo_from_bytea(0, '\\x00ff00'));
    create table empty_table (x int);
    grant select on events to clerk;
    alter database orders set search_path to "$user", public, "Odd Schema";
    alter database orders set work_mem to '8MB';
    grant connect on database orders to clerk;
    comment on database orders is 'the shop''s orders';`,
  );
  server.query('postgres', `create database "${ODD_DATABASE.replaceAll('"', '""')}"`);
  server.query(ODD_DATABASE, 'create table things (x int); insert into things select generate_series(1, 10)');
  server.query('postgres', 'create database unused');
}

/** A role with no more rights than a backup needs. */
export function leastPrivileged(server: PostgresServer, name: string, password: string, databases: string[]): void {
  server.query('postgres', `create role ${name} login password '${password}'; grant pg_read_all_data to ${name}`);
  for (const database of databases) {
    server.query(
      database,
      `do $$ declare o oid; begin for o in select oid from pg_largeobject_metadata loop execute format('grant select on large object %s to ${name}', o); end loop; end $$`,
    );
  }
}
