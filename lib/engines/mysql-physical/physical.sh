# shellcheck shell=sh
# What the scripts of this engine share.
#
# environment:
#   DIALECT       mariadb or mysql: of the image's programs, and so of the server
#   LOCK_TIMEOUT  seconds to wait for statements that stand in the way of the backup's locks
#   ALLOW_EMPTY   `yes`: a server without a table of its users' is no reason to fail
#   SERVER_HOST, SERVER_PORT, SERVER_USER, SERVER_PASSWORD   where the server is; not in a verification
#   TLS           disabled, encrypted or verified; empty: what the client does by itself
#   TLS_CA        with verified: a file with the certificate of who signed the server's
#
# The members of a recovery point:
#   data.mbstream   the server's files as mariadb-backup streams them (XtraBackup: data.xbstream), and the redo log of the meantime
#   server.cnf      the settings without which a server cannot read these files, or repeats its log with another effect
#   binlog          MariaDB with a binary log: the file, the position in it at the instant of the recovery point, and the file's birth
# Its facts are what the tool says of that very stream:
#   lsn                   where the copied redo log ends: the instant of the recovery point
#   definitions/<name>    MariaDB: table and view definitions in the directory of a database, copied while nobody could change them
#   tablespaces           MySQL: files of InnoDB tables
# There is no count of rows among them: the copy is of the instant at which the tool lets the server go, and when that was nobody
# knows before it has passed. A count taken earlier or later would be of other data.
# shellcheck source=lib/shell/lib/lib.sh
. "$BACKUP_HOME/shell/lib.sh"


case $DIALECT in
  mariadb) tool=mariadb-backup unpacker=mbstream format=mbstream client=mariadb server=mariadbd ;;
  *) tool=xtrabackup unpacker=xbstream format=xbstream client=mysql server=mysqld ;;
esac
stream=data.$format

# A tool from another image comes with its libraries and its loader, and uses no others. With run_how=exec it takes the shell's place.
run_tool() { # PROGRAM ARGUMENTS...
  if [ -e "/tools/$1" ]; then
    run_program=/tools/$1
    shift
    set -- /tools/lib/ld-linux* --library-path /tools/lib "$run_program" "$@"
  fi
  ${run_how:-} "$@"
}

# ---- the production server ------------------------------------------------------------------------------------------
# A file, since a password in the arguments is everybody's to read. The quotes keep `#` and spaces in it from being cut.
option() { # NAME VALUE
  case $2 in *"
"*) refuse "the $1 in the credentials holds a line break, which an option file cannot hold: remove it from the Secret" ;; esac
  printf '%s="%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}
# shellcheck disable=SC2153 # these are the environment's
if [ -n "${SERVER_HOST:-}" ]; then
  {
    echo '[client]'
    option host "$SERVER_HOST"
    option port "$SERVER_PORT"
    option user "$SERVER_USER"
    option password "$SERVER_PASSWORD"
    # Without a host of its own `localhost` means a socket.
    echo 'protocol=TCP'
    case $DIALECT:$TLS in
      mariadb:disabled) echo skip-ssl ;;
      mariadb:encrypted) printf 'ssl\nskip-ssl-verify-server-cert\n' ;;
      mariadb:verified) printf 'ssl\nssl-verify-server-cert\nssl-ca=%s\n' "$TLS_CA" ;;
      mysql:disabled) echo ssl-mode=DISABLED ;;
      mysql:encrypted) echo ssl-mode=REQUIRED ;;
      mysql:verified) printf 'ssl-mode=VERIFY_IDENTITY\nssl-ca=%s\n' "$TLS_CA" ;;
    esac
  } >"$SCRATCH/client.cnf"
fi

sql() { asking "$client" "$client" --defaults-file="$SCRATCH/client.cnf" --connect-timeout=15 --batch --skip-column-names -e "$1"; }
# What the client says of a statement that failed, without what it quotes: that may be the content of a row.
client_words() { # FILE EXIT-CODE
  client_said=$(grep -oE '^ERROR [0-9]+ \([0-9A-Z]+\)( at line [0-9]+)?' "$1" | tail -n 1) || :
  printf %s "${client_said:-$client ended with exit code $2}"
}
# What a tool or a server says in the end, without the pages and rows that it shows of what is damaged.
tool_words() { # FILE EXIT-CODE
  grep -vE '^ *len |; asc |; hex |^ *[0-9]+: len ' "$1" >"$SCRATCH/words" || :
  last_words "$SCRATCH/words" "$2"
}
variable() { # NAME: its value; nothing where this server has no such variable
  variable_row=$(sql "show global variables like '$1'") || return 1
  printf '%s\n' "$variable_row" | cut -f 2-
}

# Names what the tool leaves where it is: it knows the files of these storage engines only, and not whom a replica follows.
# (MariaDB's source, extra/mariabackup/backup_copy.cc, ext_list.)
say_left_out() {
  (cd "$DATA_DIRECTORY" && find . -mindepth 2 -maxdepth 2 -type f ! -path './#*' ! -path './.[!/]*' ! -path './lost+found/*') 2>/dev/null | sed 's|^\./||' |
    grep -vE '\.(ibd|frm|isl|MYD|MYI|MAD|MAI|MRG|ARM|ARZ|CSM|CSV|opt|par|TRG|TRN|sdi|cfg|cfp|TMD|TMM)$' | LC_ALL=C sort >"$SCRATCH/foreign" || :
  [ ! -s "$SCRATCH/foreign" ] ||
    caveat "files in database directories that $tool does not know, such as those of other storage engines, are left out: $(some_of "$SCRATCH/foreign")"
  # MySQL has this in tables.
  if [ "$DIALECT" = mariadb ] && [ -n "$(find "$DATA_DIRECTORY" -maxdepth 1 -name 'master*.info')" ]; then
    caveat 'the server is a replica, and the address of its primary (master.info) is left out: a restored server replicates only after CHANGE MASTER'
  fi
}

# ---- a recovery point -----------------------------------------------------------------------------------------------
# Unpacks the recovery point into a directory and applies the redo log to it.
unpack() { # DIRECTORY
  get server.cnf >"$SCRATCH/server.cnf" || die "server.cnf of $POINT: $(repository_reason)"
  # What they say is kept in memory: it may be that the scratch volume is full.
  unpack_said=$({
    { get "$stream" || echo "get: $?" >&2; } | { run_tool "$unpacker" -x -C "$1" || echo "unpack: $?" >&2; }
  } 2>&1)
  case $unpack_said in
    *'get: '* | *'unpack: '*)
      rm -f "$SCRATCH/reserve"
      printf '%s\n' "$unpack_said" | grep -vE '^(get|unpack): ' >"$SCRATCH/unpack.err" || :
      # 141 is a broken pipe: then the unpacker failed first.
      get_rc=$(printf '%s\n' "$unpack_said" | sed -n 's/^get: //p')
      [ "${get_rc:-141}" = 141 ] || [ ! -s "$SCRATCH/repository.reason" ] || die "$(repository_reason)"
      die "unpacking $stream failed: $(last_words "$SCRATCH/unpack.err" "$(printf '%s\n' "$unpack_said" | sed -n 's/^unpack: //p')")"
      ;;
  esac

  prepare_rc=0
  run_tool "$tool" --prepare --target-dir="$1" >"$SCRATCH/prepare.log" 2>&1 || prepare_rc=$?
  { [ "$prepare_rc" = 0 ] && completed "$SCRATCH/prepare.log"; } ||
    die "applying the redo log ($tool --prepare) failed: $(tool_words "$SCRATCH/prepare.log" "$prepare_rc")"
  # A directory like any other to the tools; the volume that this one goes to has its own.
  rm -rf "$1/lost+found"
  # MariaDB 11 and newer call it mariadb_backup_checkpoints.
  unpacked_lsn=$(cat "$1"/xtrabackup_checkpoints "$1"/mariadb_backup_checkpoints 2>/dev/null | sed -n 's/^last_lsn = \([0-9]*\)$/\1/p')
  fact lsn "${unpacked_lsn:-0}"
}

# Both tools end like this, and only after everything else: their exit code alone is not enough.
completed() { tail -n 1 "$1" | grep -q 'completed OK!$'; } # LOG

# ---- a server over a recovery point, reachable through a socket in this container only --------------------------------
# Its grant tables are production's, with passwords that nobody here has: the server makes an account of its own as it starts.
scratch_account=backup-check

scratch_sql() { # CLIENT-ARGUMENTS...
  "$client" --defaults-file="$SCRATCH/scratch.cnf" --batch --skip-column-names --default-character-set=utf8mb4 "$@"
}

start_scratch_server() { # DIRECTORY
  launch_scratch_server "$@" || not_started
}

# Of its errors the first is the cause, and the others follow from it.
not_started() {
  causes=$(grep '\[ERROR\]' "$SCRATCH/server.log" | sed 's/.*\[ERROR\] *//' | head -n 2 | tr '\n' ' ')
  die "a server on these files did not start: ${causes:-$(tool_words "$SCRATCH/server.log" "$server_rc")}"
}

# Its settings are in $SCRATCH/server.cnf. Fails when it ends before it answers.
launch_scratch_server() { # DIRECTORY
  # Of all kinds of characters, in case the production server checks passwords.
  scratch_password="Aa1!$(head -c 24 /dev/urandom | od -A n -t x1 | tr -d ' \n')"
  { echo '[client]'; option user "$scratch_account"; option password "$scratch_password"; option socket "$SCRATCH/server.socket"; } >"$SCRATCH/scratch.cnf"
  # One statement a line is what the server reads.
  cat >"$SCRATCH/account.sql" <<SQL
drop user if exists '$scratch_account'@localhost;
create user '$scratch_account'@localhost identified by '$scratch_password';
grant all on *.* to '$scratch_account'@localhost with grant option;
SQL
  # Nothing that production's own settings would start: no events, no replication, no port; and no binary log, but for files in
  # which it says what became of unfinished transactions.
  set -- "$1" --skip-networking --event-scheduler=OFF "${scratch_log:---skip-log-bin}" --max-allowed-packet=1G
  if [ "$DIALECT" = mariadb ]; then set -- "$@" --skip-slave-start; else set -- "$@" --skip-replica-start --mysqlx=OFF; fi
  scratch_directory=$1
  shift
  "$server" --defaults-file="$SCRATCH/server.cnf" --datadir="$scratch_directory" --socket="$SCRATCH/server.socket" \
    --pid-file="$SCRATCH/server.pid" --tmpdir="$SCRATCH" --init-file="$SCRATCH/account.sql" "$@" >"$SCRATCH/server.log" 2>&1 &
  scratch_server=$!
  until scratch_sql -e 'select 1' >/dev/null 2>"$SCRATCH/scratch.err"; do
    kill -0 "$scratch_server" 2>/dev/null || {
      wait "$scratch_server" && server_rc=0 || server_rc=$?
      return 1
    }
    ! grep -q 'ready for connections' "$SCRATCH/server.log" || ! grep -q 'Access denied' "$SCRATCH/scratch.err" ||
      die "a server on these files did not create the account for the checks: $(tool_words "$SCRATCH/server.log" 1)"
    sleep 0.2
  done
}

# Its account goes first: a restored server has the accounts of the recovery point and no others.
stop_scratch_server() {
  # In one session: the next one is not let in.
  scratch_sql -e "drop user '$scratch_account'@localhost; shutdown" 2>"$SCRATCH/scratch.err" ||
    die "the account for the checks could not be dropped again: $(last_words "$SCRATCH/scratch.err" 1)"
  wait "$scratch_server" && server_rc=0 || server_rc=$?
  [ "$server_rc" = 0 ] || die "the server on these files did not stop cleanly: $(tool_words "$SCRATCH/server.log" "$server_rc")"
}

kill_scratch_server() { [ -z "${scratch_server:-}" ] || kill -KILL "$scratch_server" 2>/dev/null || :; }

# How assertions are asked.
ask() { scratch_sql ${1:+--database="$1"}; }

# Every table that the recovery point holds must be there, before its log is replayed; and after, every page of every table whole.
compare_scratch_server() {
  if [ "$DIALECT" = mariadb ]; then
    # By the names of directories, in which what is not a plain letter is written as a number.
    attempt 'counting the tables' scratch_sql -e "select cast(convert(table_schema using filename) as binary) directory, count(*)
      from information_schema.tables where table_schema not in ('information_schema', 'performance_schema') group by directory" >"$SCRATCH/counted"
    while IFS='	' read -r directory number; do fact "definitions/$directory" "$number"; done <"$SCRATCH/counted"
  else
    attempt 'counting the tablespaces' scratch_sql -e "select count(*) from information_schema.innodb_tablespaces where name like '%/%'" >"$SCRATCH/counted"
    fact tablespaces "$(cat "$SCRATCH/counted")"
  fi
  compare_facts "$SCRATCH/facts.expected" "$SCRATCH/facts"
}

check_scratch_server() {
  attempt 'listing the tables' scratch_sql -e "select concat('check table \`', replace(table_schema, '\`', '\`\`'), '\`.\`', replace(table_name, '\`', '\`\`'), '\`;')
    from information_schema.tables where table_type <> 'VIEW' and table_schema not in ('information_schema', 'performance_schema', 'sys')
    order by table_schema, table_name" --raw >"$SCRATCH/check.sql"
  # `note` is about kinds of tables that have nothing to check, such as sequences; `warning` about what a server mends by itself.
  checked_rc=0
  scratch_sql --binary-mode <"$SCRATCH/check.sql" >"$SCRATCH/checked" 2>"$SCRATCH/check.err" || checked_rc=$?
  awk -F '\t' '$3 == "error" || $3 == "Error" || ($3 == "status" && $4 != "OK") { sub(/misplaced row.*/, "misplaced row", $4); print $1 ": " $4 }' "$SCRATCH/checked" >"$SCRATCH/check.bad"
  [ ! -s "$SCRATCH/check.bad" ] || die "CHECK TABLE found damage in these tables: $(head -n 3 "$SCRATCH/check.bad" | tr '\n' ';')"
  [ "$checked_rc" = 0 ] || die "CHECK TABLE could not check all tables: $(client_words "$SCRATCH/check.err" "$checked_rc") $(grep -E '\[ERROR\]' "$SCRATCH/server.log" | tail -n 1)"
  log "CHECK TABLE found nothing wrong in $(wc -l <"$SCRATCH/check.sql" | tr -d ' ') tables"
}
