-- The extensions of a database, and what their tables have beside rows: a line each, of a word (extension or addition, see postgres.sh), a tab, the
-- extension's name, a tab, and its version, or what there is. pg_dump carries nothing of what a user has added to an extension's tables, and
-- nothing tells it from what the extension has brought: what CREATE EXTENSION makes at the restore tells.
select E'extension\t' || quote_ident(extname) || E'\t' || extversion from pg_extension order by extname collate "C";

with member(class, oid, extension, owner) as (
  select classid, objid, e.oid, extowner from pg_depend join pg_extension e on e.oid = refobjid
  where refclassid = 'pg_extension'::regclass and deptype = 'e'
), ours as (
  select c.*, extension, owner from member m join pg_class c on m.class = 'pg_class'::regclass and m.oid = c.oid
), addition(extension, name) as (
  select extension, format('%s %s', case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type' else 'table' end, oid::regclass) from ours
  union all
  select extension, format('row-level security of %s', oid::regclass) from ours where relrowsecurity
  union all
  select extension, format('forced row-level security of %s', oid::regclass) from ours where relforcerowsecurity
  union all
  -- Of a trusted extension everything belongs to the first superuser.
  select extension, format('owner %I of %s', pg_get_userbyid(relowner), oid::regclass) from ours where relowner not in (owner, 10) and relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select extension, format('index %s of %s', indexrelid::regclass, indrelid::regclass) from ours join pg_index on indrelid = oid
  union all
  select extension, format('constraint %I of %s', conname, conrelid::regclass) from ours join pg_constraint k on conrelid = ours.oid
  union all
  select extension, format('trigger %I of %s', tgname, tgrelid::regclass) from ours join pg_trigger t on tgrelid = ours.oid where not tgisinternal
  union all
  select extension, format('policy %I of %s', polname, polrelid::regclass) from ours join pg_policy p on polrelid = ours.oid
  union all
  select extension, format('rule %I of %s', rulename, ev_class::regclass) from ours join pg_rewrite r on ev_class = ours.oid where rulename <> '_RETURN'
  union all
  select extension, format('statistics %I of %s', stxname, stxrelid::regclass) from ours join pg_statistic_ext s on stxrelid = ours.oid
  union all
  select extension, count(*) || ' functions, types and other members' from member where class <> 'pg_class'::regclass group by extension
)
select E'addition\t' || quote_ident(extname) || E'\t' || regexp_replace(name, '[[:cntrl:]]', '?', 'g') from addition join pg_extension e on e.oid = extension
order by extname collate "C", name collate "C";
