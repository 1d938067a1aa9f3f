-- What pg_dump leaves out of a database without a word that anybody reads, or for lack of rights: a line each.
-- Run in the snapshot of the dump. What it leaves out with an error ends the run, and needs no word here.
-- psql variable: standby, `true` on a standby.
\set names 'string_agg(name, \', \' order by name) filter (where number <= 5) || case when count(*) > 5 then \' and \' || count(*) - 5 || \' more\' else \'\' end'

with left_out(what, name) as (
  -- Their connection strings are a superuser's to read.
  select 'subscriptions are left out, as only a superuser can dump them: ', subname
  from pg_subscription join pg_database d on d.oid = subdbid
  where datname = current_database() and current_setting('is_superuser') <> 'on'
  union all
  -- (The view pg_user_mappings shows options by these rules.)
  select 'options of user mappings, such as passwords, are left out, as the role is not allowed to see them: ', usename || ' on ' || s.srvname
  from pg_user_mappings m join pg_foreign_server s on s.oid = m.srvid
  where umoptions is null and current_setting('is_superuser') <> 'on'
    and not case when umuser = 0 then pg_has_role(srvowner, 'usage')
      else usename = current_user and (pg_has_role(srvowner, 'usage') or has_server_privilege(s.oid, 'usage')) end
  union all
  select 'rows of foreign tables are on other servers, and are left out: ', format('%I.%I', nspname, relname)
  from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind = 'f' and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  union all
  select 'rows of unlogged tables are left out, as a standby has none: ', format('%I.%I', nspname, relname)
  from pg_class c join pg_namespace n on n.oid = relnamespace
  where :'standby'::boolean and relkind = 'r' and relpersistence = 'u'
  union all
  -- For a server whose files are damaged; only a superuser could switch them off for a dump.
  select 'the server ignores damaged pages, and their rows are silently left out or changed: ', name || ' is on'
  from unnest('{zero_damaged_pages,ignore_checksum_failure}'::text[]) name where current_setting(name) = 'on'
  union all
  -- A standby does not show them. One that was prepared meanwhile is for the next dump.
  select 'prepared transactions, neither committed nor rolled back, are left out with their rows: ',
    format('one of %s, prepared at %s', owner, to_char(prepared at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
  from pg_prepared_xacts where database = current_database() and prepared < now()
  union all
  select 'replication slots are left out, so their consumers must start over after a restore: ', slot_name
  from pg_replication_slots where database = current_database() and not temporary
  union all
  -- A child's inherited columns are not its own to place: they come first, as the parents have them.
  select 'columns come back in another order, as inherited ones come first: ', format('%I.%I', nspname, relname)
  from (
    select c.oid, c.relnamespace, c.relname, array_agg(a.attname order by a.attnum) as now, array_agg(a.attname order by p.place, a.attnum) as "then"
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join lateral (select min(inhseqno * 10000 + parent.attnum) as place
        from pg_inherits join pg_attribute parent on parent.attrelid = inhparent and parent.attname = a.attname and parent.attnum > 0 and not parent.attisdropped
        where inhrelid = c.oid) p on true
    where c.relkind in ('r', 'f') and not c.relispartition and exists (select from pg_inherits where inhrelid = c.oid)
    group by c.oid
  ) child join pg_namespace n on n.oid = relnamespace
  where now <> "then"
  union all
  -- Objects of PostgreSQL's own schemas are taken for PostgreSQL's own.
  select 'objects added to PostgreSQL''s own schemas are left out: ', name
  from (
    select 'pg_proc'::regclass::oid, oid, oid::regprocedure::text, pronamespace from pg_proc
    union all
    select 'pg_class'::regclass, oid, oid::regclass::text, relnamespace from pg_class where relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all
    select 'pg_type'::regclass, oid, oid::regtype::text, typnamespace from pg_type where typtype in ('d', 'e', 'r')
    union all
    select 'pg_operator'::regclass, oid, oid::regoperator::text, oprnamespace from pg_operator
  ) o(class, oid, name, namespace)
  -- (PostgreSQL's sources, access/transam.h: FirstNormalObjectId.)
  where namespace in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) and oid >= 16384
    and not exists (select from pg_depend d where d.classid = class and d.objid = o.oid and d.deptype = 'e')
), numbered as (select what, name, row_number() over (partition by what order by name) as number from left_out)
select what || :names from numbered group by what order by what;

-- Of tables that belong to an extension, pg_dump takes the rows only where the extension says that they are the user's.
select format($f$select %L where exists (select from only %I.%I)$f$,
  format('rows of table %I.%I are left out, as it belongs to extension %I, which does not declare them for dumps', nspname, relname, extname), nspname, relname)
from pg_class c join pg_namespace n on n.oid = relnamespace
  join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e' and d.refclassid = 'pg_extension'::regclass
  join pg_extension e on e.oid = d.refobjid
where relkind = 'r' and relpersistence = 'p' and c.oid <> all (coalesce(extconfig, '{}'))
  and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid)
order by nspname, relname
\gexec
