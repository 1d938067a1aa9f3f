-- How many tables this database holds, and how much else that a dump would carry; extensions by themselves are not counted.
with own_namespace as (
  select oid from pg_namespace
  where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_namespace'::regclass and d.objid = pg_namespace.oid and d.deptype = 'e')
), own(class, oid) as (
  select 'pg_class'::regclass, oid from pg_class where relkind in ('v', 'm', 'S', 'f', 'c') and relnamespace in (table own_namespace)
  union all select 'pg_proc'::regclass, oid from pg_proc where pronamespace in (table own_namespace)
  union all select 'pg_type'::regclass, oid from pg_type where typtype in ('d', 'e', 'r') and typnamespace in (table own_namespace)
  union all select 'pg_namespace'::regclass, oid from pg_namespace where oid in (table own_namespace) and nspname <> 'public'
  union all select 'pg_foreign_server'::regclass, oid from pg_foreign_server
  union all select 'pg_publication'::regclass, oid from pg_publication
  union all select 'pg_largeobject'::regclass, oid from pg_largeobject_metadata
)
select (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)')
  || ' ' || (select count(*) from own where not exists (select from pg_depend d where d.classid = class and d.objid = own.oid and d.deptype = 'e'));
