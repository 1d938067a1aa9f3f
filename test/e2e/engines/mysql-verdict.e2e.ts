import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Cluster, type JobRun } from '../../rehearsal';
import { imageNamed, imagesOfDist } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { everything, fillTorture } from '../support/mysql-torture';
import { request, resultOf, succeed, synthesize, until } from '../support/rehearse';

// What a dump of MySQL and MariaDB cannot carry, or a server would not take back, is carried after all, or named in the verdict.

const PRODUCTS = ['maria', 'mysql'] as const;
type Product = (typeof PRODUCTS)[number];

let cluster: Cluster;
let dist: string;
const servers = {} as { [product in Product]: MysqlServer };

beforeAll(async () => {
  const images = await imagesOfDist();
  dist = synthesize('test/e2e/engines/mysql-verdict/main.ts');
  cluster = await Cluster.create({ manifests: [dist], images, backoffSeconds: 0.1 });
  const options: { [option: string]: string } = {};
  servers.maria = await MysqlServer.start(imageNamed(images, 'mariadb:10.11.19-jammy'), { options });
  // From now on with keys to encrypt tables.
  const keys = join(servers.maria.data, 'keys.txt');
  writeFileSync(keys, `1;${'77'.repeat(32)}\n`);
  chmodSync(keys, 0o644);
  options['plugin-load-add'] = 'file_key_management';
  options['file-key-management-filename'] = '/var/lib/mysql/keys.txt';
  await servers.maria.down();
  await servers.maria.up();
  servers.mysql = await MysqlServer.start(imageNamed(images, 'mysql:9.7.2-oraclelinux9'), {
    options: { 'log-bin': 'binlog', 'server-id': '1', 'max-allowed-packet': '16M' },
  });
  for (const product of PRODUCTS) {
    const server = servers[product];
    server.query(
      'mysql',
      "create user 'backup'@'%' identified by 'b'; grant select, show view, trigger, event on *.* to 'backup'@'%'; create user 'part'@'%' identified by 'p'; grant select, show view, trigger, event on swap.* to 'part'@'%'; grant select on mysql.* to 'part'@'%'",
    );
    cluster.service(product, `${product}-db`, server.address);
    cluster.secret(product, 'backup', { username: 'backup', password: 'b' });
    cluster.secret(product, 'owner', { username: 'root', password: server.password });
    cluster.claim(product, 'backups');
    fill(server);
  }
});

afterAll(async () => {
  await cluster?.destroy();
  for (const each of Object.values(servers)) await each.stop();
  if (dist) rmSync(dist, { recursive: true });
});

const HARD = ['accident', 'app', 'core', 'kids', 'parents', 'events', 'values'];

function fill(server: MysqlServer): void {
  const { mariadb } = server;
  for (const database of [...HARD, 'outside', 'swap', ...(mariadb ? ['versioned', 'locked'] : [])]) {
    server.query('mysql', `create database \`${database}\``);
  }
  // The classic accident; a view that is broken already.
  server.query(
    'accident',
    `create table orders (id int primary key); insert into orders values (1); create table gone (x int);
     create view recent as select id from orders; create view broken as select x from gone; drop table gone`,
  );
  // Views and foreign keys from database to database, in both directions, and to one that is in no backup.
  server.query('core', "create table users (id int primary key, name varchar(20)); insert into users values (1, 'a')");
  server.query('outside', 'create table t (x int)');
  server.query(
    'app',
    `create table orders (id int primary key, user int); insert into orders values (1, 1);
     create view order_names as select o.id, u.name from orders o join core.users u on u.id = o.user;
     create view beyond as select x from outside.t; create view further as select x from beyond`,
  );
  server.query('parents', 'create table p (id int primary key); insert into p values (1); create table q (id int primary key, other int)');
  server.query(
    'kids',
    'create table k (id int primary key, p int, foreign key (p) references parents.p (id)); insert into k values (1, 1); create table l (id int primary key)',
  );
  server.query('parents', 'alter table q add foreign key (other) references kids.l (id)');
  // A view of a view that comes later, and constraints that only look like keys.
  server.query(
    'core',
    `create view user_names as select id, name from users; create view app.over_view as select name from user_names;
     create table checked (x varchar(50), constraint c check (x <> ' FOREIGN KEY ')); insert into checked values ('y')`,
  );
  // What acts by itself, of an owner that is no more, in a time zone that only this server has.
  server.query(
    'mysql',
    `insert into time_zone (time_zone_id, use_leap_seconds) values (900, 'N'); insert into time_zone_name (name, time_zone_id) values ('Test/Zone', 900);
     insert into time_zone_transition_type values (900, 0, 3600, 0, 'TST'); create user 'gone'@'%'; grant all on events.* to 'gone'@'%'`,
  );
  server.query(
    'events',
    `create table counter (n int); insert into counter values (0);
     create event charge on schedule every 1 second do update events.counter set n = n + 1;
     create event off on schedule every 1 day disable do select 1; create event on_primary on schedule every 1 day disable on ${mariadb ? 'slave' : 'replica'} do select 1;
     set time_zone = 'Test/Zone'; create event zoned on schedule every 1 day do delete from counter where n < 0; set time_zone = '+00:00';
     create definer = 'gone'@'%' view gone_view as select n from counter; create definer = 'gone'@'%' procedure gone_procedure() select 1;
     create definer = 'gone'@'%' trigger gone_trigger before insert on counter for each row insert into core.users values (new.n, 'by a trigger')`,
  );
  server.query('mysql', "drop user 'gone'@'%'");
  // Values: what text cannot say, what only a lenient server takes, and a row that is larger in a dump than a statement may be.
  server.query(
    'values',
    `create table prices (id int primary key, price float, fine float); insert into prices values (1, 123456.79, 1.5), (2, 16777216, 2), (3, 12.5, 3);
     create table letters (c varchar(10) character set greek); insert into letters values (_greek x'41D242'), ('A');
     create table days (d date); set sql_mode = 'ALLOW_INVALID_DATES'; insert into days values ('2026-02-31'); set sql_mode = '';
     create table exact (id int primary key, d double, n decimal(30, 10)); insert into exact values (1, 0.1e0 + 0.2e0, 12345678901234567890.0123456789);
     create table large (id int primary key, b longblob); insert into large values (1, repeat(x'00ff', 5000000))`,
  );
  if (mariadb) {
    server.query(
      'versioned',
      `create table t (id int primary key, x int) with system versioning; insert into t values (1, 1), (2, 2); update t set x = 3; delete from t where id = 2`,
    );
    server.query(
      'locked',
      'create table t (x int) encrypted = yes; insert into t values (1); create table n (x int, check (x < 5)); set check_constraint_checks = 0; insert into n values (7)',
    );
    // What a column asks of another database, what is of all accounts and of a database as such, and engines that not every server has.
    server.query(
      'app',
      `create sequence core.numbers; create table tickets (id bigint default nextval(core.numbers), x int); insert into tickets (x) values (1);
       alter database core comment 'it''s\nours'; grant select on core.* to public`,
    );
    server.query(
      'locked',
      `install soname 'ha_archive'; create table archived (x int) engine = archive; insert into archived values (1), (2);
       install soname 'ha_federatedx'; create table far (id int primary key, name varchar(20)) engine = federated connection = 'mysql://backup:b@${server.address}/core/users'`,
    );
    server.query('mysql', "install soname 'auth_ed25519'; create user shop@'%' identified via ed25519 using password('x')");
  } else {
    server.query('mysql', "install plugin auth_socket soname 'auth_socket.so'; create user shop@'localhost' identified with auth_socket");
    // What is of the server, and what tables count on.
    server.query(
      'values',
      `create spatial reference system 70000001 name 'own' definition 'GEOGCS["own",DATUM["d",SPHEROID["s",6378137,298.25]],PRIMEM["Greenwich",0],UNIT["degree",0.0174],AXIS["Lat",NORTH],AXIS["Lon",EAST]]';
       create table places (id int primary key, p point not null srid 70000001); insert into places values (1, st_geomfromtext('POINT(1 2)', 70000001));
       create tablespace fast add datafile 'fast.ibd'; create table quick (x int primary key) tablespace fast; insert into quick values (1);
       set global partial_revokes = on; create user almost identified by 'a'; grant select on *.* to almost; revoke select on core.* from almost;
       create user twice identified by 'a'; alter user twice identified by 'b' retain current password`,
    );
    // A function of before the binary log, and a key that is required since then.
    server.query(
      'values',
      `set global log_bin_trust_function_creators = 1; create function dice() returns int return 1 + floor(rand() * 6);
       set global log_bin_trust_function_creators = 0; set global sql_require_primary_key = 1`,
    );
  }
  // Two tables of one second, one of them nearly empty.
  server.query(
    'swap',
    `create table first (x int primary key); insert into first values (1); create table orders (id int primary key, x int); create table _orders_new like orders;
     insert into orders with recursive s as (select 1 n union all select n + 1 from s where n < 900) select n, n from s; insert into _orders_new select * from orders where id <= 10`,
  );
}

describe.each(PRODUCTS)('%s', product => {
  const server = () => servers[product];
  const run = (series: string, operation: string) => cluster.run({ kind: 'CronJob', namespace: product, name: `${series}-${operation}` });
  const ask = (series: string, words: { [key: string]: string }) => request(cluster, product, series, words);
  const hard = () => [...HARD, ...(server().mariadb ? ['versioned', 'locked'] : [])];
  const checksums = () =>
    JSON.stringify(
      hard().map(each =>
        Object.entries(server().checksums(each)).filter(([what]) => !/counter|prices|letters|broken|archived|far/.test(what)),
      ),
    );
  let before: string;
  let point: string;

  test('a backup names what it cannot carry', async () => {
    before = checksums();
    server().query('core', "xa start 'x'; insert into users values (77, 'prepared'); xa end 'x'; xa prepare 'x'");
    const { reason, id } = await succeed(run('hard', 'backup'), 'published');
    point = id;
    server().query('core', "xa rollback 'x'");
    expect(reason).toContain(
      'these views are broken (what they read does not exist, or their owner is not allowed to read it), so only their text is kept: accident.broken',
    );
    expect(reason).toContain(
      'these views read databases that are not in this recovery point, so no verification creates them: app.beyond, app.further',
    );
    expect(reason).toMatch(/come back changed; .*: values\.letters\.c \(1 values\), values\.prices\.price \(2 values\)/);
    expect(reason).not.toContain('fine');
    if (server().mariadb) {
      expect(reason).toContain('the writes of 1 prepared transactions (xa recover) are not in this recovery point');
      expect(reason).toContain(
        'the rows of these tables of database "locked" are stored elsewhere; this recovery point holds only the table definitions: far (FEDERATED)',
      );
    } else {
      expect(reason).toMatch(/the secondary passwords of these accounts .*: 'twice'@'%'/);
    }
  });

  test('a verification is strict where production is, and says whom it could not make', async () => {
    const done = await run('hard', 'verify');
    const { reason } = await succeed(Promise.resolve(done), 'verified');
    expect(reason).toMatch(/these accounts could be created here only without their authentication method: .*'shop'@/);
    if (server().mariadb) expect(reason).toContain('this image has no storage engine federated: tables of it were verified as InnoDB');
    else expect(reason).not.toContain('not every privilege');
    const hash = server().query('mysql', "select authentication_string from user where user = 'shop'");
    if (hash) expect(done.log).not.toContain(hash);
  });

  test('everything comes back: over foreign keys, views and limits, and its events act when all is there', async () => {
    server().query(
      'mysql',
      `set foreign_key_checks = 0; ${hard()
        .map(each => `drop database \`${each}\`;`)
        .join(' ')} set global max_allowed_packet = ${8 << 20};
       ${
         server().mariadb
           ? "revoke select on core.* from public; uninstall soname 'ha_archive'; uninstall soname 'ha_federatedx'"
           : 'drop tablespace fast; drop spatial reference system 70000001; drop user almost; set global partial_revokes = off; set global sql_generate_invisible_primary_key = on'
       }`,
    );
    ask('hard', {});
    const { reason } = await succeed(run('hard', 'restore'), 'restored');
    expect(checksums()).toBe(before);
    expect(reason).toContain(
      'these views of "accident" were broken or read other databases when they were backed up, and cannot be created here: broken',
    );
    expect(server().query('app', 'select name from order_names; select count(*) from further')).toBe('a\n0');
    expect(server().query('mysql', 'select @@global.max_allowed_packet')).toBe(String(8 << 20));
    expect(reason).toContain(
      'these events of "events" are disabled, as on the replica that was backed up; enable them if they should run here: on_primary',
    );
    expect(server().query('app', 'select name from over_view')).toBe('a');
    if (server().mariadb) {
      expect(reason).toContain('this server has no storage engine archive, federated: tables of it are InnoDB now');
      server().query('app', 'insert into tickets (x) values (2)');
      expect(server().query('app', 'select count(distinct id), min(id) from tickets; delete from tickets where x = 2')).toBe('2\t1');
      expect(
        server().query('app', "show grants for public; select schema_comment from information_schema.schemata where schema_name = 'core'"),
      ).toBe("GRANT SELECT ON `core`.* TO PUBLIC\nit's\nours");
      expect(server().query('locked', 'select count(*) from archived')).toBe('2');
    } else {
      expect(reason).toContain(
        "these accounts are not created, as they have revokes on single databases and partial_revokes is off on the server: 'almost'@'%'",
      );
      expect(reason).toContain('this server has no tablespace `fast`: tables that were there are now with all others');
      server().query('mysql', 'set global sql_generate_invisible_primary_key = off');
    }
    expect(() => server().query('kids', 'insert into k values (2, 77)')).toThrow(/1452/);
    await until('the event acts', () => server().query('events', 'select n > 0 from counter') === '1');
    if (server().mariadb) expect(server().query('versioned', 'select count(*) from t for system_time all')).toBe('4');
    else expect(server().query('mysql', 'select @@global.log_bin_trust_function_creators')).toBe('0');
  });

  test('a copy acts on nothing, and what in it means the original is named', async () => {
    ask('hard', { database: 'events', into: 'events_copy' });
    const { reason } = await succeed(run('hard', 'restore'), 'restored');
    expect(reason).toContain('events of "events_copy" are disabled, as this is a copy of "events": `charge`,`zoned`');
    expect(reason).toMatch(
      /these objects of the copy "events_copy" name other databases, .*event charge \(events\), trigger gone_trigger \(core\)/,
    );
    expect(
      server().query(
        'mysql',
        "select distinct status from information_schema.events where event_schema = 'events_copy' and event_name <> 'on_primary'",
      ),
    ).toBe('DISABLED');
    server().query('mysql', 'drop database events_copy');
  });

  test('what the target holds stops neither a restore nor its safety backup', async () => {
    // A view over a table that is gone, and a view by the name of a table that comes.
    server().query('accident', 'drop table orders; create table other (x int primary key)');
    server().query('parents', 'set foreign_key_checks = 0; drop table q; create view q as select 1 as x');
    ask('hard', { replace: 'yes', safetyBackup: 'yes' });
    const { reason } = await succeed(run('hard', 'restore'), 'restored');
    expect(reason).toMatch(/views of "accident" that were broken before this restore are in "accident_before_\d+" as text only/);
    expect(checksums()).toBe(before);
  });

  test('what fails when the tables have changed places is put back, in every database of the restore', async () => {
    const file = join(cluster.claim(product, 'backups'), 'hard', point, 'events.events.sql.zst');
    const whole = readFileSync(file);
    ask('hard', { replace: 'yes' });
    writeFileSync(file, whole.subarray(1));
    try {
      expect(resultOf(await run('hard', 'restore')).reason).toMatch(
        /^not every object of .*"events".* could be re-created, and .* is unchanged: /,
      );
    } finally {
      writeFileSync(file, whole);
    }
    expect(checksums()).toBe(before);
    expect(server().query('app', 'select name from over_view')).toBe('a');
    if (server().mariadb) return;
    server().query('app', 'alter database app read only = 1');
    try {
      expect(resultOf(await run('hard', 'restore')).reason).toMatch(/^database "app" is read only: nothing was changed/);
    } finally {
      server().query('app', 'alter database app read only = 0');
    }
  });

  test('a table that takes the name of another while the dump runs fails the run, and the next one is right', async () => {
    const holder = server().background('swap', 'lock tables first write; select sleep(60);');
    const waiting =
      "select count(*) from information_schema.processlist where state like 'Waiting for table%' and user = 'backup' and info not like 'checksum%'";
    let done: Promise<JobRun>;
    try {
      await until(
        'the table is held',
        () => server().query('mysql', "select count(*) from information_schema.processlist where info like 'select sleep(60)%'") !== '0',
      );
      done = run('swap', 'backup');
      await until('the dump waits', () => server().query('mysql', waiting) !== '0');
      server().query(
        'swap',
        'rename table orders to _orders_old, _orders_new to orders; insert into orders select * from _orders_old where id > 10',
      );
    } finally {
      await holder.stop();
      await server().endSessions('select sleep(60)%');
    }
    const finished = await done;
    expect(finished.log).toMatch(
      server().mariadb
        ? /ERROR: while database swap was being dumped, these tables were replaced, altered or emptied: orders\./
        : /ERROR: while database swap was being dumped, (these tables were replaced|tables were renamed or altered on this server)/,
    );
    expect(finished.pods.length).toBeGreaterThan(1);
    expect(resultOf(finished).verdict, finished.log).toBe('published');
    await succeed(run('swap', 'verify'), 'verified');
    ask('swap', { database: 'swap', into: 'swap_copy' });
    await succeed(run('swap', 'restore'), 'restored');
    expect(server().query('swap_copy', 'select count(*) from orders')).toBe('900');
  });

  test('a database of everything that the server can make comes back the same', async () => {
    server().query(
      'mysql',
      `set global log_bin_trust_function_creators = 1; ${server().mariadb ? '' : 'set global sql_require_primary_key = 0'}`,
    );
    fillTorture(server(), 'torture');
    const made = everything(server(), 'torture');
    await succeed(run('torture', 'backup'), 'published');
    await succeed(run('torture', 'verify'), 'verified');
    server().query('mysql', 'drop database torture');
    ask('torture', {});
    await succeed(run('torture', 'restore'), 'restored');
    const restored = everything(server(), 'torture');
    const different = Object.keys({ ...made, ...restored }).filter(each => made[each] !== restored[each]);
    console.log(`${product}: ${Object.keys(made).length} objects compared, ${different.length} differences`);
    expect(Object.keys(made).length).toBeGreaterThan(70);
    expect(restored).toEqual(made);
  });

  test.each([
    [
      'an owner of one database',
      'grant all on swap.* to someone',
      /^the accounts are not in this recovery point, as the role is not allowed to read mysql\.user/,
    ],
    [
      'a role of a managed server',
      'set global partial_revokes = on; grant select, show view, trigger, event, process, show_routine on *.* to someone; revoke select on mysql.* from someone',
      /^the accounts are not in this recovery point, as the role is not allowed to read mysql\.user/,
    ],
  ])('what %s does not see is what the verdict says', async (_, grant, says) => {
    if (server().mariadb && grant.includes('revoke')) return;
    server().query('mysql', `drop user if exists someone; create user someone identified by 'r'; ${grant}`);
    cluster.secret(product, 'backup', { username: 'someone', password: 'r' });
    try {
      expect((await succeed(run('owner', 'backup'), 'published')).reason).toMatch(says);
    } finally {
      cluster.secret(product, 'backup', { username: 'backup', password: 'b' });
    }
  });

  test('an image newer than the server verifies its backups, but for the sums of rows', async () => {
    if (!server().mariadb) return;
    await succeed(run('newer', 'backup'), 'published');
    expect((await succeed(run('newer', 'verify'), 'verified')).reason).toMatch(
      /checksums of rows are not compared: the backup is from release 10\.11\S*, and this is 11\.8/,
    );
  });

  test('what a role may not see or not make is refused before anything is done', async () => {
    const may =
      'select, insert, update, delete, create, drop, reload, references, index, alter, create view, show view, create routine, alter routine, execute, event, trigger, create user';
    server().query(
      'mysql',
      `drop user if exists someone; create user someone identified by 'r'; grant all on swap.* to someone; create procedure swap.others() select 1`,
    );
    cluster.secret(product, 'backup', { username: 'someone', password: 'r' });
    cluster.secret(product, 'owner', { username: 'someone', password: 'r' });
    try {
      expect(resultOf(await run('owner', 'backup')).reason).toMatch(
        /^the role is not allowed to see the routines of other users in database "swap"/,
      );
      server().query('mysql', `grant ${may} on *.* to someone; ${server().mariadb ? '' : 'set global sql_require_primary_key = 0'}`);
      ask('hard', { database: 'events', into: 'events_copy' });
      const refused = await run('hard', 'restore');
      expect(resultOf(refused).reason).toMatch(
        /^the role is not allowed to create objects of other users, such as .*@%: no database was changed/,
      );
      expect(server().query('mysql', "show databases like 'restore\\_%'")).toBe('');
    } finally {
      server().query('mysql', 'drop procedure swap.others');
      cluster.secret(product, 'backup', { username: 'backup', password: 'b' });
      cluster.secret(product, 'owner', { username: 'root', password: server().password });
    }
  });

  test('a role that sees only some databases is refused when all are meant', async () => {
    cluster.secret(product, 'backup', { username: 'part', password: 'p' });
    try {
      expect(resultOf(await run('everything', 'backup')).reason).toMatch(
        /^no databases are named, and the role sees only those that it has grants on/,
      );
    } finally {
      cluster.secret(product, 'backup', { username: 'backup', password: 'b' });
    }
  });
});
