# shellcheck shell=sh
# A server in this pod over files that are not production's any more: what a verification, a restore and the check of a volume share.
# postgres.sh is sourced before.

# The server in this pod must know nothing of the production server; these are also read by pg_ctl and postgres.
unset PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGDATA PGSERVICE PGSSLMODE || :

# Durability is worth nothing to a server that lives for minutes, and costs most of the time.
# shellcheck disable=SC2034 # read by the scripts that source this
throw_away='fsync = off
synchronous_commit = off
full_page_writes = off'

control() { pg_controldata -D "$1" | sed -n "s/^$2:  *//p"; } # DIRECTORY FIELD

# Starts a server on DIRECTORY, with settings of its own: production's may name files, libraries and memory that are not here. Those
# that change what a recovery needs, or writes, are production's: the control file tells them. (PostgreSQL's source, ControlFileData;
# whether pages have checksums is known from there, too.)
# How that went is in $server_rc, and what the server said in $SCRATCH/server.log.
start_server() { # DIRECTORY SETTINGS...
  server_directory=$1
  shift
  mkdir -p "$SCRATCH/socket"
  rm -f "$server_directory"/postmaster.pid "$server_directory"/postmaster.opts
  # Read after every other setting: it is put aside as long as this server runs.
  : >>"$server_directory/postgresql.auto.conf"
  mv "$server_directory/postgresql.auto.conf" "$SCRATCH/postgresql.auto.conf"
  : >"$server_directory/postgresql.auto.conf"
  {
    cat <<CONF
data_directory = '$server_directory'
hba_file = '$SCRATCH/hba.conf'
ident_file = '$SCRATCH/ident.conf'
listen_addresses = ''
unix_socket_directories = '$SCRATCH/socket'
shared_buffers = 128MB
dynamic_shared_memory_type = mmap
autovacuum = off
archive_mode = off
max_logical_replication_workers = 0
hot_standby = off
logging_collector = off
log_error_verbosity = terse
log_min_error_statement = panic
max_connections = $(control "$server_directory" 'max_connections setting')
max_worker_processes = $(control "$server_directory" 'max_worker_processes setting')
max_wal_senders = $(control "$server_directory" 'max_wal_senders setting')
max_prepared_transactions = $(control "$server_directory" 'max_prepared_xacts setting')
max_locks_per_transaction = $(control "$server_directory" 'max_locks_per_xact setting')
wal_level = $(control "$server_directory" 'wal_level setting')
wal_log_hints = $(control "$server_directory" 'wal_log_hints setting')
# A server without it erases the times of commits as it begins to take writes, and the log may have switched it on. One that
# was without it before erases them as it starts.
track_commit_timestamp = on
# Room for the origins of all subscriptions: where one does not fit in, the server does not start.
max_replication_slots = 1000
CONF
    [ "$(cat "$server_directory/PG_VERSION")" -lt 18 ] || echo 'max_active_replication_origins = 1000'
    printf '%s\n' "$@"
  } >"$SCRATCH/postgresql.conf"
  echo 'local all all trust' >"$SCRATCH/hba.conf"
  : >"$SCRATCH/ident.conf"
  rm -f "$SCRATCH/server.log"
  server_rc=0
  # The Job's deadline ends what takes too long, not pg_ctl.
  pg_ctl -D "$server_directory" -o "-c config_file=$SCRATCH/postgresql.conf" -l "$SCRATCH/server.log" -t 1000000 -w start >/dev/null || server_rc=$?
  # pg_ctl is content with a server that replays. It takes writes when the eighth line of its pid file says so; it removes
  # the file when it gives up.
  while [ "$server_rc" = 0 ] && [ "$(sed -n '8s/ *$//p' "$server_directory/postmaster.pid" 2>/dev/null)" != ready ]; do
    [ -e "$server_directory/postmaster.pid" ] || server_rc=1
    sleep 0.2
  done
  cat "$SCRATCH/server.log" >&2
}

# What the server said of its recovery, in one line.
log_recovery() {
  log "$(grep -E 'recovery stopping|redo done|redo is not required|last completed transaction|selected new timeline' "$SCRATCH/server.log" | sed 's/.*LOG:  *//' | tr '\n' ';')"
}

# Whom `ask` asks from now on.
ask_server() { # SUPERUSER
  PGHOST=$SCRATCH/socket PGUSER=$1 MAINTENANCE_DATABASE=template1
  export PGHOST PGUSER MAINTENANCE_DATABASE
}

# Whether any database has a table that its users have made. A server that came up on an empty volume is sound, and has none.
holds_tables() {
  attempt 'listing the databases' ask -c 'select datname from pg_database where datallowconn' >"$SCRATCH/connectable"
  while IFS= read -r connectable; do
    # By environment: as an argument, a name with an equals sign in it would be a connection string.
    attempt "looking for tables in $connectable" env "PGDATABASE=$connectable" psql -XAtq --no-password -v ON_ERROR_STOP=1 -c "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'm') and c.oid >= 16384 and n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema') limit 1" >"$SCRATCH/has-table"
    [ ! -s "$SCRATCH/has-table" ] || return 0
  done <"$SCRATCH/connectable"
  return 1
}

# Reads every table and every B-tree index of every database.
#
# environment:
#   JOBS          parallel jobs of pg_amcheck
#   ALLOW_EMPTY   `yes`: a server without a table of its users' is no reason to fail
check_server() {
  amcheck_rc=0
  pg_amcheck --all --install-missing --heapallindexed --jobs "$JOBS" --maintenance-db template1 >"$SCRATCH/amcheck" 2>&1 || amcheck_rc=$?
  # A damaged table can have more to say than a log holds.
  head -n 200 "$SCRATCH/amcheck" >&2
  [ "$amcheck_rc" = 0 ] || die "pg_amcheck failed: $(grep . "$SCRATCH/amcheck" | head -n 4 | tr '\n' ' ')"
  [ "$ALLOW_EMPTY" = yes ] || holds_tables || die 'the server holds no table of a user (if that is right, set allowEmpty)'
}

# How assertions are asked.
query() { PGOPTIONS='' psql -XAtq --no-password -v ON_ERROR_STOP=1 -d "$1" -f -; }

stop_server() { pg_ctl -D "$server_directory" -m fast -t 1000000 -w stop >/dev/null; }
