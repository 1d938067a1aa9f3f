import type { MysqlServer } from './mysql-server';

// A database that nobody tuned for dumps: every type, character set, partitioning, index, constraint, engine and kind of program that
// the server has, each with its least, its largest and its odd values.

export function fillTorture(server: MysqlServer, database: string): void {
  const { mariadb } = server;
  server.query('mysql', `create database \`${database}\` character set utf8mb4`);
  server.query(
    database,
    `set session sql_mode = 'NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
     create table numbers (id bigint unsigned auto_increment primary key, a tinyint, b tinyint unsigned zerofill, c smallint, d mediumint, e int, f bigint, g decimal(65, 30),
       h decimal(10, 0) unsigned, i float, j double, k bit(1), l bit(64), m bool, n year, o double(20, 4), p float(10, 2)) auto_increment = 5000;
     insert into numbers (id, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) values
       (0, -128, 0, -32768, -8388608, -2147483648, -9223372036854775808, -99999999999999999999999999999999999.999999999999999999999999999999, 0, -1.5e-30, 2.2250738585072014e-308, 0, 0, 0, 1901, -1, 1.25),
       (18446744073709551610, 127, 255, 32767, 8388607, 2147483647, 9223372036854775807, 99999999999999999999999999999999999.999999999999999999999999999999, 9999999999, 3.25e10, 1.7976931348623157e308, 1, b'1111111111111111111111111111111111111111111111111111111111111111', 1, 2155, 12345678901234.5678, 99999.99),
       (7, null, null, null, null, null, null, null, null, null, 0.1e0 + 0.2e0, null, null, null, null, null, null);
     create table times (a date, b time(6), c datetime(6), d timestamp(6) null, e datetime, f timestamp not null default current_timestamp on update current_timestamp, key (c desc));
     set time_zone = '+00:00';
     insert into times values ('0000-00-00', '-838:59:59.000000', '0000-00-00 00:00:00', null, '9999-12-31 23:59:59', '2026-10-25 00:30:00'),
       ('2026-02-31', '838:59:59', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01.000001', null, '2026-10-25 01:30:00'), ('2026-00-10', '00:00:00', '2026-10-25 02:30:00.5', '2038-01-19 03:14:07.999999', '0001-01-01', '2026-03-29 02:30:00');
     create table texts (a char(255), b varchar(2000), c tinytext, d text, e mediumtext, f longtext, g binary(20), h varbinary(2000), i tinyblob, j blob, k mediumblob, l longblob, m enum('', 'a', 'b''c', 'ж', 'd,e'), n set('x', 'y''z', 'ü'), o json);
     insert into texts values ('trailing  ', 'a\\tb\\nc\\rd\\\\e''f"g\\0h\\Z', '', 'ж😀', repeat('long', 30000), '),(', x'00ff', x'0a0d5c27221a00', '', x'ff', repeat(x'00', 70000), x'', '', 'x,ü', '{"a": [1, 2.5, null, "ж\\\\\\\\"], "b": 1e300}'),
       (null, null, null, null, null, null, null, null, null, null, null, null, null, null, null), ('', ' ', "'", ';', '-- ', '/*', '', ' ', x'27', x'3b', '', null, 'd,e', '', '[]');
     create table shapes (a point not null, b linestring, c polygon, d multipoint, e multilinestring, f multipolygon, g geometrycollection, h geometry${mariadb ? '' : ' srid 4326'}, spatial key (a));
     insert into shapes values (point(1.5, -2), linestring(point(0, 0), point(1, 1e-9)), polygon(linestring(point(0, 0), point(4, 0), point(4, 4), point(0, 0))), multipoint(point(1, 1)), multilinestring(linestring(point(0, 0), point(1, 1))),
       multipolygon(polygon(linestring(point(0, 0), point(4, 0), point(4, 4), point(0, 0)))), geometrycollection(point(1, 2)), ${mariadb ? 'point(3, 4)' : "st_geomfromtext('POINT(10 20)', 4326)"});
     create table parents (id int primary key, name varchar(50), constraint \`odd "name"\` check (id <> 13));
     create table children (id int auto_increment primary key, parent int, self int, made int default (1 + 2), twice int generated always as (made * 2) virtual, thrice int generated always as (made * 3) stored,
       hidden int default 4 invisible, unique key (parent, self), key prefixed (made), foreign key (parent) references parents (id) on delete cascade on update set null, foreign key (self) references children (id) on delete set null,
       check (made > 0), fulltext key ft (words)${', words text'}) comment 'it''s \\\\ "a" comment; -- ж';
     insert into parents values (1, 'a'), (2, 'b'); insert into children (id, parent, self, hidden, words) values (1, 1, null, 9, 'some words'), (90, 2, 1, 4, null);
     create table empty_one (x int); create table \`odd \`\`tab.le"' ж\\\\ %s\` (\`Col umn\` int, \`),(\` varchar(20), primary key (\`Col umn\`)); insert into \`odd \`\`tab.le"' ж\\\\ %s\` values (1, '),(');
     create table p_range (d date not null, x int) partition by range (to_days(d)) (partition a values less than (to_days('2026-01-01')), partition b values less than maxvalue comment = 'rest');
     create table p_columns (a int, b varchar(10)) partition by range columns (a, b) (partition a values less than (5, 'm'), partition b values less than (maxvalue, maxvalue));
     create table p_list (x int) partition by list (x) (partition a values in (1, 2), partition b values in (3, null));
     create table p_list_columns (x varchar(5)) partition by list columns (x) (partition a values in ('a', 'ж'), partition b values in ('b'));
     create table p_hash (x int) partition by linear hash (x) partitions 3; create table p_key (x int primary key) partition by key () partitions 2;
     create table p_sub (d date, x int) partition by range (year(d)) subpartition by hash (x) subpartitions 2 (partition a values less than (2026), partition b values less than maxvalue);
     insert into p_range values ('2025-05-05', 1), ('2026-05-05', 2); insert into p_columns values (1, 'a'), (9, 'z'); insert into p_list values (1), (3), (null); insert into p_list_columns values ('ж'), ('b');
     insert into p_hash values (1), (2), (3); insert into p_key values (1), (2); insert into p_sub values ('2025-01-01', 1), ('2026-01-01', 2);
     create table f_compact (x int) row_format = compact; create table f_redundant (x int) row_format = redundant; create table f_compressed (x text) row_format = compressed key_block_size = 8; insert into f_compressed values (repeat('z', 9000));
     create table e_myisam (x int, key (x)) engine = MyISAM; insert into e_myisam values (1), (1); create table e_merge (x int, key (x)) engine = MERGE union = (e_myisam) insert_method = last;
     create table e_memory (x int, key (x) using btree) engine = MEMORY; insert into e_memory values (5); create table e_csv (x int not null, y varchar(20) not null) engine = CSV; insert into e_csv values (1, 'a,"b"\\n');`,
  );
  // A table of every character set, with the letters that all of them have, and one of its own where it is named here.
  const letters: { [charset: string]: string } = {
    koi8r: 'ж',
    cp1251: 'ж',
    greek: 'λ',
    hebrew: 'א',
    sjis: '表',
    cp932: '表',
    ujis: '表',
    eucjpms: '表',
    gbk: '陕',
    gb2312: '中',
    gb18030: '𠀀',
    big5: '功',
    euckr: '한',
    tis620: 'ก',
    latin1: '€é',
    latin2: 'ł',
    cp1250: 'ł',
  };
  const charsets = server
    .query('information_schema', "select character_set_name from character_sets where character_set_name not in ('binary', 'filename')")
    .split('\n');
  server.query(
    database,
    charsets
      .map(
        charset =>
          `create table c_${charset} (a varchar(50) character set ${charset} not null default 'ab', b text character set ${charset}); insert into c_${charset} values ('Az09${letters[charset] ?? ''}', concat('line\\n', '${letters[charset] ?? 'x'}'));`,
      )
      .join('\n'),
  );
  if (mariadb) {
    server.query(
      database,
      `create table more (a inet6, b inet4, c uuid, d varchar(500) compressed, e text, unique key (e), key plain (a) ignored); insert into more values ('2001:db8::1', '10.0.0.1', '123e4567-e89b-12d3-a456-426655440000', repeat('x', 400), 'long unique');
       create table booked (room int, a date, b date, period for stay (a, b), unique (room, stay without overlaps)); insert into booked values (1, '2026-01-01', '2026-01-05');
       create table past (id int primary key, x int, y int without system versioning) with system versioning; insert into past values (1, 1, 1), (2, 2, 2); update past set x = 5 where id = 1; delete from past where id = 2;
       create table past_parts (x int) with system versioning partition by system_time (partition old history, partition now current); insert into past_parts values (1); delete from past_parts; insert into past_parts values (2);
       create table past_named (x int, s timestamp(6) generated always as row start, e timestamp(6) generated always as row end, period for system_time (s, e)) with system versioning; insert into past_named (x) values (3); update past_named set x = 4;
       create table e_aria (x int) engine = Aria transactional = 1; insert into e_aria values (8); create table paged (x text) page_compressed = 1; insert into paged values (repeat('p', 50000));
       create sequence up start with 100 increment by 7 cache 3 cycle maxvalue 1000; select nextval(up); create sequence down start with -1 increment by -2 minvalue -100 maxvalue -1 nocache; select nextval(down), nextval(down);
       create table from_sequence (id bigint default nextval(up) primary key, x int); insert into from_sequence (x) values (1);`,
    );
  } else {
    server.query(
      database,
      `create table more (id int primary key, j json, name varchar(20), v vector(3), key functional ((upper(name))), key multi ((cast(j->'$.tags' as unsigned array))), key hidden (name) invisible, key falling (id desc, name));
       insert into more values (1, '{"tags": [1, 2, 3], "d": 1.10}', 'n', string_to_vector('[1, 2.5, -3]')); insert into more (id, j) values (2, json_object('at', 'x'));
       create library lib_plain comment 'it''s' language javascript as 'export function f(n) { return n + 1 }';
       create table loose (x int, constraint never check (x < 5) not enforced); insert into loose values (9); create table no_key (x int);`,
    );
  }
  const programs = [
    'create view v_merge as select id, name from parents where id < 10 with cascaded check option',
    'create algorithm = temptable sql security invoker view v_temp (n, `odd ``name`) as select count(*), max(name) from v_merge',
    'create view `--result-file=/tmp/taken` as select 1 as n',
    'create view `-t` as select 2 as n',
    "create view v_text as select 'it''s; \\\\ -- ж' as t, 1 + 1 as n",
    "create procedure p_plain(in a int, out b varchar(20), inout c json) comment 'it''s; \"x\"' modifies sql data sql security invoker begin -- ж\n  declare exit handler for sqlexception begin end;\n  set b = ';;'; /* delimiter // */\n  insert into parents values (a, b);\nend",
    "create function f_plain(a decimal(10, 3)) returns varchar(50) character set latin1 deterministic return concat(a, '$$')",
    "create trigger t_first before insert on parents for each row set new.name = concat(new.name, ';')",
    "create trigger t_second before insert on parents for each row follows t_first begin if new.id = 99 then set new.name = '//'; end if; end",
    'create trigger t_after after delete on parents for each row insert into empty_one values (old.id)',
    "create event e_every on schedule every '1:30' minute_second starts '2026-01-01 00:00:00' ends '2037-01-01 00:00:00' on completion preserve enable comment 'x; y' do begin delete from empty_one; end",
    "create event e_far on schedule at '2037-01-01 00:00:00' disable do insert into empty_one values (1)",
    "create event e_odd on schedule every 1 week starts '2026-01-01 00:00:00' disable do select ' ON COMPLETION PRESERVE ENABLE '",
  ];
  server.query(
    database,
    `delimiter $$$\nset session sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'$$$\n${'create procedure "p ansi"() select \'a\' || "id" from "parents"'}$$$\nset session sql_mode = ''$$$\n${programs.join('$$$\n')}$$$\n`,
  );
  if (mariadb) {
    server.query(
      database,
      `delimiter $$$
       set session sql_mode = 'ORACLE'$$$
       create package pack as procedure one(a int); function two return int; end$$$
       create package body pack as n int := 5; procedure one(a int) as begin select a + n; end; function two return int as begin return n; end; end$$$
       set session sql_mode = ''$$$
       create aggregate function last_of(x int) returns int begin declare s int default 0; declare continue handler for not found return s; loop fetch group next row; set s = x; end loop; end$$$`,
    );
  }
}

/** Every object of a database by its kind and name: how the server itself says it is made, and a checksum of the rows of tables. */
export function everything(server: MysqlServer, database: string): { [object: string]: string } {
  const ask = (sql: string) =>
    server
      .query('information_schema', sql)
      .split('\n')
      .filter(Boolean)
      .map(line => line.split('\t') as [string, string]);
  const of = `'${database}'`;
  const objects = [
    ...ask(`select table_type, table_name from tables where table_schema = ${of}`).map(([type, name]) => [
      type === 'VIEW' ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table',
      name,
    ]),
    ...ask(`select lower(routine_type), routine_name from routines where routine_schema = ${of}`),
    ...(server.mariadb ? [] : ask(`select 'library', library_name from libraries where library_schema = ${of}`)),
    ...ask(`select 'trigger', trigger_name from triggers where trigger_schema = ${of}`),
    ...ask(`select 'event', event_name from events where event_schema = ${of}`),
  ] as [string, string][];
  const arrays = server.mariadb
    ? []
    : ask(`select table_name, '' from statistics where table_schema = ${of} and expression like '% array)%'`).map(([table]) => table);
  const name = (text: string) => `\`${text.replaceAll('`', '``')}\``;
  const statements = objects.flatMap(([kind, object]) => {
    const marker = `select concat('@@', '@ ', ${`'${`${kind} ${object}`.replace(/[\\']/g, '\\$&')}'`});`;
    const create = `show create ${kind} ${name(object)};`;
    // What MySQL keeps for an index over an array counts into its checksum, and is of no fixed value.
    if (arrays.includes(object)) return [marker, create, `select * from ${name(object)};`];
    if (kind === 'table') return [marker, create, `checksum table ${name(object)} extended;`];
    if (kind === 'sequence') return [marker, create, `select * from ${name(object)};`];
    return [marker, create];
  });
  const said = server.query(database, `set time_zone = '+00:00';\n${statements.join('\n')}`);
  return Object.fromEntries(
    said
      .split('@@@ ')
      .slice(1)
      .map(part => {
        const end = part.indexOf('\n');
        // A trigger's row says when it was made, and a checksum's the database.
        return [
          part.slice(0, end),
          part
            .slice(end + 1)
            .replace(/\t\d{4}-\d\d-\d\d [\d:.]+\n?$/, '')
            .replaceAll(`${database}.`, ''),
        ];
      }),
  );
}
