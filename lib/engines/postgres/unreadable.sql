-- What of this database the role may not read, so that no dump of it can be whole: a line.
with unreadable(name) as (
  select case
      when not has_schema_privilege(n.oid, 'usage') then format('schema %I (no usage)', nspname)
      when relkind = 'S' and not has_sequence_privilege(c.oid, 'select') then format('sequence %I.%I', nspname, relname)
      when relkind <> 'S' and not has_table_privilege(c.oid, 'select') then format('table %I.%I', nspname, relname)
      when relkind <> 'S' and row_security_active(c.oid) then format('table %I.%I (row-level security hides rows)', nspname, relname) end
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where relkind in ('r', 'p', 'S') and relpersistence <> 't' and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      and not exists (select from pg_extension e where e.oid = d.refobjid and c.oid = any (extconfig)))
  group by 1
  union all
  select 'large object ' || m.oid
  from pg_largeobject_metadata m
  where current_setting('is_superuser') <> 'on' and current_setting('lo_compat_privileges') <> 'on' and not pg_has_role(lomowner, 'usage')
    and not exists (select from aclexplode(lomacl) where privilege_type = 'SELECT' and (grantee = 0 or pg_has_role(grantee, 'usage')))
), numbered as (select name, row_number() over (order by name) as number from unreadable where name is not null)
select string_agg(name, ', ' order by number) filter (where number <= 5) || case when count(*) > 5 then ' and ' || count(*) - 5 || ' more' else '' end
from numbered having count(*) > 0;
