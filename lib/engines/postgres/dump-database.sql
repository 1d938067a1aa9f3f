-- One session holds a snapshot; pg_dump dumps it, and the facts are counted in it. So the counts are those of the dump,
-- to the row, while the application goes on writing.
-- (PostgreSQL's documentation, "Snapshot Synchronization Functions".)
\o /dev/null
begin transaction isolation level repeatable read, read only;
set local statement_timeout = 0;
set local idle_in_transaction_session_timeout = 0;
-- A count of the rows that this role happens to be allowed to see proves nothing.
set local row_security = off;
select pg_export_snapshot() as snapshot, case when pg_is_in_recovery() then '--no-unlogged-table-data' else '' end as standby \gset
\setenv SNAPSHOT :snapshot
\setenv STANDBY :standby
\o
\! sh "$BACKUP_HOME/engine/dump-snapshot.sh"
-- Nobody counts for a dump that failed: it could take hours.
\set dumped `[ -e "$SCRATCH/dumped" ] && echo true || echo false`
\if :dumped
  \o :facts_file
  \i :facts_sql
  \o
\endif
commit;
