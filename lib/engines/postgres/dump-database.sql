-- One session holds a snapshot; pg_dump dumps it, and the facts are counted in it. So the counts are those of the dump,
-- to the row, while the application goes on writing.
-- (PostgreSQL's documentation, "Snapshot Synchronization Functions".)
select current_setting('server_encoding') = 'SQL_ASCII' as any_bytes \gset
\if :any_bytes
  -- No byte is wrong in such a database, and none can be converted.
  \encoding SQL_ASCII
\endif
\o /dev/null
begin transaction isolation level repeatable read, read only;
select pg_export_snapshot() as snapshot, pg_is_in_recovery() as standby, case when pg_is_in_recovery() then '--no-unlogged-table-data' else '' end as unlogged \gset
-- The locks that pg_dump takes, for as long as this session counts: a TRUNCATE that waited for the dump to end would empty the tables for
-- this snapshot, too. (PostgreSQL's documentation, "Caveats" of "Concurrency Control".)
set local lock_timeout = :lock_timeout;
select 'lock table ' || string_agg(format('only %I.%I', nspname, relname), ', ') || ' in access share mode'
from (
  select nspname, relname, (row_number() over (order by c.oid) - 1) / 200 as batch
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where relkind in ('r', 'p') and relpersistence <> 't' and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      and not exists (select from pg_extension e where e.oid = d.refobjid and c.oid = any (extconfig)))
) t
group by batch order by batch
\gexec
set local lock_timeout = 0;
-- A table that was swapped for another between the snapshot and the lock would be dumped as it never was. One that was emptied and filled, or
-- rewritten, in a transaction that the lock waited for, is empty for this snapshot: its rows are in a new file, and all newer than the snapshot.
-- The snapshot shows the file that was, the function the one that is. (PostgreSQL's documentation, "Caveats" of "Concurrency Control".)
select coalesce(string_agg(format('%I.%I', nspname, relname), ', ') filter (where number <= 5)
  || case when count(*) > 5 then ' and ' || count(*) - 5 || ' more' else '' end, '') as changed
from (
  select nspname, relname, row_number() over (order by nspname, relname) as number
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where relkind in ('r', 'p') and relpersistence <> 't' and nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
    and (to_regclass(format('%I.%I', nspname, relname)) is distinct from c.oid or relkind = 'r' and pg_relation_filenode(c.oid) is distinct from relfilenode)
) c
\gset
\setenv CHANGED :changed
\setenv SNAPSHOT :snapshot
\setenv UNLOGGED :unlogged
\o
\! sh "$BACKUP_HOME/engine/dump-snapshot.sh"
-- Nobody counts for a dump that failed: it could take hours.
\set dumped `[ -e "$SCRATCH/dumped" ] && echo true || echo false`
\if :dumped
  \o :facts_file
  \i :facts_sql
  \o :left_out_file
  \i :left_out_sql
  \o
\endif
commit;
