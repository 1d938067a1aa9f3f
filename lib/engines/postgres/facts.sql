-- Everything that can be counted in a database, one line each: "<what>/<database>/<name>":<number>, with a slash in the database's name
-- as %2F, so that the second part is always the whole of it.
-- Run in the snapshot of the dump and again after a restore; the two must be equal.
-- psql variables: database, the name to report; checksums, how many bytes of tables are summed up, the small ones first. Where it is 0 those
-- are summed up that $SCRATCH/checksums.wanted names, if there is such a file.
-- What an extension owns comes back with CREATE EXTENSION and is left to the extension's version.
set timezone = 'UTC';
-- What is summed up is text.
set bytea_output = 'hex';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set extra_float_digits = 1;
set xmlbinary = 'base64';
\set checksums_wanted `cat "$SCRATCH/checksums.wanted" 2>/dev/null || :`
select replace(replace(:'database', '%', '%25'), '/', '%2F') as database, current_setting('server_encoding') = 'SQL_ASCII' as any_bytes \gset
\if :any_bytes
  \encoding SQL_ASCII
\endif

with
  own_namespace as (
    select oid, nspname from pg_namespace
    where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
  ),
  of_extension as (select classid, objid from pg_depend where deptype = 'e'),
  counts(what, n) as (
    select case c.relkind when 'r' then 'tables' when 'p' then 'partitioned-tables' when 'v' then 'views' when 'm' then 'materialized-views'
        when 'S' then 'sequences' when 'i' then 'indexes' when 'I' then 'indexes' when 'f' then 'foreign-tables' when 'c' then 'composite-types' end,
      count(*)
    from pg_class c join own_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'i', 'I', 'f', 'c') and c.relpersistence <> 't'
      and (c.relkind not in ('i', 'I') or exists (select from pg_index i where i.indexrelid = c.oid and i.indisvalid))
      and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
      and not exists (
        select from pg_index i join of_extension e on e.classid = 'pg_class'::regclass and e.objid = i.indrelid where i.indexrelid = c.oid)
    group by 1
    union all
    select 'functions', count(*) from pg_proc p join own_namespace n on n.oid = p.pronamespace
    where not exists (select from of_extension e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
    union all
    select 'types', count(*) from pg_type t join own_namespace n on n.oid = t.typnamespace
    where t.typtype in ('d', 'e', 'r') and not exists (select from of_extension e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
    union all
    select 'schemas', count(*) from own_namespace n
    where nspname <> 'public' and not exists (select from of_extension e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid)
    union all
    select 'triggers', count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid join own_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
    union all
    select 'policies', count(*) from pg_policy p
    where not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = p.polrelid)
    union all
    select 'constraints', count(*) from pg_constraint k join own_namespace n on n.oid = k.connamespace
    where k.contype in ('p', 'u', 'f', 'c', 'x')
      and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = k.conrelid)
    union all
    select 'extensions', count(*) from pg_extension
    union all
    select 'large-objects', count(*) from pg_largeobject_metadata
    union all
    select 'default-privileges', count(*) from pg_default_acl
    union all
    select 'event-triggers', count(*) from pg_event_trigger t
    where not exists (select from of_extension e where e.classid = 'pg_event_trigger'::regclass and e.objid = t.oid)
    union all
    select 'publications', count(*) from pg_publication
    union all
    -- A role that is no superuser dumps none, and says so.
    select 'subscriptions', count(*) from pg_subscription s join pg_database d on d.oid = s.subdbid
    where d.datname = current_database() and current_setting('is_superuser') = 'on'
    union all
    select 'foreign-servers', count(*) from pg_foreign_server s
    where not exists (select from of_extension e where e.classid = 'pg_foreign_server'::regclass and e.objid = s.oid)
    union all
    select 'user-mappings', count(*) from pg_user_mappings
    union all
    select 'comments', count(*) from pg_description d join pg_class c on d.classoid = 'pg_class'::regclass and c.oid = d.objoid
      join own_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and not exists (select from of_extension e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
    union all
    select 'security-labels', count(*) from pg_seclabel
    union all
    -- Of the database, and of single roles in it.
    select 'settings', coalesce(sum(cardinality(s.setconfig)), 0) from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
    where d.datname = current_database()
  )
select to_json(what || '/' || :'database')::text || ':' || n from counts where n > 0 order by what collate "C";

-- Of unlogged tables the rows are not counted: a standby has none to dump, and nobody promised to keep them.
-- A hash may be another one after a restore, as those of enums are: such partitions are counted together, as the table that they are of. (pg_dump
-- lets rows find their partition then: PostgreSQL's release notes, 15.3.)
-- The checksum is of the rows as text, the columns by their names: a restore may change the order of both. What is generated is made anew.
-- A name may be of bytes that are no text.
with own_table as (
  select c.oid, n.nspname, c.relname, coalesce(hashed.name, n.nspname || '.' || c.relname) as counted_as,
    (select coalesce(string_agg(quote_ident(attname), ', ' order by attname collate "C"), '')
      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
    left join lateral (select pn.nspname || '.' || p.relname as name
      from pg_partition_ancestors(c.oid) with ordinality a(oid, height) join pg_partitioned_table t on t.partrelid = a.oid and t.partstrat = 'h'
        join pg_class p on p.oid = a.oid join pg_namespace pn on pn.oid = p.relnamespace
      order by height desc limit 1) hashed on c.relispartition
  where c.relkind = 'r' and c.relpersistence = 'p'
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), counted as (
  select counted_as, case when current_setting('server_encoding') = 'SQL_ASCII' then encode(convert_to(counted_as, 'SQL_ASCII'), 'escape') else counted_as end as name,
    string_agg(format('select null::bigint as value from only %I.%I', nspname, relname), ' union all ') as plain,
    string_agg(format('select hashtextextended(row(%s)::text collate "C", 0) as value from only %I.%I', columns, nspname, relname), ' union all ') as valued,
    sum(case when :checksums > 0 then pg_table_size(oid) else 0 end) as bytes
  from own_table group by counted_as
), named as (
  select *, to_json('rows/' || :'database' || '/' || name)::text as rows, to_json('checksum/' || :'database' || '/' || name)::text as checksum,
    sum(bytes) over (order by bytes, counted_as collate "C") as together
  from counted
), chosen as (
  select *, case when :checksums > 0 then together <= :checksums else checksum = any (string_to_array(:'checksums_wanted', E'\n')) end as summed from named
)
select case when summed
  then format($f$select %L || count(*) || E'\n' || %L || mod(mod(coalesce(sum(value), 0), 1000000000000000) + 1000000000000000, 1000000000000000) from (%s) t$f$,
    rows || ':', checksum || ':', valued)
  else format('select %L || count(*) from (%s) t', rows || ':', plain) end
from chosen order by counted_as collate "C"
\gexec
