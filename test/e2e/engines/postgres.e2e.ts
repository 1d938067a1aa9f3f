import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type RunningPod } from '../../rehearsal';
import { postgresImage } from '../../rehearsal/images/postgres';
import { imageNamed, imagesOfDist } from '../support/images';
import { PostgresServer } from '../support/postgres-server';
import { request, resultOf, succeed, synthesize, until, untilIn } from '../support/rehearse';

// What pg_dump leaves out, what stands in the way of a dump or of a restore, and what is said of it. Each test is of something that was lost,
// leaked or could not come back behind a good verdict.

const NAMESPACE = 'elephant';
const SETTINGS = { max_prepared_transactions: '4', wal_level: 'logical', shared_preload_libraries: 'pg_cron' };
/** What no log, verdict or manifest may hold. */
const MARKER = '4111111111111111';

let cluster: Cluster;
let dist: string;
let server: PostgresServer;
let target: PostgresServer;

beforeAll(async () => {
  const images = await imagesOfDist();
  const image = await postgresImage('15', 'bookworm', 'cron');
  images.add(image);
  server = await PostgresServer.start(image, '15', SETTINGS);
  target = await PostgresServer.start(image, '15', SETTINGS);
  server.query(
    'postgres',
    `create role least login password 'least'; grant pg_read_all_data to least;
    create role stranger login password 'stranger';
    create role app login password 'app' valid until '2040-01-01';
    create role readers; grant readers to app with admin option; alter role app set work_mem = '5MB'; grant set on parameter log_min_messages to public;
    comment on role app is E'two\\nlines; of one comment';`,
  );
  dist = synthesize('test/e2e/engines/postgres/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  cluster.service(NAMESPACE, 'db', server.address);
  cluster.service(NAMESPACE, 'target', target.address);
  cluster.claim(NAMESPACE, 'backups');
  cluster.secret(NAMESPACE, 'least', { username: 'least', password: 'least' });
  cluster.secret(NAMESPACE, 'stranger', { username: 'stranger', password: 'stranger' });
  cluster.secret(NAMESPACE, 'owner', { username: 'owner', password: 'owner' });
  cluster.secret(NAMESPACE, 'superuser', { username: 'postgres', password: server.password });
  cluster.secret(NAMESPACE, 'restorer', { username: 'postgres', password: target.password });
});

afterAll(async () => {
  await cluster?.destroy();
  await server?.stop();
  await target?.stop();
  if (dist) rmSync(dist, { recursive: true });
});

const run = (name: string, onPod?: (pod: RunningPod) => void | Promise<void>) =>
  cluster.run({ kind: 'CronJob', namespace: NAMESPACE, name }, { onPod });

/** Removes every database that a test has made. */
function clear(of: PostgresServer): void {
  of.query(
    'postgres',
    "select format('drop database %I with (force);', datname) from pg_database where datname not in ('postgres', 'template0', 'template1')",
  )
    .split('\n')
    .filter(Boolean)
    .forEach(statement => {
      of.query('postgres', statement);
    });
}

/** A backup and its verification, and what they say. */
async function protect(series: string): Promise<{ reason: string; manifest: string }> {
  const { id, reason } = await succeed(run(`${series}-backup`), 'published');
  const verified = await succeed(run(`${series}-verify`), 'verified');
  expect(verified.id).toBe(id);
  return { reason, manifest: readFileSync(join(cluster.claim(NAMESPACE, 'backups'), series, id, 'manifest.json'), 'utf8') };
}

describe('the least role, over a server of many kinds of database', () => {
  let said: { reason: string; manifest: string };

  test('is backed up and verified, whatever is set on databases and roles', async () => {
    server.query(
      'postgres',
      `create database orders owner app; create database a; create database "a/b"; create database void; create database rdsadmin; create database private;
      create database ascii encoding 'SQL_ASCII' locale 'C' template template0; create database mine is_template true;
      revoke connect on database private from public;`,
    );
    server.query('a', 'create table t (x int); insert into t values (1)');
    server.query('a/b', 'create table t (x int); insert into t values (1), (2)');
    server.query('private', 'create table t (x int)');
    server.query('ascii', String.raw`create table t (v text); insert into t values (E'caf\xe9'), (E'\xff')`);
    server.query(
      'orders',
      `set role app;
      create schema tenant; create table tenant.t (id int primary key, v text); insert into tenant.t select i, md5(i::text) from generate_series(1, 20000) i;
      create function tenant.to_json(text) returns json language plpgsql as $$ begin
        insert into tenant.t values (-1, 'reached as ' || current_user); return pg_catalog.to_json('forged'::text); end $$;
      reset role;
      create extension postgres_fdw; create server far foreign data wrapper postgres_fdw; create foreign table tenant.remote (x int) server far;
      create user mapping for app server far options (user 'x', password 'secret');
      create subscription news connection 'host=nowhere' publication p with (connect = false, slot_name = 'production');
      alter default privileges for role app grant select on tables to least;
      create type tenant.size as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'); create table tenant.parcels (size tenant.size) partition by hash (size);
      create table tenant.parcels_0 partition of tenant.parcels for values with (modulus 2, remainder 0);
      create table tenant.parcels_1 partition of tenant.parcels for values with (modulus 2, remainder 1);
      create table tenant.marks (v text[]); insert into tenant.marks values (array['a', null]);
      insert into tenant.parcels select s from unnest(enum_range(null::tenant.size)) with ordinality e(s, n), generate_series(1, (2 ^ n)::int);
      create function tenant.total() returns int language sql as 'select 1';
      select pg_create_logical_replication_slot('changes', 'pgoutput');`,
    );
    server.query('orders', "begin; insert into tenant.t values (-2, 'decided later'); prepare transaction 'x'");
    server.query(
      'postgres',
      `alter role app in database orders set search_path = tenant, public; alter role app in database orders set statement_timeout = '1ms';
      alter database orders set search_path = tenant, pg_catalog; alter database orders set statement_timeout = '1ms'; alter database orders set "app.note" = E'it''s\\nnoted';
      alter database orders set default_transaction_read_only = on; alter database orders set idle_in_transaction_session_timeout = '10ms';
      alter database orders set quote_all_identifiers = on; alter database orders set standard_conforming_strings = off;
      alter database orders set array_nulls = off; alter database orders set zero_damaged_pages = on; alter database a set search_path = '';
      alter database orders connection limit 9; comment on database orders is E'two\\nlines'; revoke temporary on database orders from public;
      update pg_database set datallowconn = false where datname = 'rdsadmin';`,
    );
    said = await protect('all');
  });

  test('what is left out is in the verdict and in the manifest', () => {
    for (const words of [
      'database "private" is left out: it does not allow this role to connect',
      'database "rdsadmin" is left out: it allows no connections',
      'database "mine" is left out: it is a template',
      'database "void" is left out: it holds nothing',
      'database "orders": subscriptions are left out, as only a superuser can dump them: news',
      'database "orders": options of user mappings, such as passwords, are left out, as the role is not allowed to see them: app on far',
      'database "orders": rows of foreign tables are on other servers, and are left out: tenant.remote',
      'database "orders": replication slots are left out, so their consumers must start over after a restore: changes',
      'database "orders": the server ignores damaged pages, and their rows are silently left out or changed: zero_damaged_pages is on',
      'database "orders": prepared transactions, neither committed nor rolled back, are left out with their rows: one of postgres, prepared at ',
    ]) {
      expect(said.reason).toContain(words);
      expect(said.manifest).toContain(words.replaceAll('"', '\\"'));
    }
    expect(said.reason).not.toContain('"postgres"');
    // Of a role in the database two, of the database nine.
    expect(said.manifest).toContain('"settings/orders":11');
  });

  test('each database is restored by itself, with its settings and those of roles in it', async () => {
    // A role that somebody else has made meanwhile, by half.
    target.query('postgres', 'create role app; create role readers');
    for (const name of ['a', 'a/b', 'ascii', 'orders']) {
      request(cluster, NAMESPACE, 'all', { database: name });
      const { reason } = await succeed(run('all-restore'), 'restored');
      expect(reason).toContain(
        "role app was there before, and is unchanged; in the recovery point it has LOGIN VALID UNTIL '2040-01-01 00:00:00+00' and a password",
      );
      for (const grant of ['GRANT readers TO app', 'the setting work_mem of role app', 'GRANT SET ON PARAMETER log_min_messages TO PUBLIC'])
        expect(reason).toContain(`not restored, as roles that were there before are left unchanged: ${grant}`);
    }
    const settings = `select coalesce(r.rolname, ''), setconfig, shobj_description(d.oid, 'pg_database'), datconnlimit from pg_db_role_setting s
      join pg_database d on d.oid = setdatabase left join pg_roles r on r.oid = setrole where datname in ('orders', 'a') order by datname, 1`;
    expect(target.query('postgres', settings)).toBe(server.query('postgres', settings));
    expect(target.query('postgres', "select rolcanlogin from pg_roles where rolname = 'app'")).toBe('f');
    expect(target.query('ascii', 'select count(*) from t')).toBe('2');
    for (const each of [server, target]) {
      const options = 'set search_path = pg_catalog;';
      expect(each.query('orders', `${options} select count(*), min(id) from tenant.t`)).toBe('20000|1');
      // The hash of an enum's value is another one on every server.
      expect(each.query('orders', `${options} select count(*) from tenant.parcels`)).toBe('510');
      expect(each.query('orders', `${options} select v[2] is null from tenant.marks`)).toBe('t');
    }
  });

  test('a role that may not read everything is refused, with what it may not read', async () => {
    const refused = await run('all-as-stranger-backup');
    expect(refused.succeeded).toBe(false);
    expect(refused.reason).toBe('PodFailurePolicy');
    expect(resultOf(refused).reason).toMatch(
      /^the role is not allowed to read all of database "a": table public\.t\. Grant it pg_read_all_data/,
    );
  });

  test('a superuser leaves nothing of it out; a copy beside has no hold on the original’s slot', async () => {
    const { reason } = await protect('orders');
    expect(reason).not.toMatch(/subscriptions|user mappings/);
    request(cluster, NAMESPACE, 'orders', { database: 'orders', into: 'copy' });
    const restored = await succeed(run('orders-restore'), 'restored');
    expect(restored.reason).toContain('subscriptions of the copy "copy" are disabled and have no slot');
    for (const [into, words] of [
      ['template1', /^into is "template1", the template of every new database/],
      ['a'.repeat(64), /names in PostgreSQL have at most 63 bytes/],
    ] as const) {
      request(cluster, NAMESPACE, 'orders', { database: 'orders', into });
      expect(resultOf(await run('orders-restore')).reason).toMatch(words);
    }
    server.query('postgres', 'create role "two\nlines"');
    expect(resultOf(await run('orders-backup')).reason).toBe(
      String.raw`names of roles with control characters cannot be backed up: rename "two\nlines"`,
    );
    server.query('postgres', 'drop role "two\nlines"');
    server.query('orders', "rollback prepared 'x'");
    const options = 'set search_path = pg_catalog; set default_transaction_read_only = off;';
    expect(target.query('copy', `${options} select subname, subenabled, coalesce(subslotname, 'none') from pg_subscription`)).toBe(
      'news|f|none',
    );
    target.query('copy', `${options} drop subscription news`);
    server.query('orders', `${options} alter subscription news set (slot_name = none)`);
    server.query('orders', `${options} drop subscription news`);
    server.query(
      'postgres',
      "update pg_database set datallowconn = true where datname = 'rdsadmin'; alter database mine is_template false",
    );
    clear(server);
    clear(target);
  });
});

test('a TRUNCATE that waits for the dump to end does not change what was counted', async () => {
  server.query('postgres', 'create database one; create database two');
  server.query('two', 'create table t (x int)');
  server.query('one', 'create table t (x int); insert into t select generate_series(1, 200000); create table u as table t');
  const truncate = server.background('psql', [
    '-X',
    '-d',
    'one',
    '-c',
    `do $$ begin loop exit when exists (select from pg_locks where relation = 't'::regclass and mode = 'AccessShareLock' and pid <> pg_backend_pid()); perform pg_sleep(0.005); end loop; end $$`,
    '-c',
    'truncate t, u',
  ]);
  await protect('pair');
  await truncate.stop();
  expect(server.query('one', 'select count(*) from t')).toBe('0');
  clear(server);
});

test('tables that are swapped, or emptied and filled, while the dump begins are dumped as they are after that', async () => {
  server.query('postgres', 'create database one; create database two');
  server.query('two', 'create table t (x int)');
  server.query(
    'one',
    `create table held (x int); create table orders as select generate_series(1, 1000) as x; create table new_orders (x int);
    create table loaded as select generate_series(1, 500) as x; create table widened as select generate_series(1, 300) as x`,
  );
  const holder = server.background('psql', [
    '-X',
    '-d',
    'one',
    '-c',
    'begin; lock table held in access exclusive mode; select pg_sleep(60)',
  ]);
  const backup = await run('pair-backup', async () => {
    await until(
      'the dump waits',
      () => server.query('one', "select count(*) from pg_locks where not granted and relation = 'held'::regclass") === '1',
    );
    server.query(
      'one',
      `begin; alter table orders rename to old_orders; alter table new_orders rename to orders; alter table old_orders rename to new_orders; commit;
      begin; truncate loaded; insert into loaded select generate_series(1, 501); commit;
      alter table widened alter x type bigint`,
    );
    server.query(
      'postgres',
      "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()",
    );
  });
  await holder.stop();
  const { id } = await succeed(Promise.resolve(backup), 'published');
  expect(backup.log).toContain('public.loaded, public.new_orders, public.orders, public.widened was emptied, rewritten or replaced while');
  const manifest = readFileSync(join(cluster.claim(NAMESPACE, 'backups'), 'pair', id, 'manifest.json'), 'utf8');
  const rows = ['loaded', 'new_orders', 'orders', 'widened'].map(
    name => new RegExp(`"rows/one/public.${name}":(\\d+)`).exec(manifest)?.[1],
  );
  expect(rows).toEqual(['501', '1000', '0', '300']);
  await succeed(run('pair-verify'), 'verified');
  clear(server);
});

describe('two databases are replaced', () => {
  beforeAll(async () => {
    server.query('postgres', 'create database one; create database two');
    for (const name of ['one', 'two']) server.query(name, 'create table t (x int); insert into t values (1)');
    await protect('pair');
    for (const name of ['one', 'two']) {
      target.query('postgres', `create database ${name}`);
      target.query(name, 'create table t (x int); insert into t values (1), (2)');
    }
    request(cluster, NAMESPACE, 'pair', { replace: 'yes' });
  });

  const untouched = () => {
    for (const name of ['one', 'two']) expect(target.query(name, 'select count(*) from t')).toBe('2');
    expect(target.query('postgres', "select count(*) from pg_database where datname ~ 'before|restore'")).toBe('0');
  };

  test('fails: a prepared transaction in the second; nothing is begun', async () => {
    target.query('two', "begin; insert into t values (3); prepare transaction 'x'");
    const refused = await run('pair-restore');
    expect(resultOf(refused).reason).toMatch(
      /^database "two" has 1 prepared transactions, and cannot be renamed until they end: nothing was changed/,
    );
    target.query('two', "rollback prepared 'x'");
    untouched();
  });

  test('fails: a transaction that is prepared meanwhile; both are as they were', async () => {
    const failed = await run('pair-restore', async pod => {
      await untilIn(pod, 'a database is being restored', () => pod.processes().some(argv => String(argv).includes('pg_restore')));
      target.query('two', "begin; insert into t values (3); prepare transaction 'x'");
    });
    expect(failed.succeeded).toBe(false);
    expect(resultOf(failed).reason).toMatch(
      /^the restored databases could not be renamed, and all are unchanged: .*"two" is being accessed/,
    );
    target.query('two', "rollback prepared 'x'");
    untouched();
  });

  test('and then both are', async () => {
    target.query('one', "select pg_create_logical_replication_slot('changes', 'pgoutput')");
    const { reason } = await succeed(run('pair-restore'), 'restored');
    expect(reason).toMatch(/replication slots still belong to "one_before_\d+", the old content of "one", .*: changes\./);
    for (const name of ['one', 'two']) expect(target.query(name, 'select count(*) from t')).toBe('1');
    clear(target);
  });

  test('and values that are not those that were backed up are noticed, though the rows are as many', async () => {
    const { id } = await succeed(run('pair-verify'), 'verified');
    const point = join(cluster.claim(NAMESPACE, 'backups'), 'pair', id);
    const manifest = readFileSync(join(point, 'manifest.json'), 'utf8');
    const changed = manifest.replace(/("checksum\/one\/public\.t"):\d+/, '$1:1');
    expect(changed).not.toBe(manifest);
    writeFileSync(join(point, 'manifest.json'), changed);
    const sums = readFileSync(join(point, 'SHA256SUMS'), 'utf8').replace(/.*manifest\.json\n/, '');
    writeFileSync(join(point, 'SHA256SUMS'), `${sums}${createHash('sha256').update(changed).digest('hex')}  manifest.json\n`);
    const failed = await run('pair-verify');
    expect(failed.succeeded).toBe(false);
    expect(resultOf(failed).reason).toMatch(/^the restored data differs from what was backed up, in 2 facts: "checksum\/one\/public\.t":/);
    request(cluster, NAMESPACE, 'pair', { recoveryPoint: 'newest' });
    const { reason } = await succeed(run('pair-restore'), 'restored');
    expect(reason).toContain('rows of 1 tables differ from what was backed up, although their number is the same: one/public.t');
    clear(target);
    clear(server);
  });
});

test('a thousand tables come back, though they do not fit one transaction of the target', async () => {
  server.query('postgres', 'create database one; create database two');
  server.query('two', 'create table t (x int)');
  for (let batch = 0; batch < 2; batch += 1)
    server.query(
      'one',
      `do $$ begin for i in ${batch * 500}..${batch * 500 + 499} loop execute format('create table t%s (v text)', i); end loop; end $$`,
    );
  await protect('pair');
  request(cluster, NAMESPACE, 'pair', {});
  const restored = await run('pair-restore');
  await succeed(Promise.resolve(restored), 'restored');
  expect(restored.log).toContain('database "one" needs more locks than one transaction may hold');
  clear(server);
  clear(target);
});

test('no row reaches a log or a verdict, whatever the server says', async () => {
  server.query('postgres', 'create database cards');
  server.query(
    'cards',
    `create table zz_allowed (v text); insert into zz_allowed values ('${MARKER}');
    create function fine(v text) returns boolean language plpgsql as $$ begin
      raise warning 'card % is looked at', v;
      if not exists (select from public.zz_allowed z where z.v = fine.v) then raise exception 'card % is not allowed', v using detail = v, hint = v; end if;
      return true; end $$;
    create table aa_cards (card text check (fine(card))); insert into aa_cards values ('${MARKER}');`,
  );
  await succeed(run('cards-backup'), 'published');
  request(cluster, NAMESPACE, 'cards', { recoveryPoint: 'newest' });
  for (const each of [await run('cards-verify'), await run('cards-restore')]) {
    expect(each.succeeded).toBe(false);
    expect(resultOf(each).reason).toMatch(/^restoring cards\.dump failed: .*COPY failed for table "aa_cards": ERROR/);
    expect(each.log + JSON.stringify(each.result)).not.toContain(MARKER);
  }
  clear(server);
  clear(target);
});

describe('one database, by each role that may back it up', () => {
  /** What pg_dump says of everything but rows, a statement each. */
  const schema = (of: PostgresServer) =>
    of
      .client('pg_dump', ['--schema-only', 'owned'])
      .split(/\n\n+/)
      .filter(statement => !/^(--|\\)/.test(statement));

  beforeAll(() => {
    server.query('postgres', "create role owner login password 'owner'; create database owned owner owner");
    server.query(
      'owned',
      `set role owner; create schema held; create table held.t (id int generated always as identity, x int); insert into held.t (x) values (1), (2);
      create table held.secret (x int); alter table held.secret enable row level security; reset role;
      create extension postgres_fdw; create server far foreign data wrapper postgres_fdw; grant usage on foreign server far to owner;
      create user mapping for app server far options (user 'x', password '${MARKER}'); create user mapping for owner server far options (user 'x', password 'y');
      create subscription news connection 'host=nowhere password=${MARKER}' publication p with (connect = false, slot_name = none)`,
    );
    server.query('postgres', 'alter role least bypassrls');
  });

  afterAll(() => {
    for (const each of [server, target]) {
      if (each.query('owned', 'select count(*) from pg_subscription') !== '0') each.query('owned', 'drop subscription news');
      clear(each);
    }
  });

  test.each([
    ['least', ['app on far', 'owner on far']],
    ['owner', ['app on far']],
    ['superuser', []],
  ])('as %s: what does not come back is what the verdict says', async (role, mappings) => {
    const { id, reason } = await succeed(run(`owned-by-${role}-backup`), 'published');
    request(cluster, NAMESPACE, `owned-by-${role}`, { replace: 'yes' });
    expect((await succeed(run(`owned-by-${role}-restore`), 'restored')).id).toBe(id);
    const there = schema(target);
    const lost = schema(server)
      .filter(statement => !there.includes(statement))
      .map(statement => statement.replace(/( OPTIONS| CONNECTION)[\s\S]*/, '').replace(/;$/, ''));
    const subscription = role === 'superuser' ? [] : ['CREATE SUBSCRIPTION news', 'ALTER SUBSCRIPTION news OWNER TO postgres'];
    expect(lost.sort()).toEqual(
      [...mappings.map(each => `CREATE USER MAPPING FOR ${each.replace('on', 'SERVER')}`), ...subscription].sort(),
    );
    expect(target.checksums('owned')).toEqual(server.checksums('owned'));
    const left = (what: string) => new RegExp(`database "owned": ${what}[^;]*?: ([^;]*)`).exec(reason)?.[1] ?? '';
    expect(left('options of user mappings, such as passwords, are left out')).toBe(mappings.join(', '));
    expect(left('subscriptions are left out')).toBe(role === 'superuser' ? '' : 'news');
    expect(reason.includes("the roles' passwords are left out, as the role is not allowed to read pg_authid")).toBe(role === 'owner');
    expect(reason).not.toContain(MARKER);
  });
});

test('pg_cron comes back under its one name, even where that is the database to connect to, and what was added to it is named', async () => {
  server.query(
    'postgres',
    `create extension pg_cron; select cron.schedule('nightly', '0 3 * * *', 'vacuum'); create table ledger (x int); insert into ledger values (1);
    create index on cron.job_run_details (start_time); alter table cron.job disable row level security; create policy mine on cron.job using (true)`,
  );
  const { id } = await succeed(run('cron-backup'), 'published');
  const lacking =
    /database "postgres": pg_dump leaves out objects that were added to extension pg_cron, so they are not restored: index cron\.job_run_details_start_time_idx of cron\.job_run_details, policy mine of cron\.job(;|$)/;
  expect((await succeed(run('cron-verify'), 'verified')).reason).toMatch(lacking);
  request(cluster, NAMESPACE, 'cron', { replace: 'yes' });
  const restored = await succeed(run('cron-restore'), 'restored');
  expect(restored).toMatchObject({ id, reason: expect.stringMatching(lacking) });
  expect(target.query('postgres', 'select command from cron.job; table ledger')).toBe('vacuum\n1');
  for (const each of [server, target]) each.query('postgres', 'drop extension pg_cron; drop table ledger');
  clear(target);
});

describe('a role that makes databases and roles, and is no superuser, as on a managed server', () => {
  const manage =
    "create role manager login createdb createrole password 'manager'; create database rdsadmin; update pg_database set datallowconn = false where datname = 'rdsadmin'";
  const shop = `create role keeper bypassrls; create role clerk login password 'clerk' in role keeper; alter role clerk set log_min_duration_statement = 5; create database shop owner keeper`;
  const tables = `create schema stock authorization keeper; set role keeper; create table stock.t (x int); insert into stock.t values (1); grant select on stock.t to clerk;
    alter default privileges in schema stock grant select on tables to clerk; create table stock.hidden (x int); alter table stock.hidden enable row level security; insert into stock.hidden values (1), (2);
    create table stock.forced (x int); insert into stock.forced values (1), (2), (3); alter table stock.forced enable row level security, force row level security`;
  const refused = [
    'not restored, as the server refused it: the attributes BYPASSRLS of role keeper',
    'not restored, as the server refused it: the setting log_min_duration_statement of role clerk (42501)',
  ];

  test('restores to PostgreSQL 15, and keeps no rights', async () => {
    server.query('postgres', shop);
    server.query('shop', tables);
    await protect('shop');
    target.query('postgres', manage);
    cluster.secret(NAMESPACE, 'restorer', { username: 'manager', password: 'manager' });
    request(cluster, NAMESPACE, 'shop', {});
    const { reason } = await succeed(run('shop-restore'), 'restored');
    for (const words of refused) expect(reason).toContain(words);
    expect(target.checksums('shop')).toEqual(server.checksums('shop'));
    expect(target.query('shop', "select relforcerowsecurity from pg_class where oid = 'stock.forced'::regclass")).toBe('t');
    expect(target.query('postgres', "select count(*) from pg_auth_members where member = 'manager'::regrole")).toBe('0');
  });

  test('and to PostgreSQL 17, where rights over a role are its maker’s', async () => {
    const image = imageNamed(await imagesOfDist(), 'postgres:17.11-trixie');
    const [from, to] = [await PostgresServer.start(image, '17'), await PostgresServer.start(image, '17')];
    try {
      cluster.moveService(NAMESPACE, 'db', from.address);
      cluster.moveService(NAMESPACE, 'target', to.address);
      from.query('postgres', shop);
      from.query('shop', tables);
      from.query(
        'postgres',
        "alter database shop set transaction_timeout = '30ms'; alter database shop set default_transaction_read_only = on",
      );
      await protect('seventeen');
      to.query('postgres', manage);
      request(cluster, NAMESPACE, 'seventeen', {});
      const { reason } = await succeed(run('seventeen-restore'), 'restored');
      for (const words of refused) expect(reason).toContain(words);
      const [expected, found] = [from, to].map(each =>
        each.query('shop', 'set transaction_timeout = 0; select (select count(*) from stock.t), (select count(*) from stock.hidden)'),
      );
      expect(found).toBe(expected);
      expect(
        to.query('postgres', "select count(*) from pg_auth_members where member = 'manager'::regrole and (inherit_option or set_option)"),
      ).toBe('0');
    } finally {
      await from.stop();
      await to.stop();
    }
  });
});
