#!/bin/sh
# Brings the recovery point up in a server of its own, reachable through a socket in this container only, and checks it.
#
# environment, beside postgres.sh's:
#   JOBS              parallel jobs of pg_restore and pg_amcheck
#   SCRATCH_SETTINGS  lines of postgresql.conf that the databases need to come up
set -eu
# A scratch server must know nothing of the production server; these are also read by initdb, pg_ctl and postgres.
unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGDATA PGSERVICE PGSSLMODE PGSSLROOTCERT PGOPTIONS || :
MAINTENANCE_DATABASE=postgres
# shellcheck source=lib/engines/postgres/postgres.sh
. "$BACKUP_HOME/engine/postgres.sh"
# shellcheck source=lib/shell/lib/assertions.sh
. "$BACKUP_HOME/shell/assertions.sh"

server=$SCRATCH/server
trap 'pg_ctl -D "$server/data" -m immediate stop >/dev/null 2>&1 || :' EXIT
# A retried container finds what the last one left.
rm -rf "$server"
mkdir -p "$server/socket"
restore_started=$(date +%s)
# initdb wants a name for its user, which one that the cluster has chosen may not have. As in the entrypoint of the official image.
initialize() (
  if ! getent passwd "$(id -u)" >/dev/null 2>&1; then
    for wrapper in /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so; do
      [ -s "$wrapper" ] || continue
      printf 'postgres:x:%s:%s::%s:/bin/false\n' "$(id -u)" "$(id -g)" "$SCRATCH" >"$SCRATCH/passwd"
      printf 'postgres:x:%s:\n' "$(id -g)" >"$SCRATCH/group"
      export LD_PRELOAD="$wrapper" NSS_WRAPPER_PASSWD="$SCRATCH/passwd" NSS_WRAPPER_GROUP="$SCRATCH/group"
    done
  fi
  initdb "$@"
)
attempt 'initdb' initialize -D "$server/data" -U postgres --auth=trust --no-sync --encoding=UTF8 --locale=C.UTF-8 >/dev/null
# Room for a transaction that makes the largest database, up to some 150 MB of shared memory.
locks=$(($(locks_needed <"$SCRATCH/facts.expected") / 50 + 64))
[ "$locks" -le 4096 ] || locks=4096
# Durability is worth nothing to a server that lives for minutes, and costs most of the time.
cat >>"$server/data/postgresql.conf" <<CONF
${SCRATCH_SETTINGS:-}
# What is restored must not set to work, nor connect anywhere.
cron.launch_active_jobs = off
listen_addresses = ''
unix_socket_directories = '$server/socket'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
autovacuum = off
archive_mode = off
max_logical_replication_workers = 0
max_connections = 100
max_locks_per_transaction = $locks
shared_buffers = 128MB
maintenance_work_mem = 128MB
logging_collector = off
CONF
pg_ctl -D "$server/data" -l "$server/log" -w start >/dev/null || die "the scratch server did not start: $(last_words "$server/log" 1)"
export PGHOST="$server/socket" PGUSER=postgres

# An earlier container's words are not this one's.
rm -f "$SCRATCH/facts.waived"
know_server
restore_roles
get databases.tsv >"$SCRATCH/databases.tsv" || die "databases.tsv of $POINT: $(repository_reason)"
sed -n 's/^\([^	]*\)	name	.*/\1/p' "$SCRATCH/databases.tsv" >"$SCRATCH/slugs"
# The scratch server's own `postgres` stands in the way of one that was backed up.
sql template1 -c 'drop database postgres with (force)'
MAINTENANCE_DATABASE=template1
while read -r slug; do
  name=$(sed -n "s/^$slug	name	//p" "$SCRATCH/databases.tsv")
  restore_database "$slug" "$name" "$name"
  restore_properties "$slug" "$name" "$name" last
  compare_extensions "$slug" "$name" "$name"
  log "restored database \"$name\""
done <"$SCRATCH/slugs"
outcome restoreSeconds "$(($(date +%s) - restore_started))"

# In the encoding of the database: names are bytes there that may be no UTF-8.
amcheck() ( unset PGCLIENTENCODING; client pg_amcheck "$@" )
while read -r slug; do
  name=$(sed -n "s/^$slug	name	//p" "$SCRATCH/databases.tsv")
  attempt "counting in database $name" facts_of "$name" "$name" >>"$SCRATCH/facts"
  if command -v pg_amcheck >/dev/null; then
    attempt "pg_amcheck of database $name" amcheck --install-missing --heapallindexed --jobs "$JOBS" "$(database "$name")"
  fi
done <"$SCRATCH/slugs"
fact databases "$(wc -l <"$SCRATCH/slugs" | tr -d ' ')"
not_waived "$SCRATCH/facts.expected" >"$SCRATCH/facts.wanted"
not_waived "$SCRATCH/facts" >"$SCRATCH/facts.found"
compare_facts "$SCRATCH/facts.wanted" "$SCRATCH/facts.found"

# Asked last: an assertion is the user's own statement, and may do anything to this server.
# It speaks of names as the database's users do.
ask() ( PGOPTIONS=${PGOPTIONS#-c search_path=pg_catalog }; sql "$1" -f - )
check_assertions ask
