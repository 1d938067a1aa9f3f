\o /dev/null
select pg_create_physical_replication_slot(:'slot', true, true);
\o
\! sh "$BACKUP_HOME/engine/stream-base.sh"
